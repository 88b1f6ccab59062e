"""The scheduled task's document: the fields that keep an agent alive, ordered and encoded as Windows asks."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.agent.permanence import task_xml
from tests.kits.winlab.tasks.schema import validate

GOLDEN = Path(__file__).with_name("golden") / "heartbeat-task.xml"
HOME = r"C:\Users\Élodie & Co\AppData\Local\roosync"
PROGRAM = task_xml.Program(
    r"C:\Program Files\Python 3.13\pythonw.exe",
    rf'-I -S -B "{HOME}\agent.pyz" run --supervised task --local-dir "{HOME}"',
    HOME,
    r"MYIA-PO-2024\Élodie & Co",
)
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
    assert task.settings.hidden
    assert task.settings.policy == "IgnoreNew"
    assert task.settings.allow_demand
    assert (task.logon_type, task.run_level) == ("InteractiveToken", "HighestAvailable")


def test_it_is_started_at_logon_and_every_minute_for_ever() -> None:
    logon, timer = validate(task_xml.encoded(task_xml.permanent(PROGRAM, enabled=True))).triggers
    assert (logon.kind, logon.user, logon.limit) == ("LogonTrigger", PROGRAM.user, None)
    assert (timer.kind, timer.interval, timer.duration, timer.end) == ("TimeTrigger", 60, None, None)


def test_a_question_has_no_trigger_and_an_end() -> None:
    task = validate(task_xml.encoded(task_xml.one_shot(PROGRAM)))
    assert task.triggers == ()
    assert task.settings.limit == 600
    assert task.settings.restart_count == 0


@given(TEXT, TEXT, TEXT)
def test_whatever_stands_in_a_path_comes_out_again(command: str, arguments: str, user: str) -> None:
    program = task_xml.Program(command, arguments, r"C:\x", user)
    text = task_xml.permanent(program, enabled=True).partition("?>")[2]
    root = ET.fromstring(text)  # noqa: S314 - our own text
    names = {"t": task_xml.NAMESPACE}
    found = [root.findtext(f".//t:{name}", namespaces=names) for name in ("Command", "Arguments", "UserId")]
    assert found == [command, arguments, user]


def kept_by_windows(document: str) -> str:
    """Return the document as the scheduler answers it: with an URI, a SID, no defaults, and letters lost."""
    return (
        document.replace("<RegistrationInfo>", "<RegistrationInfo><URI>\\roosync-ops\\x</URI>")
        .replace(
            f"<UserId>{task_xml.escaped(PROGRAM.user)}</UserId>\n      <LogonType>",
            "<UserId>S-1-5-21-7</UserId><LogonType>",
        )
        .replace("    <WakeToRun>false</WakeToRun>\n", "")
        .replace("É", "?")
    )


def test_what_the_scheduler_makes_of_a_document_is_still_the_same_task() -> None:
    wanted = task_xml.permanent(PROGRAM, enabled=False)
    assert not task_xml.differs(kept_by_windows(wanted), wanted)
    assert not task_xml.differs(wanted.replace("<Enabled>false", "<Enabled>true"), wanted), (
        "start and stop are no change"
    )


def test_an_answer_under_a_root_of_its_own_is_read_and_a_garbled_one_is_another_task() -> None:
    wanted = task_xml.permanent(PROGRAM, enabled=False)
    body = wanted.partition("?>")[2]
    assert not task_xml.differs(f'<?xml version="1.0" ?><Tasks><!-- \\x -->{body}</Tasks>', wanted)
    assert not task_xml.is_enabled(f"<Tasks>{body}</Tasks>")
    assert task_xml.differs("<Task", wanted)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("PT0S", "PT72H", id="a-time-limit"),
        pytest.param("StopIfGoingOnBatteries>false", "StopIfGoingOnBatteries>true", id="batteries"),
        pytest.param(
            "<Interval>PT1M</Interval>\n        <Stop", "<Interval>PT1H</Interval>\n        <Stop", id="interval"
        ),
        pytest.param("<Hidden>true</Hidden>", "", id="no-longer-hidden"),
        pytest.param("HighestAvailable", "LeastPrivilege", id="run-level"),
        pytest.param(f"({PROGRAM.crc})", "(00000000)", id="another-program"),
    ],
)
def test_a_task_that_somebody_changed_is_another_one(old: str, new: str) -> None:
    wanted = task_xml.permanent(PROGRAM, enabled=False)
    assert old in wanted
    assert task_xml.differs(wanted.replace(old, new), wanted)


def test_enabled_is_what_a_missing_element_means() -> None:
    wanted = task_xml.permanent(PROGRAM, enabled=False)
    assert not task_xml.is_enabled(wanted)
    assert task_xml.is_enabled(wanted.replace("    <Enabled>false</Enabled>\n    <Hidden>", "    <Hidden>"))
