"""The same file on each CPython it promises: every verb, and the loop's size where a bound is promised."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from roosync_ops.wire.times import now_ms
from tests.kits.agent_process import Agent
from tests.kits.hosts import PATIENCE_S, wait_for
from tests.kits.shares import ours, put

BEATS = ("--heartbeat-interval", "200", "--offline-timeout", "2000")
VERSIONS = ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"]
#: What the issue promises on CPython 3.11.
MOST_KIB = 12 * 1024


def python(version: str) -> str | None:
    """Return an interpreter of that version, None where this machine has none."""
    here = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for name in [*map(str, here), f"/usr/bin/python{version}", shutil.which(f"python{version}")]:
        if name and Path(name).exists() and subprocess.run([name, "-c", ""], check=False).returncode == 0:
            return name
    return None


#: What this machine has; tests/integration/systemd brings 3.9, 3.11 and 3.13 wherever it runs.
HERE = [version for version in VERSIONS if python(version)]


@pytest.mark.parametrize("version", HERE)
def test_every_verb_works(make_agent: Callable[..., Agent], version: str) -> None:
    agent = make_agent(python=str(python(version)))
    assert agent("version")["python"].startswith(version + ".")
    assert agent("register", *BEATS)["result"]["isNewMachine"] is True
    agent("start", *BEATS)
    number = agent.sequence()
    wait_for("beats", lambda: agent.sequence() > number + 1)
    status = agent("status")
    assert status["running"] is True
    assert status["sha256"] == agent("version")["sha256"]
    assert agent("state")["viewState"] == "read"
    agent("stop")
    assert agent.record()["agent"]["state"] == "left"


@pytest.mark.skipif("3.11" not in HERE, reason="does not apply: the bound is for CPython 3.11, and there is none here")
@pytest.mark.parametrize("isolated", [True, False])
def test_the_loop_stays_within_twelve_mebibytes_on_cpython_3_11(
    make_agent: Callable[..., Agent], isolated: bool
) -> None:
    agent = make_agent(python=str(python("3.11")))
    if isolated:
        agent._command[1:1] = ["-I", "-S", "-B"]
    run = agent.run("--heartbeat-interval", "20", "--offline-timeout", "2000")
    wait_for("a hundred beats", lambda: agent.sequence() > 100)
    assert resident_kib(run.pid) <= MOST_KIB


@pytest.mark.skipif("3.11" not in HERE, reason="does not apply: the bound is for CPython 3.11, and there is none here")
def test_it_stays_so_while_it_keeps_the_view_of_two_hundred_machines(make_agent: Callable[..., Agent]) -> None:
    agent = make_agent(python=str(python("3.11")))
    slow = {"heartbeatInterval": 1_800_000, "offlineTimeout": 7_200_000}
    for number in range(200):
        put(agent.shared, ours(f"n{number:03}", 0, now_ms(), **slow))
    run = agent.run("--heartbeat-interval", "500", "--offline-timeout", "7200000")
    wait_for("twenty beats", lambda: agent.sequence() > 20)
    assert resident_kib(run.pid) <= MOST_KIB
    assert agent("status")["running"] is True


def resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


@pytest.mark.skipif(not Path("/proc/net/unix").exists(), reason="does not apply: no abstract sockets here")
@pytest.mark.parametrize("command", ["run", "start"])
def test_the_machine_has_one_place_for_a_loop_while_it_runs(make_agent: Callable[..., Agent], command: str) -> None:
    agent = make_agent()
    if command == "run":
        run = agent.run(*BEATS)
        wait_for("a beat", agent.own.exists)
        assert holders(agent) == 1
        run.terminate()
        run.wait(PATIENCE_S)
    else:
        agent("start", *BEATS)
        assert holders(agent) == 1
        agent("stop")
    wait_for("the place to be free", lambda: holders(agent) == 0)


def holders(agent: Agent) -> int:
    """How many sockets have the name that this agent's loop takes."""
    name = f"@roosync-heartbeat/{agent.folder.name}"
    return sum(line.endswith(name) for line in Path("/proc/net/unix").read_text("utf-8").splitlines())
