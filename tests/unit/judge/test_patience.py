"""Beats received, in virtual time: no clock but the reader's decides, and silence is never mistaken for long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roosync_ops.judge.observe import (
    ARRIVAL,
    AUTO_MOST_MS,
    BETWEEN,
    CLOCK,
    PROBED,
    TIMESTAMP,
    WATCHED,
    auto_ms,
    clock_suspected,
    status_with,
)
from roosync_ops.state.seen import Seen, see
from roosync_ops.wire.record import Record
from roosync_ops.wire.status import LEFT, OFFLINE, ONLINE, UNKNOWN, Thresholds, status

HOUR = 3_600_000
NOW = 1_770_891_330_000
STANDARD = Thresholds()

delays = st.lists(st.integers(5_000, 60_000), min_size=40, max_size=40)
offsets = st.integers(-HOUR, HOUR)


@dataclass
class Machine:
    """Beats each 30 s by a clock that is `offset` off from the reader's, and may be stepped."""

    offset: int = 0

    def beat(self, number: int, at: int) -> Record:
        return Record("m", at + self.offset, sequence=number, session_id="s")


def arrivals(machine: Machine, waits: list[int], step: tuple[int, int] | None = None) -> list[tuple[int, Record]]:
    """Return (when it arrived, the record), in order; whole files, so that an older one never overtakes a newer."""
    found: list[tuple[int, Record]] = []
    for number, wait in enumerate(waits):
        if step is not None and number == step[0]:
            machine.offset += step[1]
        at = NOW + number * 30_000
        found.append((at + wait, machine.beat(number + 1, at)))
    return sorted(found, key=lambda one: one[0])


def watch(found: list[tuple[int, Record]], until: int, poll: int = 5_000) -> list[tuple[int, str, str]]:
    """Read each `poll` ms and judge; return (when, status, basis) of each reading after the first arrival."""
    seen: Seen | None = None
    best: Record | None = None
    told = []
    for now in range(NOW, until, poll):
        for at, record in found:
            if at <= now and (best is None or (record.sequence or 0) > (best.sequence or 0)):
                best = record
        if best is not None:
            seen = see(seen, best, now, 30_000)
            told.append((now, *status_with(best, seen, now, STANDARD, 60_000)))
    return told


@settings(max_examples=25)
@given(delays, offsets)
def test_ordinary_delay_and_a_clock_an_hour_off_make_no_offline_once_a_beat_was_seen_to_arrive(
    waits: list[int], offset: int
) -> None:
    told = watch(arrivals(Machine(offset), waits), NOW + len(waits) * 30_000)
    counted = [word for _, word, basis in told if basis == ARRIVAL]
    assert len(counted) > 10
    assert OFFLINE not in counted


@settings(max_examples=25)
@given(delays, st.integers(5, 35), offsets, offsets)
def test_a_clock_stepped_in_mid_run_changes_no_verdict(waits: list[int], at: int, offset: int, step: int) -> None:
    told = watch(arrivals(Machine(offset), waits, (at, step)), NOW + len(waits) * 30_000)
    assert OFFLINE not in [word for _, word, basis in told if basis == ARRIVAL]


@settings(max_examples=25)
@given(delays, offsets, st.integers(0, 300_000))
def test_a_death_is_told_within_timeout_patience_and_the_last_delay_whatever_its_clock(
    waits: list[int], offset: int, extra: int
) -> None:
    found = arrivals(Machine(offset), waits)
    last = found[-1][0]
    seen = None
    for now in range(NOW + 60_000, last + 5_001, 5_000):
        record = max((one for at, one in found if at <= now), key=lambda one: one.sequence or 0)
        seen = see(seen, record, now, 30_000)
    assert seen is not None
    assert seen.moved_by_ms is not None
    limit = seen.moved_by_ms + STANDARD.timeout_ms + extra
    assert status_with(record, seen, limit, STANDARD, extra)[0] != OFFLINE
    assert status_with(record, seen, limit + 1, STANDARD, extra) == (OFFLINE, ARRIVAL)
    assert limit <= last + 5_000 + STANDARD.timeout_ms + extra


@given(st.integers(-HOUR, HOUR), st.integers(0, 300_000))
def test_without_patience_it_is_the_protocols_own_status_to_the_millisecond(age: int, seen_for: int) -> None:
    record = Record("m", NOW - age, sequence=7, session_id="s")
    seen = see(see(None, record, NOW - seen_for, 30_000), record, NOW, 30_000)
    assert status_with(record, seen, NOW) == (status(record, NOW), TIMESTAMP)


@given(offsets, st.integers(0, 400_000))
def test_a_probed_offset_makes_the_age_what_one_clock_would_tell(offset: int, age: int) -> None:
    record = Record("m", NOW - age + offset, sequence=7)
    expected = status(Record("m", NOW - age), NOW)
    assert status_with(record, None, NOW, offset_ms=offset) == (expected, PROBED)


