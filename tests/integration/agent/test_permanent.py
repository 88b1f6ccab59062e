"""start, stop, run and what keeps them alive: exactly one loop, whoever goes, and no success that is none."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from roosync_ops.agent.main import main
from roosync_ops.agent.verbs import start
from tests.kits.agent_process import Agent, alive, fill, kill, wait_for

BEATS = ("--heartbeat-interval", "200", "--offline-timeout", "2000", "--share-deadline", "1")


def test_start_outlives_its_caller_and_stop_writes_left(agent: Agent) -> None:
    answer = agent("start", *BEATS)
    assert answer["message"] == "Service de heartbeat démarré pour m1"
    assert list(answer["result"]) == ["action", "machineId", "startedAt", "config"]
    assert answer["result"]["config"] == {"heartbeatInterval": 200, "offlineTimeout": 2000, "autoSyncEnabled": True}
    assert agent.sequence() >= 1
    status = agent("status")
    assert (status["running"], status["supervised"]) == (True, "process")
    assert status["startedAt"] == answer["result"]["startedAt"]
    assert os.getsid(status["pid"]) != os.getsid(0)
    assert Path(f"/proc/{status['pid']}/cwd").readlink() == Path("/")
    stopped = agent("stop")
    assert stopped["result"]["stateSaved"] is True
    assert agent.record()["agent"]["state"] == "left"
    assert not alive(status["pid"])
    assert not alive(agent.supervisor())
    assert agent("status")["running"] is False


def test_a_second_start_is_refused_and_says_since_when(agent: Agent) -> None:
    first = agent("start", *BEATS)
    second = agent("start", *BEATS, code=1)
    assert second["code"] == "HEARTBEAT_ALREADY_STARTED"
    assert second["message"] == "Heartbeat service déjà démarré"
    assert second["since"] == first["result"]["startedAt"]
    assert "stop" in second["hint"]
    done = agent.run(*BEATS)
    assert json.loads(done.communicate(timeout=20)[0])["code"] == "HEARTBEAT_ALREADY_STARTED"
    assert done.returncode == 1


def test_an_agent_in_another_local_folder_is_the_same_machines_agent(
    make_agent: Callable[..., Agent], tmp_path: Path
) -> None:
    first = make_agent()
    first("start", *BEATS)
    other = ("--local-dir", str(tmp_path / "another users"))
    second = first("start", *BEATS, *other, code=1)
    assert (second["code"], second["message"]) == ("HEARTBEAT_ALREADY_STARTED", "Heartbeat service déjà démarré")
    assert "--local-dir" in second["hint"]
    done = first.run(*BEATS, *other)
    assert json.loads(done.communicate(timeout=20)[0])["code"] == "HEARTBEAT_ALREADY_STARTED"
    first("stop")
    assert first("start", *BEATS, *other)["success"] is True
    assert first("stop", *other)["result"]["stateSaved"] is True


def test_of_many_starts_at_once_one_succeeds(agent: Agent) -> None:
    lines = [agent.line("start", *BEATS) for _ in range(4)]
    starts = [subprocess.Popen(line, stdout=subprocess.PIPE) for line in lines]
    answers = [json.loads(start.communicate(timeout=60)[0]) for start in starts]
    assert sorted(answer["success"] for answer in answers) == [False, False, False, True]
    assert {answer.get("code") for answer in answers} == {None, "HEARTBEAT_ALREADY_STARTED"}


def test_killed_it_is_back_within_five_seconds_and_counts_on(agent: Agent) -> None:
    agent("start", *BEATS)
    pid, number = agent("status")["pid"], agent.sequence()
    kill(pid)
    began = time.monotonic()
    wait_for("a beat of another loop", lambda: agent.record()["agent"]["sequence"] > number + 5, 5)
    assert time.monotonic() - began < 5
    assert agent("status")["pid"] != pid


def test_a_killed_supervisor_takes_nothing_with_it_and_stop_still_stops(agent: Agent) -> None:
    agent("start", *BEATS)
    pid = agent("status")["pid"]
    kill(agent.supervisor())
    number = agent.sequence()
    wait_for("a beat without a supervisor", lambda: agent.sequence() > number)
    began = time.monotonic()
    agent("stop")
    assert time.monotonic() - began < 10
    assert not alive(pid)
    assert agent.record()["agent"]["state"] == "left"


def test_stopped_between_two_lives_it_stays_stopped(agent: Agent) -> None:
    agent("start", *BEATS)
    kill(agent("status")["pid"])
    wait_for("the loop's end", lambda: not agent("status")["running"])
    agent("stop")
    assert not alive(agent.supervisor())
    time.sleep(1.5)
    assert agent("status")["running"] is False
    assert agent.record()["agent"]["state"] == "left"


def test_sigterm_ends_run_with_left_and_exit_zero(agent: Agent) -> None:
    run = agent.run(*BEATS)
    wait_for("a beat", agent.sequence)
    began = time.monotonic()
    kill(run.pid, signal.SIGTERM)
    out, err = run.communicate(timeout=10)
    assert time.monotonic() - began < 2
    assert (run.returncode, err) == (0, b"")
    answer = json.loads(out)
    assert answer["result"]["stateSaved"] is True
    assert agent.record()["agent"]["state"] == "left"


def test_stop_without_saving_leaves_a_record_that_will_go_offline_by_itself(agent: Agent) -> None:
    agent("start", *BEATS)
    assert agent("stop", "--no-save-state")["result"]["stateSaved"] is False
    assert agent.record()["agent"]["state"] == "running"
    agent("start", *BEATS)
    agent("stop")
    assert agent.record()["agent"]["state"] == "left"


def test_register_beside_a_running_loop_harms_neither(agent: Agent) -> None:
    agent("start", *BEATS)
    session = agent.record()["agent"]["sessionId"]
    seen = [agent.sequence()]
    for number in range(5):
        agent("register", *BEATS, "--metadata", json.dumps({"n": number}))
        seen.append(agent.sequence())
    assert seen == sorted(set(seen))
    wait_for("a beat of the loop", lambda: agent.sequence() > seen[-1])
    assert agent.record()["metadata"]["n"] == 4
    assert agent.record()["agent"]["sessionId"] == session
    assert agent("status")["ownFile"]["rewrites"] == 0


def test_start_refuses_a_share_it_cannot_write_and_starts_nothing(agent: Agent) -> None:
    (agent.shared / "heartbeats").write_bytes(b"")
    answer = agent("start", *BEATS, code=3)
    assert answer["success"] is False
    assert "heartbeats" in answer["message"]
    assert agent("status")["running"] is False
    assert not (agent.folder / "supervisor").exists()


# the process that `start` leaves running is this test's child, and none of pytest's business
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_start_whose_first_beat_cannot_be_written_undoes_itself_and_says_so(
    agent: Agent, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    agent("register")
    monkeypatch.setattr(start, "_FIRST_BEAT_S", 0.5)
    with FileLock(agent.folder / "write.lock"):
        assert main([*agent.line("start", *BEATS)[2:]]) == 1
    assert "premier heartbeat n'est pas écrit" in json.loads(capsys.readouterr().out)["message"]
    assert agent("status")["running"] is False
    assert not alive(agent.supervisor())


def test_stop_that_cannot_save_says_that_it_stopped_and_that_it_did_not_save(agent: Agent) -> None:
    agent("start", *BEATS)
    pid = agent("status")["pid"]
    away = agent.shared.with_name("away")
    agent.shared.rename(away)
    answer = agent("stop", code=3)
    assert "service arrêté, mais état non enregistré" in answer["message"]
    assert not alive(pid)
    away.rename(agent.shared)
    assert agent("stop")["result"]["stateSaved"] is True
    assert agent.record()["agent"]["state"] == "left"


def test_a_share_that_vanishes_is_named_and_used_when_it_is_back(agent: Agent) -> None:
    agent("start", *BEATS)
    pid = agent("status")["pid"]
    away = agent.shared.with_name("away")
    agent.shared.rename(away)
    share = wait_for("the trouble in status", lambda: _trouble(agent))
    assert share["state"] == "missing"
    assert share["since"]
    assert not agent.shared.exists()
    number = int(json.loads((away / "heartbeats" / "m1.json").read_bytes())["agent"]["sequence"])
    away.rename(agent.shared)
    wait_for("a beat in the share that is back", lambda: agent.sequence() > number)
    assert agent("status")["pid"] == pid


def _trouble(agent: Agent) -> dict[str, str] | None:
    share: dict[str, str] = agent("status")["share"]
    return share if share["state"] != "ok" else None


def test_install_is_idempotent_and_uninstall_leaves_no_trace_of_it(agent: Agent) -> None:
    if Path("/run/systemd/system").is_dir():
        pytest.skip("does not apply: systemd runs here, and tests/integration/systemd installs there")
    assert agent("install", *BEATS, "--permanence", "process")["changed"] is True
    assert agent("install", *BEATS, "--permanence", "process")["changed"] is False
    agent("start")
    status = agent("status")
    assert status["permanence"] == {"kind": "process", "installed": True, "enabled": True, "survivesReboot": False}
    assert status["config"]["heartbeatInterval"] == 200
    answer = agent("uninstall")
    assert (answer["changed"], answer["permanence"]["installed"]) == (True, False)
    assert agent.record()["agent"]["state"] == "left"
    assert agent("uninstall")["changed"] is False


def test_two_machines_in_one_local_folder_do_not_meet(make_agent: Callable[..., Agent]) -> None:
    one, two = make_agent(machine_id="m1"), make_agent(machine_id="m2")
    one("start", *BEATS)
    two("start", *BEATS)
    one("stop")
    assert two("status")["running"] is True
    assert two.record()["agent"]["state"] == "running"


def test_the_loop_lock_is_filelocks_lock(agent: Agent) -> None:
    agent("start", *BEATS)
    with pytest.raises(TimeoutError):
        FileLock(agent.folder / "loop.lock", timeout=0).acquire()
    agent("stop")
    with FileLock(agent.folder / "loop.lock", timeout=0):
        assert agent("start", *BEATS, code=1)["code"] == "HEARTBEAT_ALREADY_STARTED"


def test_a_full_local_disk_after_the_first_beat_stops_no_beat(agent: Agent) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root for a file system of its own")
    agent.local.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(agent.local)], check=True)
    try:
        agent("start", *BEATS)
        fill(agent.local / "filling")
        number = agent.sequence()
        wait_for("beats on a full disk", lambda: agent.sequence() > number + 5)
        assert agent("status")["lastBeat"]["sequence"] >= number
        agent("stop")
        assert agent.record()["agent"]["state"] == "left"
    finally:
        subprocess.run(["umount", "-l", str(agent.local)], check=True)
