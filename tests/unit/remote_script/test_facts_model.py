"""A machine's answer is hostile until it has been parsed."""

from __future__ import annotations

import base64
import json
import tracemalloc
import zlib
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.remote_script import on_machine, question
from roosync_ops.remote_script.facts_model import AgentStatus, Logs, ProbeReport, Reply, parse_report
from roosync_ops.remote_script.on_common import MARKER, PRESS_BYTES, PRESSED
from roosync_ops.remote_script.question import SilenceError
from tests.unit.pyinfra_ops.builders import NOW_MS, a_status, an_answer

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def lines(answer: Any) -> list[str]:
    return ["Welcome to Debian!", "", MARKER + json.dumps(answer), "logout"]


def test_what_a_login_shell_prints_around_it_is_no_part_of_the_answer() -> None:
    assert parse_report(lines(an_answer()), NOW_MS, NOW_MS).hostname == "MyIA-PO-2024"


def pressed(raw: bytes) -> list[str]:
    return [MARKER + json.dumps({PRESSED: base64.b64encode(zlib.compress(raw)).decode()})]


def test_a_long_answer_comes_pressed_and_is_read_as_any(capsys: pytest.CaptureFixture[str]) -> None:
    place = {"place": "x", "lines": [f"line {number} of many" for number in range(1000)]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(on_machine.ANSWERS, "probe", lambda _: {"logs": [place] * 60})
        on_machine.main(["", base64.b64encode(b'{"do": "probe"}').decode()])
    said = capsys.readouterr().out
    assert len(said) < PRESS_BYTES // 2
    assert len(Logs.read(said.splitlines()).logs) == 60


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bounds of an answer, a hundredth of what they are."""
    assert question.MAX_BYTES < 128 * 2**20
    monkeypatch.setattr(question, "MAX_BYTES", question.MAX_BYTES // 100)
    monkeypatch.setattr(question, "MAX_VALUES", question.MAX_VALUES // 100)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("raw", [b" " * 20_000_000, b"[[[" * 7_000_000], ids=["blank", "brackets"])
def test_a_pressed_answer_is_not_unpacked_beyond_its_bound(raw: bytes) -> None:
    answer = pressed(raw)
    assert len(answer[0]) < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(SilenceError) as caught:
            Reply.read(answer)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.code == "TOO_MUCH"
    assert peak < 3 * question.MAX_BYTES


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("raw", [b"[]," * 50_000, b'{"a":' * 90_000, b"1," * 90_000])
@pytest.mark.parametrize("is_pressed", [True, False])
def test_no_more_values_are_made_of_an_answer_than_a_machine_has_to_tell(raw: bytes, is_pressed: bool) -> None:
    whole = b'{"done":[' + raw + b"0]}"
    with pytest.raises(SilenceError) as caught:
        Reply.read(pressed(whole) if is_pressed else [MARKER + whole.decode()])
    assert caught.value.code == "TOO_MUCH"


@pytest.mark.parametrize("text", ["", "!", "AAAA", base64.b64encode(zlib.compress(b"[1")).decode(), "\u00e9"])
def test_what_is_pressed_and_is_nothing_is_not_understood(text: str) -> None:
    with pytest.raises(SilenceError) as caught:
        Reply.read([MARKER + json.dumps({PRESSED: text})])
    assert caught.value.code in {"NOT_UNDERSTOOD", "TOO_MUCH"}


@given(st.lists(st.text() | JSON.map(lambda value: MARKER + json.dumps(value)), max_size=4))
def test_no_output_whatever_makes_it_raise_anything_else(output: list[str]) -> None:
    for parse in (lambda: parse_report(output, 0, 0), lambda: Reply.read(output)):
        with suppress(SilenceError):
            parse()


@given(st.sampled_from(sorted(an_answer())), JSON)
def test_one_field_of_a_wrong_type_is_refused_or_understood(field: str, value: Any) -> None:
    with suppress(SilenceError):
        assert isinstance(parse_report(lines(an_answer(**{field: value})), NOW_MS, NOW_MS), ProbeReport)


@given(st.dictionaries(st.sampled_from(sorted(a_status())), JSON))
def test_a_status_that_is_not_understood_is_a_status_that_could_not_tell(fields: dict[str, Any]) -> None:
    """A rollout replaces such an agent; that must not depend on its status."""
    status = parse_report(lines(an_answer(status={**a_status(), **fields})), NOW_MS, NOW_MS).status
    assert isinstance(status, AgentStatus)


def test_a_newer_agent_s_extra_fields_are_no_trouble() -> None:
    status = parse_report(lines(an_answer(status=a_status(mood="fine"), more=1)), NOW_MS, NOW_MS).status
    assert status is not None
    assert status.running


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (MARKER + '{"error": "no-python"}', "NO_PYTHON"),
        (MARKER + '{"error": "MemoryError: "}', "PROBE_FAILED"),
        (MARKER + "{", "NOT_UNDERSTOOD"),
        (MARKER + "[" * 100_000, "NOT_UNDERSTOOD"),
        ("sh: 1: exec format error", "NO_ANSWER"),
    ],
)
def test_no_answer_has_a_code_and_says_what_was_said(document: str, code: str) -> None:
    with pytest.raises(SilenceError) as caught:
        parse_report([document], 0, 0)
    assert caught.value.code == code
    assert caught.value.reason


@pytest.mark.parametrize(
    ("sent", "received", "clock", "offset", "error"),
    [
        pytest.param(1_000, 1_100, (1_050, 1_050), 0, 50, id="same-clock"),
        pytest.param(1_000, 3_000, (1_100, 2_900), 0, 100, id="what-the-machine-took-is-no-error"),
        pytest.param(1_000, 1_100, (11_050, 11_050), 10_000, 50, id="ten-seconds-ahead"),
        pytest.param(1_000, 1_200, (1_010, 1_010), -90, 100, id="slow-on-one-way-is-within-the-error"),
    ],
)
def test_the_clock_is_compared_at_the_middle_of_the_round_trip(
    sent: int, received: int, clock: tuple[int, int], offset: int, error: int
) -> None:
    answer = an_answer(clock={"startMs": clock[0], "endMs": clock[1]})
    report = parse_report(lines(answer), sent, received)
    assert (report.clock_offset_ms, report.clock_error_ms) == (offset, error)
