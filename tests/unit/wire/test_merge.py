"""The best evidence wins, in whatever order it was met."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.wire import findings as f
from roosync_ops.wire.merge import CONFLICT, FILE, VIEW, Evidence, merge
from roosync_ops.wire.record import Record, parse
from tests.kits.shares import heartbeat

NOW = 1_770_891_330_123

pieces = st.builds(
    lambda machine, heard, sequence, kind, number: Evidence(
        Record(machine, None if heard is None else NOW - heard, sequence=sequence), kind, f"{kind}-{number}"
    ),
    st.sampled_from(["a", "b"]),
    st.one_of(st.none(), st.integers(-60_000, 600_000)),
    st.one_of(st.none(), st.integers(0, 5)),
    st.sampled_from([FILE, CONFLICT, VIEW]),
    st.integers(0, 50),
)


def key(piece: Evidence) -> tuple[object, ...]:
    return piece.file, piece.record.machine_id, piece.record.last_heartbeat_ms, piece.record.sequence


@given(st.lists(pieces, max_size=8, unique_by=lambda piece: piece.file), st.randoms(use_true_random=False))
def test_the_order_in_which_files_were_met_changes_nothing(found: list[Evidence], random: object) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert {k: key(v) for k, v in merge(found, NOW).items()} == {k: key(v) for k, v in merge(shuffled, NOW).items()}


@given(st.lists(pieces, max_size=8))
def test_every_machine_met_is_kept(found: list[Evidence]) -> None:
    assert set(merge(found, NOW)) == {piece.record.machine_id for piece in found}


def best(*found: Evidence) -> str:
    return merge(found, NOW)["a"].file


def piece(file: str, heard: int | None, sequence: int | None = None, kind: str = FILE) -> Evidence:
    return Evidence(Record("a", None if heard is None else NOW - heard, sequence=sequence), kind, file)


def test_a_rolled_back_copy_loses_to_the_higher_sequence_even_with_a_newer_clock() -> None:
    assert best(piece("old", 0, 3), piece("new", 60_000, 4)) == "new"


def test_an_older_services_newer_beat_wins_over_ours() -> None:
    assert best(piece("ours", 300_000, 9), piece("theirs", 1_000)) == "theirs"


def test_a_beat_from_the_future_never_outvotes_counted_ones() -> None:
    assert best(piece("ours", 30_000, 9), piece("future", -3_600_000)) == "ours"


def test_a_conflict_copy_with_the_newest_beat_is_evidence() -> None:
    assert best(piece("file", 300_000), piece("conflict", 1_000, kind=CONFLICT)) == "conflict"


def test_any_valid_heartbeat_beats_none() -> None:
    assert best(piece("broken", None), piece("view", 10**9, kind=VIEW)) == "view"


@given(
    now=st.integers(0, 86_400_000),
    skew=st.integers(-86_000_000, 86_000_000),
    own=st.integers(0, 5_000),
    later=st.integers(0, 2_000),
    interval=st.sampled_from([50, 500, 30_000, 300_000]),
    read_after=st.integers(0, 600_000),
)
def test_what_a_machine_has_really_beaten_since_is_believed_of_every_copy(  # noqa: PLR0913, PLR0917 - one of each
    now: int, skew: int, own: int, later: int, interval: int, read_after: int
) -> None:
    """Its own file is frozen and the live one is called a copy; its clock is wrong by up to a day, either way."""
    data = {"agent": {"heartbeatInterval": interval}}
    began, heard = NOW + now + skew, NOW + now + skew + later * interval
    frozen = Evidence(Record("a", began, sequence=own, data=data), FILE, "own")
    living = Evidence(Record("a", heard, sequence=own + later + 1, data=data), CONFLICT, "copy")
    found: list[f.Finding] = []
    assert merge([frozen, living], NOW + now + later * interval + read_after, found)["a"].file == "copy"
    assert found == []


@given(st.integers(10_000, 2**70), st.integers(-(10**9), 10**12), st.sampled_from([CONFLICT, VIEW]))
def test_no_copy_decides_over_a_living_machine_with_beats_it_cannot_have_made(
    sequence: int, age_ms: int, kind: str
) -> None:
    """Ours beat 5 s ago for the 100th time. A copy's clock is believed for a day at most."""
    found: list[f.Finding] = []
    forged = piece("forged", age_ms, 90_000 + sequence, kind)
    assert merge([piece("own", 5_000, 100), forged], NOW, found)["a"].file == "own"
    assert [(one.file, one.kind) for one in found] == [("forged", f.IMPOSSIBLE_SEQUENCE)]


@pytest.mark.parametrize("after_s", [-86_400, -30, 0, 1, 3_600], ids=lambda after: f"{after} s")
@pytest.mark.parametrize("kind", [CONFLICT, VIEW])
def test_no_copy_takes_back_that_a_machine_left_with_beats_it_cannot_have_made_by_then(after_s: int, kind: str) -> None:
    """It left five days ago: more than 400,000 beats are possible since, but none without the time they take."""
    left, found = NOW - 5 * 86_400_000, list[f.Finding]()
    own = Evidence(Record("a", left, sequence=100, left_at_ms=left), FILE, "own")
    forged = piece("forged", NOW - left - after_s * 1_000, 99_999, kind)
    assert merge([own, forged], NOW, found)["a"].file == "own"
    assert [(one.file, one.kind) for one in found] == [("forged", f.IMPOSSIBLE_SEQUENCE)]
    assert best(own, piece("copy", 4 * 86_400_000, 9_999, kind)) == "copy"


def test_a_stale_second_spelling_of_its_file_lends_a_living_machine_no_beats() -> None:
    """`A.json` is a day old: 9,000 beats more are possible since, but for `a.json` of 5 s ago."""
    stale, forged = piece("stale", 86_000_000, 90), piece("forged", 60_000_000, 9_000, CONFLICT)
    assert best(piece("own", 5_000, 100), stale, forged) == "own"


def test_a_machine_whose_own_clock_is_days_ahead_says_nothing_about_how_often_it_can_have_beaten() -> None:
    assert best(piece("file", -2 * 86_400_000, 10), piece("copy", 0, 500, kind=CONFLICT)) == "copy"
    assert best(piece("file", 0, 10), piece("copy", 0, 500, kind=CONFLICT)) == "file"


def test_a_record_whose_sequence_is_impossible_counts_where_there_is_no_other() -> None:
    data = heartbeat("a", agent={"sequence": 2**60})
    record, found = parse(data, "a")
    assert (record.sequence, record.doubted, [kind for kind, _ in found]) == (None, True, [f.IMPOSSIBLE_SEQUENCE])
    assert best(Evidence(record, CONFLICT, "copy")) == "copy"
    assert best(Evidence(record, CONFLICT, "copy"), piece("own", 600_000, 3)) == "own"
    assert best(Evidence(record, FILE, "copy"), piece("old service", 600_000)) == "old service"