def test_a_machine_from_the_future_that_is_dead_is_found_out_by_watching_it() -> None:
    record = Record("m", NOW + HOUR, sequence=7, session_id="s")
    seen = see(None, record, NOW, 30_000)
    assert status_with(record, seen, NOW, STANDARD, 0) == (ONLINE, WATCHED)
    assert status_with(record, seen, NOW + 120_001, STANDARD, 0) == (OFFLINE, WATCHED)
    assert clock_suspected(record, seen, NOW, STANDARD)


@pytest.mark.parametrize(
    ("stamp", "word", "basis"),
    [
        pytest.param(-300_000, OFFLINE, BETWEEN, id="sent after the last reading, five minutes ago"),
        pytest.param(-20_000, ONLINE, BETWEEN, id="sent just now"),
        pytest.param(-HOUR, ONLINE, CLOCK, id="it moved since, so its clock is behind"),
        pytest.param(HOUR, ONLINE, CLOCK, id="it moved since, and its clock is ahead"),
    ],
)
def test_readings_far_apart_bound_what_a_time_stamp_may_say(stamp: int, word: str, basis: str) -> None:
    before = Record("m", NOW + stamp - 600_000, sequence=1, session_id="s")
    record = Record("m", NOW + stamp, sequence=20, session_id="s")
    seen = see(see(None, before, NOW - 600_000, 30_000), record, NOW, 30_000)
    assert status_with(record, seen, NOW, STANDARD, 0) == (word, basis)
    assert clock_suspected(record, seen, NOW, STANDARD) is (basis == CLOCK)


def test_left_and_unknown_need_no_patience() -> None:
    left = Record("m", NOW, sequence=3, left_at_ms=NOW)
    assert status_with(left, None, NOW + HOUR, STANDARD, 600_000)[0] == LEFT
    assert status_with(None, None, NOW, STANDARD, 600_000)[0] == UNKNOWN
    assert status_with(Record("m", None), None, NOW, STANDARD, 0)[0] == UNKNOWN


def beats(lengths: list[int]) -> Seen:
    """Be a reader each 5 s of a machine whose beats arrive with these silences between them."""
    now, number = NOW, 1
    seen = see(None, Record("m", NOW, sequence=1, session_id="s"), now, 30_000)
    for length in lengths:
        for reading in range(now + 5_000, now + length, 5_000):
            seen = see(seen, Record("m", 0, sequence=number, session_id="s"), reading, 30_000)
        now += length
        number += max(1, round(length / 30_000))
        seen = see(seen, Record("m", 0, sequence=number, session_id="s"), now, 30_000)
    return seen


def test_auto_grows_with_the_bursts_that_were_seen_and_with_nothing_else() -> None:
    steady = beats([30_000] * 20)
    assert auto_ms([steady]) == 0
    burst = beats([30_000] * 20 + [180_000])
    assert 100_000 < auto_ms([steady, burst]) < 180_000
    assert auto_ms([]) == STANDARD.timeout_ms // 2


def test_a_machine_that_was_off_for_an_hour_teaches_nothing_about_delays() -> None:
    seen = beats([30_000] * 20)
    record: Any = Record("m", 0, sequence=(seen.sequence or 0) + 1, session_id="s")
    assert auto_ms([see(seen, record, seen.read_ms + HOUR, 30_000)]) == 0


@settings(max_examples=25)
@given(st.lists(st.integers(30_000, 900_000), max_size=60))
def test_whatever_was_seen_what_is_kept_is_bounded_and_patience_too(lengths: list[int]) -> None:
    seen = beats([length - length % 5_000 for length in lengths])
    assert len(seen.peaks) <= 8
    assert 0 <= auto_ms([seen]) <= AUTO_MOST_MS


def test_a_record_rolled_back_to_an_older_one_is_no_sign_of_life() -> None:
    seen = see(None, Record("m", NOW, sequence=5, session_id="s"), NOW, 30_000)
    seen = see(seen, Record("m", NOW, sequence=6, session_id="s"), NOW + 30_000, 30_000)
    rolled = see(seen, Record("m", NOW, sequence=3, session_id="s"), NOW + 60_000, 30_000)
    assert (rolled.moved_by_ms, rolled.sequence) == (NOW + 30_000, 6)


def test_an_older_services_clock_put_back_is_heard_again_with_its_next_beat() -> None:
    seen = see(None, Record("m", NOW), NOW, 30_000)
    put_back = see(seen, Record("m", NOW - HOUR), NOW + 30_000, 30_000)
    assert put_back.moved_by_ms is None
    assert see(put_back, Record("m", NOW - HOUR + 30_000), NOW + 60_000, 30_000).moved_by_ms == NOW + 60_000
