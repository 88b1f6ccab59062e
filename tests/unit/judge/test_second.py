"""The second opinion: what a machine's own word, or its silence where it was asked, makes of what the folder shows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.judge import AgentState, Knowledge, Verdict, probes, second, validate, verdict
from roosync_ops.judge import ProbeResult as Answer
from roosync_ops.judge.verdict import Basis
from roosync_ops.state.folder import read_folder
from tests.kits.shares import NOW, heartbeat, ours, put, put_view

if TYPE_CHECKING:
    from pathlib import Path

    from roosync_ops.judge import Validation

HOUR = 3_600_000
FLEET = Fleet([Machine.of(name, {}) for name in ("m", "one", "two")])
WORD: dict[str, Any] = {"since_ms": NOW - 20_000, "sequence": 7, "heard_ms": NOW - 20_000}


def judged(shared: Path, record: dict[str, Any] | None, word: AgentState | None, **answer: Any) -> Validation:
    for one in (ours("one"), ours("two"), *([] if record is None else [record])):
        put(shared, one)
    known = Knowledge(
        {} if answer.get("offset_ms") is None else {"m": answer["offset_ms"]}, late_ms=(answer.pop("late", 0), 0)
    )
    asked = {} if word is None else {"m": Answer("m", word, **answer)}
    return validate(FLEET, read_folder(shared, NOW), NOW, known=known, asked=asked)


def row(shared: Path, age_ms: int | None, word: AgentState | None, **answer: Any) -> Verdict:
    return judged(shared, None if age_ms is None else ours("m", age_ms, sequence=5), word, **answer).verdicts[0]


def kind(found: Verdict) -> str | None:
    return None if found.reason is None else found.reason.kind


@pytest.mark.parametrize(
    ("age_ms", "word", "observed", "basis", "why"),
    [
        pytest.param(214_000, "alive", "online", Basis.ASKED, verdict.LATE_HERE, id="it lives and is late here"),
        pytest.param(100_000, "alive", "online", Basis.HEARD, None, id="it lives and misses some beats"),
        pytest.param(None, "alive", "online", Basis.ASKED, verdict.LATE_HERE, id="it lives and was never seen"),
        pytest.param(100_000, "gone", "offline", Basis.ASKED, verdict.AGENT_GONE, id="its agent is gone: at once"),
        pytest.param(130_000, "stuck", "offline", Basis.ASKED, verdict.SHARE_STUCK, id="its share hangs"),
        pytest.param(130_000, "silent", "offline", Basis.ASKED, verdict.AGENT_SILENT, id="its loop does not beat"),
        pytest.param(130_000, "no-agent", "offline", Basis.ASKED, verdict.NO_AGENT, id="it has no agent"),
        pytest.param(130_000, "off", "offline", Basis.UNREACHABLE, verdict.MACHINE_OFF, id="it does not answer"),
        pytest.param(100_000, "off", "warning", Basis.HEARD, verdict.MISSING_BEATS, id="too early to say so"),
        pytest.param(130_000, "cut", "offline", Basis.COULD_NOT_ASK, verdict.CUT_OFF, id="another reaches it"),
        pytest.param(130_000, "refused", "offline", Basis.COULD_NOT_ASK, verdict.NOT_LET_IN, id="it lets nobody in"),
        pytest.param(130_000, "unclear", "offline", Basis.COULD_NOT_ASK, verdict.NO_WORD, id="its ssh hangs"),
        pytest.param(130_000, "unasked", "offline", Basis.COULD_NOT_ASK, verdict.NOT_ASKED_HERE, id="no ssh here"),
        pytest.param(130_000, None, "offline", Basis.NOT_ASKED, verdict.SILENT, id="nobody asked"),
        pytest.param(20_000, None, "online", Basis.HEARD, None, id="heard"),
    ],
)
def test_a_verdict_in_doubt_is_the_machines_own_word_and_says_what_it_rests_on(  # noqa: PLR0913, PLR0917
    tmp_path: Path, age_ms: int | None, word: str | None, observed: str, basis: Basis, why: str | None
) -> None:
    said: dict[str, Any] = WORD if word in ("alive", "gone", "stuck", "silent") else {}
    found = row(tmp_path, age_ms, None if word is None else AgentState(word, **said))
    assert (found.observed, found.rests_on) == (observed, basis)
    assert kind(found) == why


def test_a_word_that_is_older_than_the_timeout_proves_no_life(tmp_path: Path) -> None:
    stale = AgentState(probes.RUNNING, since_ms=NOW - 121_000, sequence=7)
    assert row(tmp_path, 214_000, stale).observed == "offline"


def test_an_agent_that_never_beat_proves_no_life(tmp_path: Path) -> None:
    assert row(tmp_path, 214_000, AgentState(probes.RUNNING)).observed == "offline"


def test_that_an_agent_is_gone_is_not_believed_of_one_whose_later_beat_is_here(tmp_path: Path) -> None:
    assert row(tmp_path, 20_000, AgentState(probes.NOT_RUNNING, sequence=4)).observed == "online"
    assert row(tmp_path, 20_000, AgentState(probes.NOT_RUNNING, sequence=5)).observed == "offline"


def test_a_machine_that_left_and_has_no_agent_has_left(tmp_path: Path) -> None:
    left = ours("m", 130_000, sequence=5, state="left", leftAt="2026-02-12T10:15:25.000Z")
    assert judged(tmp_path, left, AgentState(probes.NOT_RUNNING, sequence=5)).verdicts[0].observed == "left"


def test_an_older_services_machine_has_no_agent_to_ask(tmp_path: Path) -> None:
    found = judged(tmp_path, heartbeat("m", 1_300_000), AgentState(probes.NO_AGENT)).verdicts[0]
    assert (found.observed, found.rests_on, kind(found)) == ("offline", Basis.NO_AGENT, verdict.OLDER_SILENT)


@pytest.mark.parametrize("word", ["off", "alive", "gone"])
def test_a_clock_an_hour_ahead_hides_no_death_from_who_asks(tmp_path: Path, word: str) -> None:
    said: dict[str, Any] = {**WORD, "sequence": 5} if word != "off" else {}
    found = row(tmp_path, -3_600_000, AgentState(word, **said), **({"offset_ms": 3_600_000} if word != "off" else {}))
    assert found.observed == ("online" if word == "alive" else "offline")
    assert second.in_doubt(judged(tmp_path, ours("m", -3_600_000), None), FLEET)[0].machine_id == "m"
    if word == "alive":
        assert kind(found) == verdict.CLOCK_WRONG


def test_a_clock_an_hour_behind_makes_nobody_offline_who_says_it_lives(tmp_path: Path) -> None:
    word = AgentState(probes.RUNNING, since_ms=NOW - 10_000, sequence=5, heard_ms=NOW - 3_610_000)
    found = row(tmp_path, 3_610_000, word, offset_ms=-3_600_000)
    assert (found.observed, kind(found)) == ("online", verdict.CLOCK_WRONG)


def test_silence_within_what_the_share_noted_of_its_delays_is_a_warning_to_who_has_no_second_way(
    tmp_path: Path,
) -> None:
    found = row(tmp_path, 699_000, None, late=700_000)
    assert (found.observed, kind(found)) == ("warning", verdict.LATE_SHARE)
    assert row(tmp_path, 701_000, None, late=700_000).observed == "offline"
    assert row(tmp_path, 130_000, None, late=0).observed == "offline"
    assert row(tmp_path, 214_000, AgentState(probes.OFF), late=300_000).observed == "offline"
    assert row(tmp_path, 214_000, AgentState(probes.REFUSED), late=300_000).observed == "warning"


@pytest.mark.parametrize(
    ("noted", "expected"),
    [
        pytest.param({"day": [600_000, 60_000], "hour": [30_000, 0]}, 600_000, id="as late as it was today"),
        pytest.param(
            {"day": [600_000, 60_000], "hour": [210_000, 0]}, 840_000, id="as long as is ever borne: it is late now"
        ),
        pytest.param({"day": [30_000, 30_000]}, 468_000, id="a day is short"),
        pytest.param({"day": [30_000, 30_000], "hour": ["x"]}, 468_000, id="an hour that is no number"),
        pytest.param({"day": [10**9, 0]}, 840_000, id="whoever wrote it, never for long"),
        pytest.param({"day": ["x"]}, 0, id="no number"),
        pytest.param({"day": [True]}, 0, id="no number either"),
        pytest.param({"day": [-5]}, 0, id="less than nothing"),
        pytest.param({"day": []}, 0, id="nothing"),
        pytest.param([], 0, id="no object"),
    ],
)
def test_what_the_keeper_noted_of_delays_is_bounded_whoever_wrote_it(tmp_path: Path, noted: Any, expected: int) -> None:
    put(tmp_path, ours("one", late=noted))
    assert second.may_last_ms(second.noted(read_folder(tmp_path, NOW), NOW).late_ms, 120_000) == expected


def test_a_note_is_read_where_the_view_has_a_later_beat_of_its_keeper(tmp_path: Path) -> None:
    put(tmp_path, ours("one", 40_000, sequence=5, late={"day": [240_000, 60_000]}))
    later = ours("one", 5_000, sequence=6)
    put_view(tmp_path, later)
    state = read_folder(tmp_path, NOW)
    assert state.machines["one"].record.sequence == 6
    assert second.noted(state, NOW).late_ms == (240_000, 0)


def by_note(shared: Path, age_ms: int, off: object, keeper_ms: int = 1_000, others: int = 0) -> Verdict:
    """Return the verdict on `m`, of whose clock the keeper `one` noted `off`, and of so many others an hour."""
    clocks = {"m": off, **{f"x{at}": HOUR for at in range(others)}}
    for one in (ours("m", age_ms, sequence=5), ours("one", keeper_ms, late={"clocks": clocks}), ours("two")):
        put(shared, one)
    state = read_folder(shared, NOW)
    return validate(FLEET, state, NOW, known=second.noted(state, NOW)).verdicts[0]


@pytest.mark.parametrize("off_ms", [-HOUR, HOUR])
@pytest.mark.parametrize(("late_ms", "observed"), [(20_000, "online"), (100_000, "warning"), (121_000, "offline")])
def test_a_wrong_clock_that_the_keeper_noted_neither_kills_nor_hides_a_death(
    tmp_path: Path, off_ms: int, late_ms: int, observed: str
) -> None:
    found = by_note(tmp_path, late_ms - off_ms, off_ms)
    assert (found.observed, found.age_ms) == (observed, late_ms)
    if observed == "online":
        assert (kind(found), found.rests_on) == (verdict.CLOCK_DISAGREES, Basis.HEARD)


@pytest.mark.parametrize(("keeper_ms", "others"), [(-6_000, 0), (121_000, 1), (841_000, 0)])
def test_a_keeper_whose_own_clock_may_be_wrong_tells_of_no_others(tmp_path: Path, keeper_ms: int, others: int) -> None:
    assert by_note(tmp_path, HOUR, -HOUR, keeper_ms, others).observed == "offline"


def test_a_keeper_whose_clock_was_measured_is_believed_though_it_is_late_here(tmp_path: Path) -> None:
    by_note(tmp_path, HOUR, -HOUR, 130_000, 1)
    state = read_folder(tmp_path, NOW)
    assert second.noted(state, NOW).clocks == second.noted(state, NOW, {"one": 6_000}).clocks == {}
    assert second.noted(state, NOW, {"one": 50}).clocks == {"m": -HOUR, "x0": HOUR}


def test_a_keeper_that_died_lately_and_found_most_clocks_right_is_still_believed(tmp_path: Path) -> None:
    assert by_note(tmp_path, HOUR, -HOUR, 839_000).observed == "online"


@pytest.mark.parametrize("off", [str(-HOUR), True, None, [-HOUR], -(10**30), 1e300])
def test_a_noted_clock_is_a_time_or_nothing(tmp_path: Path, off: object) -> None:
    assert by_note(tmp_path, HOUR, off).observed == "offline"


def test_a_clock_that_was_measured_counts_before_one_that_was_noted(tmp_path: Path) -> None:
    by_note(tmp_path, 2 * HOUR, -HOUR)
    state, said = read_folder(tmp_path, NOW), AgentState(probes.NOT_RUNNING, since_ms=NOW - HOUR, sequence=5)
    known = replace(second.noted(state, NOW), offsets={"m": -2 * HOUR})
    found = validate(FLEET, state, NOW, known=known, asked={"m": Answer("m", said, offset_ms=-2 * HOUR)}).verdicts[0]
    assert (found.observed, found.age_ms) == ("offline", 0)


def test_a_file_that_cannot_be_read_just_now_is_late_where_the_view_heard_lately(tmp_path: Path) -> None:
    put(tmp_path, ours("one", 1_000, late={"day": [240_000, 60_000]}))
    put_view(tmp_path, ours("m", 200_000, sequence=6))
    put(tmp_path, ours("m"), "m.json").write_text("{", encoding="utf-8")
    found = validate(FLEET, read_folder(tmp_path, NOW), NOW, known=Knowledge(late_ms=(240_000, 0))).verdicts[0]
    assert (found.observed, kind(found)) == ("warning", verdict.NOT_UNDERSTOOD)


def test_the_silence_of_others_too_is_borne_longer_than_that_of_one() -> None:
    assert second.may_last_ms((30_000, 0), 120_000) == 468_000
    assert second.may_last_ms((30_000, 0), 120_000, of_others=True) == 840_000
    assert second.may_last_ms((0, 0), 120_000, of_others=True) == 0


@pytest.mark.parametrize(
    ("other_ms", "observed"),
    [
        pytest.param(1_000, "offline", id="the other is heard"),
        pytest.param(119_000, "offline", id="the other is not late yet"),
        pytest.param(121_000, "warning", id="the other is late too"),
        pytest.param(840_000, "warning", id="the other is late too, as long as is ever borne"),
        pytest.param(841_000, "offline", id="the other is dead"),
    ],
)
def test_one_is_late_as_long_as_is_ever_borne_while_another_is_late_too(
    tmp_path: Path, other_ms: int, observed: str
) -> None:
    for one in (ours("m", 600_000), ours("one", other_ms), ours("two")):
        put(tmp_path, one)
    found = validate(FLEET, read_folder(tmp_path, NOW), NOW, known=Knowledge(late_ms=(30_000, 30_000)))
    assert found.verdicts[0].observed == observed


@pytest.mark.parametrize(("word", "observed"), [(probes.NOT_RUNNING, "offline"), (probes.RUNNING, "warning")])
def test_another_whose_own_word_is_that_it_is_gone_is_not_late(tmp_path: Path, word: str, observed: str) -> None:
    for one in (ours("m", 600_000), ours("one", 130_000, sequence=7), ours("two")):
        put(tmp_path, one)
    asked = {"m": Answer("m", AgentState(probes.REFUSED)), "one": Answer("one", AgentState(word, **WORD))}
    known = Knowledge(late_ms=(30_000, 30_000))
    found = validate(FLEET, read_folder(tmp_path, NOW), NOW, known=known, asked=asked)
    assert found.verdicts[0].observed == observed


def test_a_note_of_a_keeper_that_is_gone_for_a_day_counts_no_more(tmp_path: Path) -> None:
    put(tmp_path, ours("one", 90_000_000, late={"day": [240_000, 60_000]}))
    assert second.noted(read_folder(tmp_path, NOW), NOW).late_ms == (0, 0)


def test_nobody_is_in_doubt_in_a_fleet_that_is_as_expected(tmp_path: Path) -> None:
    assert second.in_doubt(judged(tmp_path, ours("m"), None), FLEET) == ()
