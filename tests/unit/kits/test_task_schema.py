"""The stand-in's validator refuses what the published Task Scheduler schema refuses, and says where."""

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kits.winlab.tasks.document import write
from tests.kits.winlab.tasks.schema import SchemaError, Task, validate

from .task_documents import AT_LOGON, EXEC, KEEP_ALIVE, POWERED, text

FULL = text(
    AT_LOGON + KEEP_ALIVE,
    POWERED
    + "<MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy><StartWhenAvailable>true</StartWhenAvailable>"
    "<ExecutionTimeLimit>PT0S</ExecutionTimeLimit><Hidden>true</Hidden><Priority>7</Priority>"
    "<RestartOnFailure><Interval>PT1M</Interval><Count>255</Count></RestartOnFailure>",
)


EXPIRY = "<DeleteExpiredTaskAfter>PT0S</DeleteExpiredTaskAfter>"
OWN_FIRST = "<LogonTrigger><UserId>me</UserId><Enabled>true</Enabled></LogonTrigger>"


def restart(inside: str) -> str:
    return f"<RestartOnFailure>{inside}</RestartOnFailure>"


def refused(document: str) -> SchemaError:
    with pytest.raises(SchemaError) as caught:
        validate(document.encode("utf-16"))
    return caught.value


def settings(inside: str) -> str:
    return text(settings=inside)


def trigger(
    inside: str, kind: str = "TimeTrigger", start: str = "<StartBoundary>2024-01-01T00:00:00</StartBoundary>"
) -> str:
    return text(f"<{kind}>{start}{inside}</{kind}>")


def repetition(interval: str) -> str:
    return trigger(f"<Repetition><Interval>{interval}</Interval></Repetition>")


def test_a_full_document_is_read_with_its_values() -> None:
    task = validate(FULL.encode("utf-16"))
    assert [t.kind for t in task.triggers] == ["LogonTrigger", "TimeTrigger"]
    assert task.triggers[1].interval == 60
    assert task.settings.limit == 0
    assert (task.settings.restart_interval, task.settings.restart_count) == (60, 255)
    assert task.interactive


def test_defaults_are_the_published_ones_that_kill_agents() -> None:
    given_nothing = validate(text().encode("utf-16")).settings
    assert given_nothing.limit == 72 * 3600
    assert given_nothing.no_start_on_batteries
    assert given_nothing.stop_on_batteries
    assert given_nothing.policy == "IgnoreNew"
    assert not given_nothing.start_when_available
    assert given_nothing.restart_count == 0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le"])
def test_only_utf_16_with_its_mark_is_read(encoding: str) -> None:
    with pytest.raises(SchemaError, match="UTF-16"):
        validate(FULL.encode(encoding))


@pytest.mark.parametrize(
    ("document", "path"),
    [
        pytest.param(FULL.replace("Hidden>", "Invisible>"), "Invisible", id="unknown element"),
        pytest.param(FULL.replace("<Actions ", '<Actions colour="red" '), "Actions", id="unknown attribute"),
        pytest.param(FULL.replace("<Priority>", '<Priority id="x">'), "Priority", id="attribute on a simple element"),
        pytest.param(FULL.replace("2004/02", "2005/02"), "/Task", id="another namespace"),
        pytest.param(re.sub("<Actions.*</Actions>", "", FULL), "Actions", id="no actions"),
        pytest.param(text(actions=""), "Exec", id="no action"),
        pytest.param(FULL.replace('Context="Author"', 'Context="Writer"'), "Actions", id="context that is nobody"),
        pytest.param(FULL.replace('Context="Author"', 'Context=""'), "Actions", id="empty context"),
        pytest.param(text(actions=EXEC.replace("<Exec>", '<Exec id="Author">')), "Exec", id="an id twice"),
        pytest.param(FULL.replace('version="1.2"', 'version="one"'), "/Task", id="version that is no number"),
        pytest.param(FULL.replace('version="1.2"', 'version="7.0"'), "/Task", id="version that there is not"),
        pytest.param(FULL.replace("IgnoreNew", "ignorenew"), "Policy", id="enumerations mind the case"),
        pytest.param(FULL.replace("IgnoreNew", " IgnoreNew"), "Policy", id="enumerations mind white space"),
        pytest.param(FULL.replace(">true<", ">True<"), "Enabled", id="booleans mind the case"),
        pytest.param(FULL.replace("InteractiveToken", "Interactive"), "LogonType", id="logon type"),
        pytest.param(FULL.replace("<Command>", "<Command>" + "x" * 260), "Command", id="a path over 260 characters"),
        pytest.param(FULL.replace("C:\\x\\pythonw.exe", ""), "Command", id="an empty command"),
        pytest.param(FULL.replace("<Triggers>", "<Triggers>words"), "Triggers", id="text between elements"),
        pytest.param(FULL.replace("</UserId><L", "</UserId><GroupId>g</GroupId><L"), "Principal", id="user and group"),
        pytest.param(FULL.replace("<Task ", "<!DOCTYPE Task><Task "), "", id="a document type"),
        pytest.param(FULL[:-3], "", id="cut short"),
        pytest.param(trigger("", start=""), "StartBoundary", id="time trigger without a start"),
        pytest.param(settings(EXPIRY), "EndBoundary", id="expiry without an end"),
        pytest.param(settings(restart("<Count>3</Count>")), "Interval", id="restart without interval"),
        pytest.param(settings(restart("<Interval>PT1M</Interval>")), "Count", id="restart without count"),
        pytest.param(text("<BootTrigger/>" * 49), "BootTrigger", id="49 triggers"),
        pytest.param(text(actions=EXEC * 33), "Exec", id="33 actions"),
        pytest.param(trigger("<Enabled>true</Enabled>"), "Enabled", id="Enabled after StartBoundary"),
        pytest.param(text(OWN_FIRST), "Enabled", id="base after its extension"),
    ],
)  # fmt: skip
def test_what_the_schema_does_not_allow_is_refused_with_its_place(document: str, path: str) -> None:
    assert path in refused(document).path


