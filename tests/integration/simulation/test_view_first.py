"""A beat may be read from the view before the machine's own file brings it: no age is taken from its clock for that."""

from __future__ import annotations

from roosync_ops.judge.observe import ARRIVAL, silence_ms
from roosync_ops.state.seen import see
from roosync_ops.wire.record import Record
from roosync_ops.wire.status import DEFAULT_THRESHOLDS

NOW = 5_000_000


def test_a_view_that_is_first_makes_no_age_of_the_machines_clock() -> None:
    seen = see(None, Record("m", 1_000, sequence=26), NOW, 30_000)
    seen = see(seen, Record("m", 31_000), NOW + 15_000, 30_000)
    file = Record("m", 31_000, sequence=27)
    seen = see(seen, file, NOW + 30_000, 30_000)
    age, basis = silence_ms(file, seen, NOW + 45_000, DEFAULT_THRESHOLDS)
    assert basis == ARRIVAL
    assert age <= 30_000


def test_a_machine_first_seen_in_a_view_is_counted_once_its_file_comes() -> None:
    seen = see(None, Record("m", 1_000), NOW, 30_000)
    seen = see(seen, Record("m", 1_000, sequence=26, session_id="s"), NOW + 15_000, 30_000)
    assert (seen.sequence, seen.session, seen.beats) == (26, "s", 0)
