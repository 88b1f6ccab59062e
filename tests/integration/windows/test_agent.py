"""The shipped agent on Windows CPython under Wine, its task kept by the stand-in for the task service."""

from __future__ import annotations

import json
import random
import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import filelock
import pytest

from tests.integration.windows.programs import KILLER, LOCKER, WEIGHER
from tests.kits.hosts import PATIENCE_S, wait_for
from tests.kits.windows_agent import WindowsAgent
from tests.kits.winlab import WinFleet, WinHost, WinHostSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.wine
INTERVAL_MS = 1000
KILLS = 24
#: A minute of the task's XML lasts a second.
SPEED = "1"


@pytest.fixture(scope="module")
def host() -> Iterator[WinHost]:
    """Yield a host whose SSH sessions lack the drive, with a user whose name needs quoting and is not ASCII."""
    name = "MYIA-PO-2024"
    with WinFleet([WinHostSpec(name, user_profile="Élodie Dupont", drive_in_ssh=False)]) as fleet:
        (fleet[name]._state() / "speed").write_text(SPEED, encoding="ascii")
        yield fleet[name]


@pytest.fixture(scope="module")
def agent(host: WinHost) -> WindowsAgent:
    return WindowsAgent(host, heartbeatInterval=INTERVAL_MS, offlineTimeout=120_000)


@pytest.fixture
def running(agent: WindowsAgent) -> WindowsAgent:
    """The agent, installed and beating; one whose beats are late on a busy computer runs all the same."""
    if not agent.loops():
        agent.at_console("install")
        agent.at_console("start")
    wait_for("a beat", agent.beats)
    return agent


def beats_again(agent: WindowsAgent, seconds: float = PATIENCE_S) -> None:
    before = agent.sequence()
    wait_for("two more beats", lambda: agent.sequence() >= before + 2, seconds)


def up_intervals(agent: WindowsAgent) -> list[str]:
    return list(agent.record()["agent"]["upIntervals"])


def session_of(agent: WindowsAgent) -> str:
    return str(agent.record()["agent"]["sessionId"])


def test_a_task_is_installed_started_and_proved_from_a_session_without_the_drive(agent: WindowsAgent) -> None:
    assert agent.over_ssh("look")["session"] == "logon"
    assert agent.over_ssh("register")["result"]["isNewMachine"] is True
    installed = agent.over_ssh("install")
    assert installed["changed"] is True
    assert installed["permanence"] == {"kind": "task", "installed": True, "enabled": False, "survivesReboot": False}
    assert agent.over_ssh("install")["changed"] is False
    started = agent.over_ssh("start")["result"]
    assert started["machineId"] == "myia-po-2024"
    assert agent.record()["metadata"]["hostname"] == "MYIA-PO-2024"
    second = agent.over_ssh("start", code=1)
    assert (second["code"], second["since"]) == ("HEARTBEAT_ALREADY_STARTED", started["startedAt"])
    beats_again(agent)  # the SSH session that started it is long gone
    status = agent.over_ssh("status")
    assert (status["running"], status["supervised"], status["permanence"]["enabled"]) == (True, "task", True)
    assert "myia-po-2024" in {piece["machineId"] for piece in agent.over_ssh("state")["evidence"]}


def test_a_task_of_an_older_version_is_an_administrator_s_until_a_rollout_makes_it_anew(agent: WindowsAgent) -> None:
    listed = [line.split(",")[0].strip('"') for line in _schtasks(agent, "/Query", "/FO", "CSV", "/NH").splitlines()]
    name = next(line for line in listed if "heartbeat-" in line)
    document = _schtasks(agent, "/Query", "/TN", name, "/XML", "ONE")
    old = re.sub("<SecurityDescriptor>.*</SecurityDescriptor>", "", document)
    old = old.replace("</LogonType>", "</LogonType><RunLevel>HighestAvailable</RunLevel>")
    agent.on_disk(r"C:\old.xml").write_bytes(old.encode("utf-16"))
    _schtasks(agent, "/Delete", "/TN", name, "/F")
    _schtasks(agent, "/Create", "/TN", name, "/XML", r"C:\old.xml", "/F")
    refused = agent.at_console("stop", code=1)
    assert "privilèges les plus élevés" in refused["message"]
    assert agent.over_ssh("install")["changed"] is True
    agent.at_console("stop")
    agent.at_console("start")