@pytest.mark.parametrize(
    "interval", ["PT59S", "PT0S", "P31DT1S", "P32D", "60", "1M", "PT", "P", "-PT1M", "PT1m", "P1M2D3", "PT1.5M", ""]
)
def test_a_repetition_outside_a_minute_to_31_days_is_refused(interval: str) -> None:
    assert refused(repetition(interval)).path == "/Task/Triggers/TimeTrigger/Repetition/Interval"


@pytest.mark.parametrize(
    ("interval", "seconds"),
    [("PT1M", 60), ("PT60S", 60), ("P31D", 31 * 86400), ("P1DT2H3M4.5S", 93784.5), ("P1M", 30 * 86400)],
)
def test_durations_are_read_in_seconds(interval: str, seconds: float) -> None:
    assert validate(repetition(interval).encode("utf-16")).triggers[0].interval == seconds


@given(st.integers(-300, 600))
def test_counts_and_priorities_keep_to_their_ranges(number: int) -> None:
    for name, document, good in (
        ("Priority", settings(f"<Priority>{number}</Priority>"), 0 <= number <= 10),
        (
            "Count",
            settings(restart(f"<Interval>PT1M</Interval><Count>{number}</Count>")),
            1 <= number <= 255,
        ),
    ):
        if good:
            validate(document.encode("utf-16"))
        else:
            assert refused(document).path.endswith(name)


def test_the_settings_and_the_parts_of_a_task_may_come_in_any_order() -> None:
    parts = re.findall(r"<(Triggers|Principals|Settings|Actions)\b.*?</\1>", FULL)
    assert len(parts) == 4
    whole = [re.search(rf"<{name}\b.*?</{name}>", FULL) for name in reversed(parts)]
    head = FULL[: FULL.index("<Triggers>")]
    turned = head + "".join(found[0] for found in whole if found) + "</Task>"
    assert same(validate(turned.encode("utf-16")), validate(FULL.encode("utf-16")))


def same(one: Task, other: Task) -> bool:
    return (one.triggers, one.settings, one.actions) == (other.triggers, other.settings, other.actions)


@given(st.data())
def test_no_element_may_be_there_twice_unless_the_schema_says_so(data: st.DataObject) -> None:
    names = sorted({*re.findall(r"<(\w+)[ >]", FULL)} - {"Task", "LogonTrigger", "TimeTrigger", "Exec"})
    name = data.draw(st.sampled_from(names))
    found = re.search(rf"<{name}\b.*?</{name}>", FULL)
    assert found
    refused(FULL.replace(found[0], found[0] * 2, 1))


PARTS = {
    "Enabled": "true",
    "StartBoundary": "2024-01-01T00:00:00",
    "EndBoundary": "2030-01-01T00:00:00",
    "Repetition": "<Interval>PT1M</Interval>",
    "ExecutionTimeLimit": "PT1H",
    "RandomDelay": "PT1M",
}


@given(st.permutations(list(PARTS)))
def test_a_triggers_parts_are_taken_in_the_published_order_alone(order: list[str]) -> None:
    document = trigger("".join(f"<{name}>{PARTS[name]}</{name}>" for name in order), start="")
    if order == list(PARTS):
        validate(document.encode("utf-16"))
    else:
        refused(document)


@given(st.text(alphabet="PT0123456789YMDHS.-+ ", max_size=8))
def test_a_duration_is_refused_or_understood_never_a_crash(duration: str) -> None:
    try:
        seconds = validate(
            settings(f"<ExecutionTimeLimit>{duration}</ExecutionTimeLimit>").encode("utf-16")
        ).settings.limit
    except SchemaError:
        return
    assert re.fullmatch(r"\s*P.*\d[YMDHS]\s*", duration)
    assert seconds >= 0


@given(st.integers(0, len(FULL) - 1), st.sampled_from("<>/&x\"' \x00é"))
def test_a_document_with_one_character_changed_is_refused_or_read_never_a_crash(at: int, character: str) -> None:
    changed = FULL[:at] + character + FULL[at + 1 :]
    with contextlib.suppress(SchemaError):
        validate(changed.encode("utf-16"))


def test_what_is_written_again_means_the_same() -> None:
    task = validate(FULL.encode("utf-16"))
    assert same(validate(write(task.root).encode("utf-16")), task)


def test_the_error_reads_as_schtasks_prints_it() -> None:
    error = refused(repetition("PT10S"))
    assert re.fullmatch(
        r"The task XML contains a value which is incorrectly formatted or out of range\.\n\(2,\d+\):Interval:PT10S",
        error.windows_text(),
    )
