"""Every command that can be printed runs when it is pasted: from the catalogues, against a real machine."""

from __future__ import annotations

import ast
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import roosync_ops
from roosync_ops import cli, typed
from roosync_ops.fleet import Fleet as Machines
from roosync_ops.fleet import load_inventory
from roosync_ops.judge import AgentState, ProbeResult, probes
from roosync_ops.judge.diagnose import _where, command
from roosync_ops.judge.diagnose_causes import CAUSES
from roosync_ops.judge.diagnose_model import DiagnosisInput, MachineCase
from roosync_ops.remote_script import checks
from roosync_ops.show.messages import commands
from roosync_ops.transport.reach import Reach
from roosync_ops.wire import local
from tests.kits import warm
from tests.kits.hosts import sh
from tests.kits.product import ROOSYNC_OPS
from tests.kits.sshd import Fleet
from tests.unit.pyinfra_ops.builders import a_report, a_share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roosync_ops.fleet import Machine

NAME = "m1"
SOURCES = Path(roosync_ops.__file__).parent
#: What answers to a command that cannot be understood, that is not there, or that fails by a defect of ours.
NO_COMMAND = {2, 70, 126, 127}
#: These would change this very computer, wait for a person, or ask systemd, which may not run here: that the machine's
#: shell reads them is all that is seen.
ONLY_READ = ("sudo ", "mv ", "timedatectl ")
#: What changes a machine: one at a time. What only reads runs beside it.
CHANGES = ("rollout", "restart", "stop", "uninstall")
READERS = 3
#: These stay, need what is not here, or (init) write what is: they are taken by the command line, --help behind them.
ONLY_TAKEN = ("watch", "mcp", "lab", "schedule", "dashboard", "init")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Fleet, Path]]:
    root = tmp_path_factory.mktemp("hints")
    with Fleet(root, [NAME]) as fleet:
        inventory = fleet.inventory(root / "my fleet.py", heartbeat_interval=500, offline_timeout=2000)
        (root / ".ssh").mkdir(mode=0o700)
        for ending in ("", ".pub"):
            (root / ".ssh" / f"id_ed25519{ending}").write_bytes(Path(f"{fleet.key}{ending}").read_bytes())
        done = pasted(f"roosync-ops rollout -i {shlex.quote(str(inventory))}", root)
        assert done.returncode == 0, done
        yield fleet, inventory


def pasted(line: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a line as a shell does, with our own command in PATH; nobody answers what it asks."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "HOME": str(home), "PATH": path}
    environment.pop("SSH_AUTH_SOCK", None)
    ours, _, rest = line.partition(" ")
    if ours == typed.OURS and ">" not in rest:
        words = sh("sh", "-c", f"printf '%s\\0' {rest}").split("\0")[:-1]  # as the shell reads them
        if warm.can(words, environment):
            return warm.run(str(ROOSYNC_OPS), words, environment, 300, home)
    return subprocess.run(
        ["sh", "-c", line],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=environment,
        cwd=home,
    )


def of_causes(machine: Machine, path: str) -> Iterator[str]:
    login, hosts = checks.login(machine), str(machine.ssh["ssh_known_hosts_file"])
    port = machine.port or 22
    report, reach = a_report(share=a_share(path=path)), Reach("127.0.0.1", port)
    agent = AgentState(probes.UNCLEAR)
    one = ProbeResult(NAME, agent, report=report, reach=reach, login=login, known_hosts=hosts)
    case = MachineCase(DiagnosisInput(Machines([machine]), 0, {NAME: one}), NAME)
    facts = {**_where(case), "machine": NAME, "via": NAME, "hint": checks.diagnosing(NAME)}
    for word in CAUSES:
        yield command(word, facts, case)


def of_sentences() -> Iterator[str]:
    for following in (value for table in commands().values() for value in table.values()):
        yield typed.ours(*shlex.split(following.format(machine=NAME)))


def of_checks(machine: Machine, path: str) -> Iterator[str]:
    for code in (*checks._SHOWS, *checks._MENDS, local.SHARED, "ANYTHING"):
        yield checks.failed(machine, "look", code, "it", path).hint


#: What a command that is made at run time can be about, by how its source names it: a new one has to be said here.
MADE_OF: dict[str, list[list[str]]] = {
    **{
        text: [[NAME]]
        for text in (
            *("machine_id", "machine.machine_id", "found.machine_id", "case.machine_id", "self.machine.machine_id"),
            *("name", "host.name", "given.lower()", "*(row.machine_id for row in wrong[:_SHOWN])"),
        )
    },
    "command": [["validate"]],
    "*(machines or [])": [[], [NAME]],
    "*options.names_of(limit)": [[]],
    "*asked": [[]],
    "*still_seen": [[NAME]],
    "others[0]": [["hang"]],
    "machine": [[NAME]],
    "str(self.root)": [["the lab"]],
    "f'{4 * timeout_s:g}'": [["80"]],
    "'stop' if arguments.action == 'stop' else 'rollout'": [["stop"], ["rollout"]],
}
#: What the other generators give: the catalogues' own commands, and words that were checked when they were typed.
GIVEN_ELSEWHERE = {
    *("*found[1:]", "found", "_MENDS[code](path)", "(*posix, path)", "*following", "*words"),
    "*(word.format(machine=machine_id) for word in following.split())",
}
#: A folder that answers as a shared state does.
PLACES = ("right", "written")


def ways_of(call: ast.Call, place: str) -> Iterator[list[str]]:
    """Yield the words of each command that a call of `typed.ours` can make; none where another generator gives them."""
    ways: list[list[str]] = [[]]
    for part in call.args:
        text = ast.unparse(part)
        if text in GIVEN_ELSEWHERE:
            return
        if isinstance(part, ast.Constant):
            found = [[str(part.value)]]
        else:
            found = [[place]] if text in PLACES else MADE_OF[text]
        ways = [[*way, *more] for way in ways for more in found]
    yield from ways


def of_calls(machine: Machine, place: str) -> Iterator[str]:
    """Yield every command that the sources make of words: for this computer, and for a machine's shell."""
    for source in SOURCES.rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call) and name in {"typed.ours", "typed.elsewhere"}:
                for words in ways_of(node, place):
                    yield typed.ours(*words)
            elif isinstance(node, ast.Call) and name in {"there", "checks.there"}:
                given = ast.unparse(node.args[1]) in GIVEN_ELSEWHERE
                yield from () if given else [checks.there(machine, ast.literal_eval(node.args[1]))]


