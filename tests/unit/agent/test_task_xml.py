"""The scheduled task's document: the fields that keep an agent alive, ordered and encoded as Windows asks."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.agent.permanence import task_xml
from tests.kits.winlab.tasks.engine import World
from tests.kits.winlab.tasks.schema import validate
from tests.unit.kits.task_documents import Fake
from tests.unit.kits.task_machine import PATH, Machine

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).with_name("golden") / "heartbeat-task.xml"
HOME = r"C:\Users\Élodie & Co\AppData\Local\roosync"
PROGRAM = {
    "command": r"C:\Program Files\Python 3.13\pythonw.exe",
    "arguments": rf'-I -S -B "{HOME}\agent.pyz" run --supervised task --local-dir "{HOME}"',
    "folder": HOME,
    "user": "S-1-5-21-1-2-3-1001",
}
UNTIL = "2026-02-12T10:15:30Z"
#: What XML 1.0 can carry at all.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1)


def test_the_document_is_the_golden_one_to_the_byte() -> None:
    assert task_xml.encoded(task_xml.permanent(PROGRAM, enabled=False)) == GOLDEN.read_bytes()


def test_it_is_utf_16_with_a_byte_order_mark() -> None:
    raw = task_xml.encoded(task_xml.permanent(PROGRAM, enabled=False))
    assert raw.startswith(b"\xff\xfe<\0?\0")
    assert "Élodie & Co".replace("&", "&amp;") in raw.decode("utf-16")


def test_nothing_that_the_scheduler_does_by_default_kills_the_agent() -> None:
    task = validate(task_xml.encoded(task_xml.permanent(PROGRAM, enabled=True)))
    assert task.settings.limit == 0, "PT0S: no 72 hours"
    assert not task.settings.no_start_on_batteries
    assert not task.settings.stop_on_batteries
    assert (task.settings.restart_interval, task.settings.restart_count) == (60, 255)
    assert task.settings.start_when_available
    assert not task.settings.hidden, "pythonw draws no window, and people find the task where they look"
    assert task.root.value("Settings", "Priority") == "5", "normal; 7 is below normal, in disk and memory too"
    assert task.settings.policy == "IgnoreNew"
    assert task.settings.allow_demand
    assert (task.logon_type, task.run_level) == ("InteractiveToken", "LeastPrivilege")


def test_it_is_started_at_logon_and_every_minute_for_ever() -> None:
    logon, timer = validate(task_xml.encoded(task_xml.permanent(PROGRAM, enabled=True))).triggers
    assert (logon.kind, logon.user, logon.limit) == ("LogonTrigger", PROGRAM["user"], None)
    assert (timer.kind, timer.interval, timer.duration, timer.end) == ("TimeTrigger", 60, None, None)


def test_a_question_has_no_trigger_that_starts_it_and_an_end() -> None:
    task = validate(task_xml.encoded(task_xml.one_shot(PROGRAM, UNTIL)))
    assert task.settings.limit == 600
    assert task.settings.restart_count == 0
    assert (task.logon_type, task.run_level) == ("InteractiveToken", "LeastPrivilege"), "the token that sees the drive"
    assert f"(A;;FA;;;{PROGRAM['user']})</SecurityDescriptor>" in task_xml.one_shot(PROGRAM, UNTIL)


def test_a_question_whose_asker_was_ended_is_never_started_and_is_deleted_a_minute_after_its_end() -> None:
    until = datetime.fromisoformat(UNTIL).timestamp()
    machine = Machine(until - 900, World(session=PROGRAM["user"]))
    record = machine.engine.register(PATH, validate(task_xml.encoded(task_xml.one_shot(PROGRAM, UNTIL))), machine.now)
    machine.pass_time(959, 1)
    machine.engine.restore(record)  # a boot makes up for nothing either
    assert (machine.started, machine.engine.expired(machine.now)) == ([], [])
    machine.pass_time(1)
    assert (machine.started, machine.engine.expired(machine.now)) == ([], [PATH])


@given(TEXT, TEXT, TEXT)
def test_whatever_stands_in_a_path_comes_out_again(command: str, arguments: str, user: str) -> None:
    program = {"command": command, "arguments": arguments, "folder": r"C:\x", "user": user}
    text = task_xml.permanent(program, enabled=True).partition("?>")[2]
    root = ET.fromstring(text)  # noqa: S314 - our own text
    names = {"t": task_xml.NAMESPACE}
    found = [root.findtext(f".//t:{name}", namespaces=names) for name in ("Command", "Arguments", "UserId")]
    assert found == [command, arguments, user]


def kept_by_windows(document: str, *, again: Callable[[str], str] = lambda text: text) -> str:
    """Return the document as the scheduler answers it: exported by the stand-in, letters lost."""
    machine = Fake(sid=PROGRAM["user"], files={"task.xml": again(document).encode("utf-16")})
    assert machine.schtasks("/Create", "/TN", "\\roosync-ops\\x", "/XML", "task.xml", "/F").code == 0
    return machine.schtasks("/Query", "/TN", "\\roosync-ops\\x", "/XML", "ONE").out.replace("É", "?")


@pytest.mark.parametrize(
    "make", [lambda: task_xml.permanent(PROGRAM, enabled=False), lambda: task_xml.one_shot(PROGRAM, UNTIL)]
)
def test_what_the_scheduler_makes_of_a_document_is_still_the_same_task(make: Callable[[], str]) -> None:
    wanted = make()
    found = kept_by_windows(wanted)
    assert not task_xml.differences(found, wanted)
    assert not task_xml.differences(wanted.replace("<Enabled>false", "<Enabled>true"), wanted), (
        "start and stop are no change"
    )
    shown = found.partition("<SecurityDescriptor>")[2].partition("<")[0]
    assert not task_xml.differences(found.replace(f"<SecurityDescriptor>{shown}</SecurityDescriptor>", ""), wanted), (
        "a descriptor that is kept elsewhere"
    )
    told = "D:AI(A;;0x1f01ff;;;S-1-5-18)(A;;FA;;;BA)(A;;FA;;;S-1-5-21-1-2-3-1001)(A;;FR;;;S-1-5-21-1-2-3-1001)"
    assert not task_xml.differences(found.replace(shown, told), wanted), "another way to say it"
    for other in ("D:(A;;FA;;;SY)(A;;FA;;;BA)", f"{told}(A;;FA;;;WD)"):
        assert task_xml.differences(found.replace(shown, other), wanted), "one that shuts the user out, or lets all in"


@given(st.integers(0, 60 * 60 * 24 * 40))
def test_a_duration_is_the_same_however_it_is_written(seconds: int) -> None:
    days, rest = divmod(seconds, 86_400)
    spelled = f"P{days}DT{rest // 3600}H{rest // 60 % 60}M{rest % 60}S"
    ways = [spelled, f"PT{seconds}S", f"PT{seconds // 60}M{seconds % 60}S"]
    assert {task_xml._value(way) for way in ways} == {f"{seconds} s"}


def test_an_answer_under_a_root_of_its_own_is_read_and_a_garbled_one_is_another_task() -> None:
    wanted = task_xml.permanent(PROGRAM, enabled=False)
    body = wanted.partition("?>")[2]
    assert not task_xml.differences(f'<?xml version="1.0" ?><Tasks><!-- \\x -->{body}</Tasks>', wanted)
    assert not task_xml.is_enabled(f"<Tasks>{body}</Tasks>")
    assert task_xml.differences("<Task", wanted)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("PT0S", "PT72H", id="a-time-limit"),
        pytest.param("StopIfGoingOnBatteries>false", "StopIfGoingOnBatteries>true", id="batteries"),
        pytest.param(
            "<Interval>PT1M</Interval>\n        <Stop", "<Interval>PT1H</Interval>\n        <Stop", id="interval"
        ),
        pytest.param("<Hidden>false</Hidden>", "<Hidden>true</Hidden>", id="hidden"),
        pytest.param("LeastPrivilege", "HighestAvailable", id="run-level"),
        pytest.param("<Priority>5</Priority>", "", id="priority-by-default"),
        pytest.param(
            f"<UserId>{PROGRAM['user']}</UserId>\n      <Logon", "<UserId>S-1-5-18</UserId>\n      <Logon", id="user"
        ),
        pytest.param(
            "<LogonTrigger>\n      <Enabled>true", "<LogonTrigger>\n      <Enabled>false", id="a-trigger-switched-off"
        ),
    ],
)
def test_a_task_that_somebody_changed_is_another_one(old: str, new: str) -> None:
    wanted = task_xml.permanent(PROGRAM, enabled=False)
    assert old in wanted
    assert task_xml.differences(wanted.replace(old, new), wanted)
    assert task_xml.differences(kept_by_windows(wanted, again=lambda text: text.replace(old, new)), wanted)


def test_another_program_or_another_version_of_the_document_is_another_task() -> None:
    wanted = task_xml.permanent(PROGRAM, enabled=False)
    other = {**PROGRAM, "arguments": PROGRAM["arguments"] + " --x"}
    assert task_xml.differences(task_xml.permanent(other, enabled=False), wanted)
    older = wanted.replace("LeastPrivilege", "HighestAvailable").replace("<Hidden>false", "<Hidden>true")
    assert task_xml.differences(kept_by_windows(older), wanted)


def test_enabled_is_what_a_missing_element_means() -> None:
    wanted = task_xml.permanent(PROGRAM, enabled=False)
    assert not task_xml.is_enabled(wanted)
    assert task_xml.is_enabled(wanted.replace("    <Enabled>false</Enabled>\n    <Hidden>", "    <Hidden>"))
