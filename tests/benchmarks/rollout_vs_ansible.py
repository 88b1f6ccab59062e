"""How long a rollout takes, first run and no-op second run, beside Ansible (alone, with Mitogen) doing the same work.

    python tests/benchmarks/rollout_vs_ansible.py [--hosts 3,50,100] [--runs K] [--side all|ours|ansible|mitogen|bare]

Machines are real OpenSSH servers on loopback, each with a home and a name of its own. Both sides check the share, the
identity, the Python and the clock of each; copy the agent where its hash differs; write its configuration; register,
start, and see it beat. Ours is `roosync-ops rollout` as a cold process, from exec to exit; Ansible's is
`ansible-playbook rollout/rollout.yml` with ansible-core from PyPI: pipelining, ControlPersist, forks 50, strategy free,
or Mitogen's mitogen_free. The limit is one `ssh NAME true` a machine, all at once. Bytecode is kept, as by whoever
installed either.
A first run finds machines nothing was ever rolled out to, and no connection open; the second follows at once, so
Ansible finds the connections that ControlPersist kept, and ours, which keeps none, connects anew.
Before anything is timed each side runs once on one machine, so that neither pays for a cold disk.
"""

# ruff: noqa: T201 - a script's business

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[2]))

from roosync_ops import __version__
from roosync_ops.remote_script import bundle
from tests.benchmarks.rollout import playbook, report
from tests.benchmarks.rollout.hosts import Hosts
from tests.benchmarks.rollout.meter import Meter, Sample
from tests.benchmarks.rollout.ours import Bare, Ours
from tests.benchmarks.rollout.playbook import Ansible

if TYPE_CHECKING:
    from collections.abc import Iterator

SIDES = ("ours", "ansible", "mitogen", "bare")
#: A hundred machines take minutes under Ansible: once is enough from here on.
_LARGE = 50
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: What Ansible's recap, and our document, say of a host that was changed: a second run must change none.
_CHANGED = re.compile(r'\bchanged=[1-9]|"outcome": "changed"')
Samples = dict[tuple[str, str], list[Sample]]


class BenchmarkError(RuntimeError):
    """A run that did not do its work: its time means nothing."""


def main() -> int:
    arguments = _arguments()
    for number in _ENDINGS:
        signal.signal(number, _interrupt)
    os.environ.pop("ROOSYNC_SHARED_PATH", None)  # no benchmark touches a real share
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(arguments.cache / "bytecode")
    try:
        _measure_all(arguments)
    except KeyboardInterrupt:
        return 130
    except (BenchmarkError, RuntimeError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _interrupt(*_: object) -> None:
    """Take the machines down, and let no second signal interrupt that."""
    for number in _ENDINGS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("--hosts", default="3,50,100", help="how many machines, separated by commas")
    parser.add_argument("--runs", type=int, default=3, help=f"runs of each kind below {_LARGE} hosts; one from there")
    parser.add_argument("--side", choices=["all", *SIDES], default="all", help="time one side alone")
    parser.add_argument("--cache", type=Path, default=_cache(), help="where ansible-core is installed")
    parser.add_argument("--show-output", action="store_true", help="print what the timed commands print")
    return parser.parse_args()


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "roosync-ops" / "benchmarks"


def _measure_all(arguments: argparse.Namespace) -> None:
    scripts = playbook.install(arguments.cache)
    versions = {"roosync-ops": __version__, **playbook.versions(scripts)}
    print(report.environment(versions), end="\n\n", flush=True)
    sides = SIDES if arguments.side == "all" else (arguments.side,)
    rows = []
    _note("warming up")
    _measure(1, 1, sides, scripts, show=False)
    for count in map(int, arguments.hosts.split(",")):
        samples = _measure(count, arguments.runs if count < _LARGE else 1, sides, scripts, show=arguments.show_output)
        rows += [
            report.Row(count, run, {side: found for (side, kind), found in samples.items() if kind == run})
            for run in (report.FIRST, report.NO_OP)
        ]
    print(report.table(rows))


def _measure(count: int, runs: int, sides: tuple[str, ...], scripts: Path, *, show: bool) -> Samples:
    samples: Samples = {}
    with Meter() as meter, Hosts(count) as hosts:
        meter.attach(hosts.server_pids())
        agent = hosts.root / "agent.pyz"
        bundle.build(agent)
        built: dict[str, Ours | Ansible | Bare] = {
            "ours": Ours(hosts),
            "ansible": Ansible(scripts, hosts, agent),
            "mitogen": Ansible(scripts, hosts, agent, mitogen=True),
            "bare": Bare(hosts),
        }
        try:
            for _ in range(runs):
                for name in sides:
                    for run, sample in _two_runs(built[name], hosts, meter):
                        _check(name, run, sample, hosts, show=show)
                        samples.setdefault((name, run), []).append(sample)
        finally:
            for side in built.values():
                side.disconnect()
    return samples


def _two_runs(side: Ours | Ansible | Bare, hosts: Hosts, meter: Meter) -> Iterator[tuple[str, Sample]]:
    side.disconnect()
    hosts.reset()
    for run in (report.FIRST, report.NO_OP):
        yield run, meter.time(side.command, cwd=side.cwd, env=side.env)


def _check(name: str, run: str, sample: Sample, hosts: Hosts, *, show: bool) -> None:
    """A time counts only where every machine has its agent, running, and its heartbeat on the share."""
    _note(f"{len(hosts.hosts)} hosts, {name}, {run}: {sample.wall_s:.2f} s")
    if show:
        print(sample.output, file=sys.stderr)
    if name == "bare":
        return
    beating = {path.stem for path in (hosts.shared / "heartbeats").glob("*.json")}
    missing = [host.machine_id for host in hosts if host.machine_id not in beating]
    if sample.returncode != 0 or missing or (run == report.NO_OP and _CHANGED.search(sample.output)):
        raise BenchmarkError(
            f"{name}, {run} run: exit {sample.returncode}, no heartbeat of {missing}\n{sample.output[-4000:]}"
        )


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
