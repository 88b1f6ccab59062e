"""What systemd, cron and the Task Scheduler read is the command, whatever its paths are."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops import process
from roosync_ops.admin import cron, tasks
from roosync_ops.admin.recurring import Job, RecurringError
from roosync_ops.admin.systemd import SystemdTimer, command_line
from roosync_ops.agent.permanence import task_xml
from roosync_ops.agent.permanence.schtasks import Scheduler
from tests.kits.fake_schtasks import FakeSchtasks
from tests.kits.winlab.tasks.schema import validate

#: What systemd takes in a program's path, and what only in an argument.
PROGRAM = "a b%c$HOME ${x} é\u00a0;#&|*"
HOSTILE = "a b%c\"d'e$HOME ${x} \\ é\u00a0;#&|*"
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


def _job(*words: str, every_min: int = 5, folder: str = "/home/me") -> Job:
    return Job("0123abcd", words or ("/usr/bin/python3", "-P"), every_min, Path(folder))


@given(st.lists(WORDS, min_size=1, max_size=4))
def test_a_crontab_line_is_read_back_as_the_command(words: list[str]) -> None:
    """As cron does: `\\%` is a percent sign, and the rest is for sh."""
    try:
        text = cron.line(_job(*words))
    except RecurringError:
        assert any("\\" in word or not word.isprintable() for word in words)
        return
    assert "\n" not in text
    fields = text.split(" ", 5)
    assert "%" not in fields[5].replace(r"\%", "")
    assert shlex.split(fields[5].replace(r"\%", "%")) == words


@pytest.mark.parametrize(
    ("every_min", "times"),
    [(1, "*/1 * * * *"), (30, "*/30 * * * *"), (60, "0 * * * *"), (120, "0 */2 * * *"), (1440, "0 0 * * *")],
)
def test_a_crontab_says_how_often(every_min: int, times: str) -> None:
    assert cron.line(_job(every_min=every_min)).startswith(f"{times} ")


@pytest.mark.parametrize("every_min", [7, 45, 90, 300])
def test_what_cron_cannot_say_is_refused(every_min: int) -> None:
    with pytest.raises(RecurringError):
        cron.line(_job(every_min=every_min))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_understands_the_units_and_finds_the_program(tmp_path: Path) -> None:
    program = tmp_path / PROGRAM / "python 3"
    program.parent.mkdir()
    program.symlink_to(sys.executable)
    units = tmp_path / "units"
    units.mkdir()
    for name, text in SystemdTimer(units).texts(_job(str(program), HOSTILE)).items():
        (units / name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, units.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    program.unlink()  # and it is this very program that is looked for
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *map(str, units.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "not executable" in done.stderr


def test_only_in_the_program_a_dollar_is_itself() -> None:
    assert command_line(["/a$b%c", "$x%y"]) == '"/a$b%%c" "$$x%%y"'


@pytest.mark.parametrize("char", "\"'\\")
def test_a_program_systemd_does_not_take_is_refused(char: str) -> None:
    with pytest.raises(RecurringError, match="whose path has quotes"):
        command_line([f"/x{char}/python3"])


USER = r"MYIA-AI-01\Élodie & Co"
PYTHON = r"C:\Program Files\<é & Co>\python.exe"


def _task(**changes: str) -> Job:
    return _job(PYTHON, "-m", changes.get("word", r"C:\Us ers\é\schedule.json"), folder=r"C:\Users\é & Co")


def test_the_task_is_one_the_schema_allows_and_nothing_in_it_is_left_to_defaults() -> None:
    task = validate(task_xml.encoded(tasks.task_text(_task(), USER)))
    (timer,) = task.triggers
    assert (timer.kind, timer.interval, timer.duration) == ("TimeTrigger", 300, None)
    assert (task.settings.limit, task.settings.policy) == (1_800, "IgnoreNew")
    assert not task.settings.no_start_on_batteries
    assert (task.logon_type, task.run_level) == ("InteractiveToken", "LeastPrivilege")
    (action,) = task.actions
    assert action.command == r"C:\Program Files\<é & Co>\pythonw.exe"
    assert action.arguments == r'-m "C:\Us ers\é\schedule.json"'


@pytest.mark.parametrize("word", ["%PATH%", "$(Arg0)", "a\nb"])
def test_what_a_task_cannot_hold_is_refused(word: str) -> None:
    with pytest.raises(RecurringError):
        tasks.task_text(_task(word=word), USER)


def test_a_task_is_created_once_and_deleted(tmp_path: Path) -> None:
    fake = FakeSchtasks()
    by = tasks.Tasks(Scheduler(fake, USER))
    job = _job(PYTHON, "-m", "x", folder=str(tmp_path))
    assert by.state(job) == "absent"
    assert [by.install(job), by.install(job)] == [True, False]
    assert by.state(job) == "installed"
    assert by.state(_job(PYTHON, "-m", "x", every_min=7, folder=str(tmp_path))) == "changed"
    assert [by.remove(job), by.remove(job)] == [True, False]
    assert fake.tasks == {}
    fake.refuse.add("/Create")
    with pytest.raises(RecurringError, match="schtasks"):
        by.install(job)


@pytest.mark.parametrize(
    ("theirs", "stays"),
    [
        pytest.param("0 3 * * * /usr/local/bin/backup.sh\n", True, id="a line somebody put below our comment"),
        pytest.param(
            "0 3 * * * python3 -m roosync_ops schedule run /other/schedule-ffff0000.json\n", True, id="another fleet's"
        ),
        pytest.param(
            "# */5 * * * * python3 -m roosync_ops schedule run /m/schedule-0123abcd.json\n", True, id="a remark"
        ),
        pytest.param("0 3 * * * it's unbalanced\n", True, id="what no shell reads"),
        pytest.param(
            "*/9 * * * * /old/python -m roosync_ops schedule run '/a b/schedule-0123abcd.json' >/dev/null\n",
            False,
            id="ours, edited",
        ),
    ],
)
def test_only_lines_that_run_the_schedule_leave_the_crontab(theirs: str, *, stays: bool) -> None:
    job = _job("/usr/bin/python3", "-P", "-m", "roosync_ops", "schedule", "run", "/m/100%/schedule-0123abcd.json")
    mark, ours = cron.Cron().texts(job)["crontab"].splitlines(keepends=True)
    before = f"MAILTO=me\n{mark}{theirs}{ours}"
    assert cron._without(before, job) == "MAILTO=me\n" + (theirs if stays else "")


@pytest.mark.skipif(shutil.which("journalctl") is None, reason="systemd is not installed")
@pytest.mark.parametrize(("user", "line"), [(0, "journalctl -u"), (1000, "journalctl --user -u")])
def test_where_systemd_refuses_the_hint_is_the_journal_of_whose_unit_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, line: str
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: user)
    ended = process.Ended(1, b"", b"Unit is masked.")
    monkeypatch.setattr(process, "within", lambda *_, **__: ended)
    with pytest.raises(RecurringError) as refused:
        SystemdTimer(tmp_path).put(_job(sys.executable))
    assert refused.value.hint == f"{line} 'roosync-validate-*'"
    read = subprocess.run([*shlex.split(refused.value.hint), "-n", "0"], capture_output=True, text=True, check=False)
    assert "option" not in read.stderr


@pytest.mark.parametrize("theirs", ["MAILTO=me\n0 3 * * * /usr/local/bin/backup.sh", "MAILTO=me\r\n"])
def test_a_crontab_of_others_is_left_as_it_was_whatever_its_lines_end_with(
    monkeypatch: pytest.MonkeyPatch, theirs: str
) -> None:
    job = _job("/usr/bin/python3", "-P", "-m", "roosync_ops", "schedule", "run", "/m/schedule-0123abcd.json")
    table = [theirs]
    monkeypatch.setattr(cron, "_crontab", lambda word, given="": table.append(given) if word == "-" else table[-1])
    assert cron.Cron().state(job) == "absent"
    cron.Cron().put(job)
    assert cron.Cron().state(job) == "installed"
    table[-1] = table[-1].replace("\n", "\r\n")
    cron.Cron().take(job)
    assert table[-1].split() == theirs.split()
    assert cron.Cron().state(job) == "absent"