def _schtasks(agent: WindowsAgent, *words: str) -> str:
    done = agent.host.run("schtasks", *words, elevated=True)
    assert done.returncode == 0, done
    return done.stdout.decode("cp437")


def test_the_console_sees_the_drive_itself(running: WindowsAgent) -> None:
    look = running.at_console("look")
    assert look["session"] == "here"
    assert look["share"]["readable"]
    assert look["share"]["writable"]
    assert look["share"]["freeBytes"] > 0


def test_the_loop_is_at_most_half_larger_than_a_bare_interpreter(running: WindowsAgent) -> None:
    (pid,) = running.loops()
    done = running.host.run("python", "-I", "-S", "-", str(pid), input=WEIGHER.encode())
    assert done.returncode == 0, done.stderr
    loop, bare = json.loads(done.stdout)
    assert loop <= 1.5 * bare, f"working sets of {loop // 1024} and {bare // 1024} KiB"


def test_a_killed_loop_is_brought_back_by_its_trigger(running: WindowsAgent) -> None:
    old = session_of(running)
    (pid,) = running.loops()
    running.host.kill(pid)
    wait_for("another life", lambda: session_of(running) != old)
    assert running.loops() != [pid]


def test_there_is_one_loop_whatever_else_is_started(running: WindowsAgent) -> None:
    refused = running.at_console("run", code=1)
    assert refused["code"] == "HEARTBEAT_ALREADY_STARTED"
    elsewhere = running.at_console("run", "--local-dir", r"C:\other agent", "--shared", running.host.shared, code=1)
    assert elsewhere["code"] == "HEARTBEAT_ALREADY_STARTED"
    assert "autre utilisateur" in elsewhere["hint"]


@pytest.mark.parametrize("share", ["read", "none"])
def test_its_own_file_held_by_another_process_costs_beats_and_nothing_else(running: WindowsAgent, share: str) -> None:
    path = rf"{running.host.shared}/heartbeats/{running.machine_id}.json"
    session = session_of(running)
    with running.host.hold(path, share):
        held_at = running.sequence()
        time.sleep(3 * INTERVAL_MS / 1000)
        assert running.sequence() <= held_at + 1
    beats_again(running)
    assert session_of(running) == session
    assert sorted(path.name for path in running.own.parent.iterdir()) == ["myia-po-2024.json"]


def test_a_drive_that_goes_and_comes_is_beaten_on_again(running: WindowsAgent) -> None:
    session = session_of(running)
    running.host.unmap_drive()
    try:
        wait_for("trouble", lambda: running.over_ssh("status")["share"]["state"] == "missing")
        gone = running.over_ssh("look", code=3)
        assert gone["code"] == "DRIVE_NOT_MOUNTED"
    finally:
        running.host.map_drive()
    beats_again(running)
    assert session_of(running) == session
    assert len(up_intervals(running)) == 1


def test_a_restart_leaves_no_gap(running: WindowsAgent) -> None:
    session, sequence = session_of(running), running.sequence()
    running.at_console("stop", "--no-save-state")
    assert running.record()["agent"]["state"] == "running"
    running.at_console("start")
    assert session_of(running) != session
    assert running.sequence() > sequence
    assert len(up_intervals(running)) == 1


def test_stop_leaves_and_no_trigger_brings_it_back(running: WindowsAgent) -> None:
    stopped = running.over_ssh("stop")["result"]
    assert stopped["stateSaved"] is True
    assert running.record()["agent"]["state"] == "left"
    sequence = running.sequence()
    time.sleep(3)  # three minutes of the task's
    assert running.sequence() == sequence
    assert running.loops() == []
    assert running.over_ssh("stop")["result"]["stateSaved"] is True
    assert running.over_ssh("status")["permanence"]["enabled"] is False


