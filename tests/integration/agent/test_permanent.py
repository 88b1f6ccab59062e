"""start, stop, run and what keeps them alive: exactly one loop, whoever goes, and no success that is none."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from roosync_ops.agent.main import main
from roosync_ops.agent.verbs import start
from tests.kits.agent_process import Agent, a_build, alive, fill, kill
from tests.kits.hosts import PATIENCE_S, wait_for

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
    assert "restart" in second["hint"]
    done = agent.run(*BEATS)
    assert json.loads(done.communicate(timeout=PATIENCE_S)[0])["code"] == "HEARTBEAT_ALREADY_STARTED"
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
    assert json.loads(done.communicate(timeout=PATIENCE_S)[0])["code"] == "HEARTBEAT_ALREADY_STARTED"
    first("stop")
    assert first("start", *BEATS, *other)["success"] is True
    assert first("stop", *other)["result"]["stateSaved"] is True


def test_of_many_starts_at_once_one_succeeds(agent: Agent) -> None:
    lines = [agent.line("start", *BEATS) for _ in range(4)]
    starts = [subprocess.Popen(line, stdout=subprocess.PIPE) for line in lines]
    answers = [json.loads(start.communicate(timeout=PATIENCE_S)[0]) for start in starts]
    assert sorted(answer["success"] for answer in answers) == [False, False, False, True]
    assert {answer.get("code") for answer in answers} == {None, "HEARTBEAT_ALREADY_STARTED"}


def test_killed_it_is_back_and_counts_on(agent: Agent) -> None:
    agent("start", *BEATS)
    pid, number = agent("status")["pid"], agent.sequence()
    kill(pid)
    wait_for("a beat of another loop", lambda: agent.record()["agent"]["sequence"] > number + 5)
    assert agent("status")["pid"] != pid


def test_a_killed_supervisor_takes_nothing_with_it_and_stop_still_stops(agent: Agent) -> None:
    agent("start", *BEATS)
    pid = agent("status")["pid"]
    kill(agent.supervisor())
    number = agent.sequence()
    wait_for("a beat without a supervisor", lambda: agent.sequence() > number)
    began = time.monotonic()
    agent("stop")
    assert time.monotonic() - began < PATIENCE_S / 3
    assert not alive(pid)
    assert agent.record()["agent"]["state"] == "left"


def test_stopped_between_two_lives_it_stays_stopped(agent: Agent) -> None:
    agent("start", *BEATS)
    pid = agent("status")["pid"]
    kill(pid)
    wait_for("the loop's end", lambda: not alive(pid))
    agent("stop")
    assert not alive(agent.supervisor())
    time.sleep(1.5)
    assert agent("status")["running"] is False
    assert agent.record()["agent"]["state"] == "left"


def test_sigterm_ends_run_with_left_and_exit_zero(agent: Agent) -> None:
    run = agent.run(*BEATS)
    wait_for("a beat", agent.sequence)
    kill(run.pid, signal.SIGTERM)
    out, err = run.communicate(timeout=PATIENCE_S)
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


def test_restart_is_another_process_and_the_record_never_left(agent: Agent) -> None:
    agent("start", *BEATS)
    pid = agent("status")["pid"]
    supervisor = agent.supervisor()
    assert agent("restart")["success"] is True
    assert agent("status")["pid"] != pid
    assert not alive(supervisor)
    assert agent.record()["agent"]["state"] == "running"


def test_restart_starts_what_does_not_run(agent: Agent) -> None:
    assert agent("restart", *BEATS)["success"] is True
    assert agent("status")["running"] is True


def test_restart_looks_first_and_leaves_a_loop_alone_whose_share_is_away(agent: Agent) -> None:
    agent("start", *BEATS)
    pid = agent("status")["pid"]
    away = agent.shared.with_name("away")
    agent.shared.rename(away)
    answer = agent("restart", code=3)
    assert "la boucle n'a pas été arrêtée" in answer["message"]
    assert answer["cause"] == "SHARE_MISSING"
    away.rename(agent.shared)
    number = agent.sequence()
    wait_for("a beat in the share that is back", lambda: agent.sequence() > number)
    assert agent("status")["pid"] == pid


@pytest.mark.root
def test_restart_leaves_a_loop_alone_when_the_next_one_had_no_room(agent: Agent) -> None:
    with small_disk(agent.local):
        agent("start", *BEATS)
        pid = agent("status")["pid"]
        fill(agent.local / "filling")
        assert agent("restart", code=1)["cause"] == "DISK_FULL"
        assert agent("status")["pid"] == pid
        agent("stop")


@pytest.mark.parametrize("verb", ["start", "restart", "stop", "uninstall"])
def test_a_supervisor_whose_loop_does_not_come_up_is_ended(agent: Agent, tmp_path: Path, verb: str) -> None:
    bad = tmp_path / "bad.pyz"
    a_build(bad, "roosync_ops/agent/verbs/run.py", "lock=_only_loop(", "raise MemoryError\n lock=_only_loop(")
    agent("register")
    with bad_supervisor(agent, bad) as supervisor:
        status = agent("status")
        assert (status["running"], status["alive"]) == (False, True)
        assert agent(verb)["success"] is True
        wait_for("the end of the old supervisor", lambda: not alive(supervisor))
    assert agent("status")["alive"] is (verb in ("start", "restart"))


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


def test_install_is_idempotent_and_uninstall_leaves_no_trace_of_it(agent: Agent) -> None:
    if Path("/run/systemd/system").is_dir():
        pytest.skip("does not apply: systemd runs here, and tests/integration/systemd installs there")
    assert agent("install", *BEATS, "--permanence", "process")["changed"] is True
    assert agent("install", *BEATS, "--permanence", "process")["changed"] is False
    agent("start")
    status = agent("status")
    kept = {"kind": "process", "installed": True, "enabled": True, "survivesReboot": False}
    assert kept.items() <= status["permanence"].items()
    assert "--heartbeat-interval 200" in status["permanence"]["there"]  # typed, and nowhere in a config.json
    assert status["config"]["heartbeatInterval"] == 200
    answer = agent("uninstall")
    assert (answer["changed"], answer["permanence"]["installed"]) == (True, False)
    assert agent.record()["agent"]["state"] == "left"
    assert agent("uninstall")["changed"] is False


def test_a_machine_that_was_renamed_or_moved_to_another_share_has_one_loop(
    make_agent: Callable[..., Agent], tmp_path: Path
) -> None:
    old, renamed = make_agent(machine_id="m1"), make_agent(machine_id="m2")
    old("start", *BEATS)
    pid = old("status")["pid"]
    assert renamed("start", *BEATS, code=1)["code"] == "HEARTBEAT_ALREADY_STARTED"
    done = renamed.run(*BEATS)
    assert json.loads(done.communicate(timeout=PATIENCE_S)[0])["code"] == "HEARTBEAT_ALREADY_STARTED"
    assert (renamed("status")["running"], renamed("status")["alive"]) == (False, True)
    assert renamed("restart", *BEATS)["success"] is True
    assert not alive(pid)
    assert old.record()["agent"]["state"] == "left"
    assert renamed.record()["agent"]["state"] == "running"
    (tmp_path / "moved").mkdir()
    moved = make_agent(machine_id="m2", shared=tmp_path / "moved")
    assert moved("uninstall")["changed"] is True
    assert renamed("status")["alive"] is False
    assert renamed.record()["agent"]["state"] == "left"


def test_a_loop_of_an_old_name_that_a_person_runs_is_replaced_too(make_agent: Callable[..., Agent]) -> None:
    """Nothing keeps it alive that could be ended in its stead."""
    old, renamed = make_agent(machine_id="m1"), make_agent(machine_id="m2")
    by_hand = old.run(*BEATS)
    wait_for("a beat", old.sequence)
    assert renamed("restart", *BEATS)["success"] is True
    by_hand.communicate(timeout=PATIENCE_S)
    assert old.record()["agent"]["state"] == "left"
    assert renamed.record()["agent"]["state"] == "running"


def test_the_loop_lock_is_filelocks_lock(agent: Agent) -> None:
    agent("start", *BEATS)
    with pytest.raises(TimeoutError):
        FileLock(agent.folder / "loop.lock", timeout=0).acquire()
    agent("stop")
    with FileLock(agent.folder / "loop.lock", timeout=0):
        assert agent("start", *BEATS, code=1)["code"] == "HEARTBEAT_ALREADY_STARTED"


@pytest.mark.root
def test_a_full_local_disk_after_the_first_beat_stops_no_beat(agent: Agent) -> None:
    with small_disk(agent.local):
        agent("start", *BEATS)
        fill(agent.local / "filling")
        number = agent.sequence()
        wait_for("beats on a full disk", lambda: agent.sequence() > number + 5)
        assert agent("status")["lastBeat"]["sequence"] >= number
        agent("stop")
        assert agent.record()["agent"]["state"] == "left"


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextlib.contextmanager
def bad_supervisor(agent: Agent, bad: Path) -> Iterator[int]:
    """Have a supervisor of the build `bad` run, as `start` starts one; its pid."""
    words = ["supervise", str(agent.folder), "run", "--supervised", "process", *agent.line("", *BEATS)[3:]]
    code = f"import sys; sys.path.insert(0, {str(bad)!r}); from roosync_ops.agent.main import main; sys.exit(main())"
    process = subprocess.Popen([sys.executable, "-I", "-S", "-c", code, *words], stderr=subprocess.DEVNULL)
    try:
        wait_for("the supervisor", lambda: agent("status")["alive"])
        yield process.pid
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