def of_sources() -> Iterator[str]:
    """Yield every text in the sources that is a command of ours, of which none is made up at run time.

    What --help shows as an example names machines and files of nobody.
    """
    for source in SOURCES.rglob("*.py"):
        nodes = list(ast.walk(ast.parse(source.read_text(encoding="utf-8"))))
        parts = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        examples = (
            node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("examples")
        )
        parts |= {id(part) for node in examples for part in node.args}
        for node in nodes:
            text = node.value if isinstance(node, ast.Constant) and id(node) not in parts else None
            if isinstance(text, str) and text.startswith("roosync-ops ") and not set("\n{") & set(text):
                yield typed.own(text)


def every(fleet: Fleet, inventory: Path) -> list[str]:
    machine = load_inventory(inventory).select([NAME])[0]
    with typed.about({"--inventory": str(inventory), "--shared": str(fleet.shared)}):
        found = [*of_causes(machine, machine.shared or ""), *of_sentences(), *of_checks(machine, machine.shared or "")]
        found += [*of_calls(machine, machine.shared or ""), *of_sources()]
    commands = dict.fromkeys(filter(None, found))
    # What forgets the machine's key comes last.
    return sorted(commands, key=lambda line: line.startswith("ssh-keygen"))


def kind_of(line: str) -> tuple[object, ...]:
    """Return what makes a line one of its own: its words, however it names its machine and has its answer written."""
    return tuple(word for word in shlex.split(line) if word not in {"--json", "--limit", ">", "rollout.json"})


def of_each_kind(lines: list[str]) -> tuple[list[str], list[str]]:
    """Return one line of each kind, which is run, and those that are taken by the command line, and no more."""
    run: dict[tuple[object, ...], str] = {}
    taken = []
    for line in lines:
        words = shlex.split(line)
        ours = words[0] == typed.OURS
        if ours and (words[1] in ONLY_TAKEN or "--help" in words or (kind_of(line) in run and ">" not in words)):
            taken.append(line)
        else:
            run.setdefault(kind_of(line), line)
    return list(run.values()), taken


def is_change(line: str) -> bool:
    words = shlex.split(line)
    return words[0] == "ssh-keygen" or words[1] in CHANGES or "--fix" in words


def refused(line: str) -> str | None:
    """Return why the command line does not take a line, None where it does; behind --help nothing of it is done."""
    code = cli.main([*shlex.split(line)[1:], "--help"])
    return f"{code}: {line}" if code else None


def problem_of(line: str, home: Path) -> str | None:
    """Return why a line cannot be pasted, None where it can."""
    words = shlex.split(line)
    if words[0] == "ssh" and words[-1].startswith(ONLY_READ):
        line = shlex.join([*words[:-1], f"sh -n -c {shlex.quote(words[-1])}"])
    done = pasted(line, home)
    if done.returncode in NO_COMMAND or "Traceback" in done.stderr:
        return f"{done.returncode}: {line}: {done.stderr[-300:]}"
    if words[0].startswith("ssh") and done.returncode and not words[-1].endswith("/heartbeats"):
        return f"{done.returncode}: {line}: {done.stderr[-300:]}"
    return None


@pytest.mark.timeout(600)  # some thirty programs, some of them a rollout: well under a minute where nothing else runs
def test_every_command_that_can_be_printed_runs_when_pasted(place: tuple[Fleet, Path]) -> None:
    fleet, inventory = place
    lines = every(fleet, inventory)
    assert len(lines) > 30
    run, taken = of_each_kind(lines)
    with ThreadPoolExecutor(READERS) as readers, ThreadPoolExecutor(1) as changer:  # one change of a machine at a time
        waiting = [(changer if is_change(line) else readers).submit(problem_of, line, inventory.parent) for line in run]
    problems = [refused(line) for line in taken] + [one.result() for one in waiting]
    assert not list(filter(None, problems))