def test_without_a_logon_session_start_and_look_say_so_and_leave_no_task_of_theirs(running: WindowsAgent) -> None:
    running.at_console("stop")
    running.host.logoff()
    try:
        time.sleep(0.5)  # the service looks ten times a second
        assert running.over_ssh("look", code=1)["code"] == "NO_LOGON_SESSION"
        assert running.over_ssh("start", code=1)["code"] == "NO_LOGON_SESSION"
    finally:
        running.host.logon()
    assert not [line for _, line in running.host.processes() if "--answer" in line]
    assert list(running.folder.glob("answer-*")) == []


def test_a_logoff_is_no_leaving_and_the_next_logon_beats_again(running: WindowsAgent) -> None:
    session = session_of(running)
    running.host.logoff()
    wait_for("the end of the loop", lambda: not running.loops())
    assert running.record()["agent"]["state"] == "running"
    running.host.logon()
    wait_for("another life", lambda: session_of(running) != session)


def test_a_drive_missing_in_the_logon_session_too_is_what_start_says(running: WindowsAgent) -> None:
    running.at_console("stop")
    running.host.unmap_drive()
    try:
        assert running.over_ssh("start")["result"]["share"]["state"] == "missing"
        assert len(running.loops()) == 1
    finally:
        running.host.map_drive()


def test_an_agent_that_ends_at_once_is_called_crashed_with_its_last_words(running: WindowsAgent) -> None:
    running.at_console("stop")
    pyz = running.folder / "agent.pyz"
    whole = pyz.read_bytes()
    line = running.line("start")
    copy = rf"{running.local}\copy.pyz"
    (running.folder / "copy.pyz").write_bytes(whole)
    broken = b"import sys\nif 'run' in sys.argv: raise SystemExit('broken on purpose')\n"
    pyz.write_bytes(broken)
    try:
        for left in (2, 1, 0):  # on a busy machine its time is over before the scheduler has told how the task ended
            done = running.host.run(*[copy if word.endswith("agent.pyz") else word for word in line])
            answer = json.loads(done.stdout)
            if answer["code"] == "AGENT_CRASHED":
                break
            assert left, answer
    finally:
        pyz.write_bytes(whole)
        (running.folder / "copy.pyz").unlink()


@pytest.mark.timeout(900)  # with a load of 29 the kills alone were 170 s
def test_killed_at_any_instant_it_leaves_a_whole_record(agent: WindowsAgent) -> None:
    agent.at_console("stop", "--no-save-state")
    before = agent.sequence()
    program = KILLER.replace("KILLS", str(KILLS)).replace("SEED", str(random.randrange(10**6)))  # noqa: S311 - which instants does not matter
    line = json.dumps(agent.line("register"))
    done = agent.host.run("python", "-I", "-S", "-", line, input=program.encode(), timeout=600)
    assert done.returncode == 0, done
    assert json.loads(done.stdout)["broken"] == 0
    assert agent.at_console("register")["success"] is True
    assert agent.sequence() > before
    assert {path.name for path in agent.own.parent.iterdir()} <= {"myia-po-2024.json"}


def test_its_lock_and_filelock_s_exclude_each_other_on_windows_too(agent: WindowsAgent) -> None:
    target = agent.on_disk(r"C:\packages\filelock")
    shutil.copytree(Path(filelock.__file__).parent, target, ignore=shutil.ignore_patterns("__pycache__"))
    words = ["python", "-I", "-S", "-B", "-", rf"{agent.local}\agent.pyz", r"C:\packages", rf"{agent.local}\a.lock"]
    done = agent.host.run(*words, input=LOCKER.encode())
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "alone": [True, True],
        "beside the agent's": [False, False],
        "beside filelock's": [False, False],
        "after a kill": [True, True],
    }


def test_uninstall_leaves_neither_task_nor_process_nor_file_of_the_task(agent: WindowsAgent) -> None:
    agent.over_ssh("uninstall")
    assert agent.over_ssh("uninstall")["changed"] is False
    assert agent.loops() == []
    assert {path.name for path in agent.folder.iterdir() if path.is_file()} - {"a.lock"} == {"agent.pyz", "config.json"}
    listed = agent.host.run("schtasks", "/Query", "/FO", "CSV", "/NH")
    assert b"roosync" not in listed.stdout
