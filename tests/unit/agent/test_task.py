"""Permanence by a scheduled task: which lines schtasks is given, and which word a start that fails has."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from roosync_ops.agent.config import Config
from roosync_ops.agent.errors import CodedError, LocalError, ProblemError, answer_to
from roosync_ops.agent.flags import Flags
from roosync_ops.agent.interactive_session import give_to_file, run_verb
from roosync_ops.agent.local_state import prepare
from roosync_ops.agent.lock import Lock
from roosync_ops.agent.permanence import schtasks, task_xml
from roosync_ops.agent.permanence.launch import agent_command
from roosync_ops.agent.permanence.task import Task, program_of, task_name
from tests.kits.fake_schtasks import HAS_NOT_RUN, REFUSED, RUNNING, FakeSchtasks

SID = "S-1-5-21-1-2-3-1001"
WORDS = ["run", "--supervised", "task", "--local-dir", "L"]


@pytest.fixture
def fake() -> FakeSchtasks:
    return FakeSchtasks()


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    (tmp_path / "python dir").mkdir()
    (tmp_path / "python dir" / "pythonw.exe").touch()
    monkeypatch.setattr("roosync_ops.agent.interactive_session._RESULT_S", 0.01)
    monkeypatch.setattr("sys._base_executable", str(tmp_path / "python dir" / "python.exe"), raising=False)
    config = Config("myia-web1", str(tmp_path / "shared"), str(tmp_path / "local dir"))
    prepare(config)
    return config


@pytest.fixture
def task(config: Config, fake: FakeSchtasks) -> Task:
    return Task(config, schtasks.Scheduler(fake, SID))


@pytest.fixture
def started(task: Task, fake: FakeSchtasks) -> Task:
    task.start(WORDS)
    fake.lines.clear()
    return task


def again(task: Task, fake: FakeSchtasks) -> Task:
    """Ask as another process would: nothing remembered."""
    return Task(task._config, schtasks.Scheduler(fake, SID))


def failed(task: Task, *, last: bool) -> ProblemError | None:
    return task.failed(lambda: run_verb(Flags("look"), task._config, "look", task._scheduler), last=last)


def test_install_registers_a_disabled_task_once(task: Task, fake: FakeSchtasks) -> None:
    assert not task.installed()
    assert task.install(WORDS) is True
    assert (task.installed(), task.enabled(), task.active(), task.survives_reboot()) == (True, False, False, False)
    assert again(task, fake).install(WORDS) is False
    assert fake.verbs() == ["/Query", "/Create", "/Query", "/Query"]


def test_only_our_own_two_names_are_ever_spoken(task: Task, fake: FakeSchtasks) -> None:
    task.start(WORDS)
    task.stop()
    task.uninstall()
    names = {task.name, task_name("ask", task._local_dir)}
    assert {line[line.index("/TN") + 1] for line in fake.lines} == names
    assert all(name.startswith(("\\roosync-ops\\heartbeat-", "\\roosync-ops\\ask-")) for name in names)


def test_a_task_is_for_the_sid_of_the_token_whatever_its_user_is_called(
    config: Config, fake: FakeSchtasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schtasks, "user_sid", lambda: SID)
    monkeypatch.setenv("USERNAME", "Élodie")
    task = Task(config, schtasks.Scheduler(fake))
    task.install(WORDS)
    assert re.findall("<UserId>(.*)</UserId>", fake.tasks[task.name]) == [SID, SID]


def test_another_local_folder_has_another_task(tmp_path: Path) -> None:
    assert task_name("ask", str(tmp_path / "a")) != task_name("ask", str(tmp_path / "b"))


def test_start_enables_and_runs_and_stop_disables(task: Task, fake: FakeSchtasks) -> None:
    task.install(WORDS)
    task.start(None)
    assert task.active()
    task.stop()
    assert not task.active()
    assert [verb for verb in fake.verbs() if verb != "/Query"] == ["/Create", "/ENABLE", "/Run", "/DISABLE"]


def test_what_is_typed_at_a_start_goes_into_a_task_that_stays_enabled(started: Task, fake: FakeSchtasks) -> None:
    started.start([*WORDS, "--heartbeat-interval", "1000"])
    assert "--heartbeat-interval 1000" in fake.tasks[started.name]
    assert "/Create" in fake.verbs()
    assert again(started, fake).enabled()


def test_the_xml_file_is_gone_afterwards(task: Task, config: Config) -> None:
    task.install(WORDS)
    assert [path.name for path in Path(config.local_dir).iterdir() if path.is_file()] == []


def test_uninstall_takes_the_task_away_once_and_that_of_a_question_that_was_cut_off(
    started: Task, fake: FakeSchtasks
) -> None:
    fake.tasks[task_name("ask", started._local_dir)] = "left by an asker whose session ended"
    assert started.uninstall() is True
    assert fake.tasks == {}
    assert again(started, fake).uninstall() is False


def failure(problem: ProblemError | None) -> Any:
    assert isinstance(problem, CodedError), problem
    return answer_to("start", problem).as_dict()


def test_a_task_that_cannot_be_enabled_is_called_disabled(task: Task, fake: FakeSchtasks) -> None:
    task.install(WORDS)
    fake.refuse.add("/ENABLE")
    with pytest.raises(CodedError) as caught:
        task.start(None)
    said = failure(caught.value)
    assert said["code"] == "TASK_DISABLED"
    assert said["message"].startswith("Erreur lors de l'action start: la tâche \\roosync-ops\\heartbeat-")
    assert "accès refusé" in said["message"]


def test_a_task_disabled_by_somebody_meanwhile_is_called_so_and_the_hint_enables_it(
    started: Task, fake: FakeSchtasks
) -> None:
    fake._enable(started.name, yes=False)
    said = failure(failed(again(started, fake), last=False))
    assert said["code"] == "TASK_DISABLED"
    typed(fake, said["hint"])
    assert again(started, fake).enabled()


def typed(fake: FakeSchtasks, hint: str | None) -> None:
    """Type a hint as it is: it is a command, and no sentence around one."""
    program, *words = shlex.split(str(hint))
    assert program == "schtasks"
    assert fake([program, *words])[0] == 0, hint


def test_what_the_scheduler_refuses_is_told_with_a_command_that_shows_more(
    config: Config, fake: FakeSchtasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = schtasks.Scheduler(fake, SID)
    scheduler.create("\\x\\y", "<Task/>", config.local_dir)
    fake.refuse.add("/Run")
    with pytest.raises(LocalError, match="accès refusé") as refused:
        scheduler.do("/Run", "\\x\\y")
    typed(fake, refused.value.hint)
    with pytest.raises(LocalError) as unwritable:
        scheduler.create("\\x\\y", "<Task/>", config.local_dir + "/nowhere")
    assert unwritable.value.hint == f'icacls "{config.local_dir}/nowhere"'
    monkeypatch.setattr(schtasks, "run", lambda *_, **__: subprocess.run(["/nowhere"], check=True))
    with pytest.raises(LocalError, match="service Planificateur de tâches") as silent:
        schtasks.run_quietly(["schtasks"])
    assert silent.value.hint == "sc query Schedule"


@pytest.mark.parametrize("result", [REFUSED, 0x80041320 - 2**32], ids=["request-refused", "user-not-logged-on"])
def test_without_a_logon_session_that_is_the_word(started: Task, fake: FakeSchtasks, result: int) -> None:
    fake.result = result
    assert failed(started, last=False) is None, "an instance that runs makes the scheduler refuse another, too"
    said = failure(failed(started, last=False))
    assert said["code"] == "NO_LOGON_SESSION"
    assert "n'a pas de session ouverte" in said["message"]
    assert "ouvrir une session" in said["hint"]
    assert list(fake.tasks) == [started.name]


def test_a_refusal_beside_a_running_instance_is_waited_out(started: Task, fake: FakeSchtasks) -> None:
    def another(name: str) -> None:
        found = re.search(r"--answer &quot;(.+)&quot;</Arguments>", fake.tasks[name])
        assert found is not None
        give_to_file(found[1], 0, {"success": True}, [])

    fake.result, fake.on_run = REFUSED, another
    assert [failed(started, last=False) for _ in range(4)] == [None] * 4


def test_an_instance_that_starts_late_finds_that_it_is_no_longer_wanted(started: Task, config: Config) -> None:
    halted = Path(prepare(config).halted)
    started.stop()
    assert halted.exists()
    started.start(None)
    assert not halted.exists()


def test_a_task_that_never_ran_has_no_session_to_run_in(started: Task, fake: FakeSchtasks) -> None:
    fake.result = HAS_NOT_RUN
    assert failed(started, last=False) is None
    assert failure(failed(started, last=True))["code"] == "NO_LOGON_SESSION"


def test_a_run_that_is_refused_at_once_says_why(task: Task, fake: FakeSchtasks) -> None:
    fake.refuse.add("/Run")
    fake.result = REFUSED
    with pytest.raises(CodedError) as caught:
        task.start(WORDS)
    assert caught.value.code == "NO_LOGON_SESSION"


def test_an_agent_that_ends_is_run_once_more_and_then_called_crashed(started: Task, fake: FakeSchtasks) -> None:
    fake.result = 1
    Path(started._local_dir, "task.log").write_text("Traceback:\n  ImportError: no\n")
    answers = [failed(started, last=False) for _ in range(6)]
    assert answers[:5] == [None] * 5
    said = failure(answers[5])
    assert said["code"] == "AGENT_CRASHED"
    assert "(résultat 0x1): Traceback: ImportError: no" in said["message"]
    assert fake.verbs().count("/Run") == 1


def test_a_task_that_runs_is_waited_for(started: Task, fake: FakeSchtasks) -> None:
    fake.result = RUNNING
    assert failed(started, last=False) is None
    assert failed(started, last=True) is None


def test_a_task_that_an_older_version_made_with_highest_privileges_is_told_with_what_mends_it(
    task: Task, fake: FakeSchtasks
) -> None:
    task.install(WORDS)
    fake.tasks[task.name] = fake.tasks[task.name].replace("LeastPrivilege", "HighestAvailable")
    fake.refuse |= {"/Create", "/ENABLE"}
    for doing in (lambda: again(task, fake).install(WORDS), lambda: again(task, fake).start(None)):
        with pytest.raises(ProblemError, match="privilèges les plus élevés") as caught:
            doing()
        assert caught.value.hint == f'schtasks /Delete /TN "{task.name}" /F'
    fake.refuse.clear()
    assert again(task, fake).install(WORDS) is True, "who may, makes it anew"
    typed(fake, caught.value.hint)
    assert fake.tasks == {}


def test_the_command_is_the_windowless_python_and_keeps_every_word(config: Config) -> None:
    words = ["run", "--shared", "G:\\", "--local-dir", "C:\\a b\\", "--x", 'say "hi"\\']
    program = program_of(agent_command(words), config.local_dir, "u")
    assert program["command"].endswith("pythonw.exe")
    assert program["arguments"].endswith(subprocess.list2cmdline(words))
    assert "G:\\ --local-dir" in program["arguments"]
    assert '"C:\\a b\\\\"' in program["arguments"]


def test_metadata_cannot_be_taken_for_a_variable_of_the_scheduler(config: Config) -> None:
    program = program_of(
        agent_command(["run", "--metadata", '{"load":"100%","cost":"$(Arg0)"}']), config.local_dir, "u"
    )
    assert "100\\u0025" in program["arguments"]
    assert "\\u0024(Arg0)" in program["arguments"]


@pytest.mark.parametrize("folder", [r"C:\%TEMP%\x", r"C:\$(Arg0)"])
def test_a_folder_that_the_scheduler_would_rewrite_is_refused(config: Config, folder: str) -> None:
    with pytest.raises(LocalError, match="ne peut pas porter"):
        program_of(agent_command(["run", "--local-dir", folder]), config.local_dir, "u")


def test_a_python_without_pythonw_is_refused_by_its_folder(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys._base_executable", str(tmp_path / "bare" / "python.exe"), raising=False)
    with pytest.raises(LocalError, match=r"pythonw\.exe manque dans .*bare"):
        program_of(agent_command(WORDS), config.local_dir, "u")


def test_stop_waits_for_the_loop_to_end(started: Task, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = Lock(prepare(config).loop_lock)
    assert lock.acquire()
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            lock.release()

    monkeypatch.setattr("time.sleep", sleep)
    started.stop()
    assert len(waits) == 3


def test_schtasks_is_windows_own_and_its_lines_are_the_documented_ones(task: Task, fake: FakeSchtasks) -> None:
    assert schtasks.program().endswith("schtasks.exe")
    task.install(WORDS)
    document = task_xml.permanent(program_of(agent_command(WORDS), task._local_dir, SID), enabled=False)
    assert fake.tasks[task.name] == document.replace("\n", "\r\n")
    create = next(line for line in fake.lines if line[0] == "/Create")
    assert create[:4] == ["/Create", "/TN", task.name, "/XML"]
    assert create[5:] == ["/F"]
    assert fake.lines[0] == ["/Query", "/TN", task.name, "/XML", "ONE"]


def test_a_task_that_somebody_changed_is_told_by_what_differs_of_it(task: Task, fake: FakeSchtasks) -> None:
    task.install(WORDS)
    assert task.changes(WORDS) == ("", "")
    fake.tasks[task.name] = fake.tasks[task.name].replace("<Priority>5", "<Priority>7")
    assert again(task, fake).changes(WORDS) == ("Settings/Priority=7", "Settings/Priority=5")
