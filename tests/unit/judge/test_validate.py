"""The table: what meets an expectation, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.judge import Verdict, observe, validate, verdict
from roosync_ops.state import SharedState
from roosync_ops.state.folder import read_folder
from tests.kits.shares import NOW, heartbeat, ours, put, put_view

if TYPE_CHECKING:
    from pathlib import Path

LEFT: dict[str, Any] = {"state": "left", "leftAt": "2026-02-12T10:15:25.000Z"}


def fleet(**expected: str) -> Fleet:
    return Fleet(Machine.of(name, {"expected": word, "why": f"why {name}"}) for name, word in expected.items())


def state(shared: Path, *records: dict[str, Any]) -> SharedState:
    (shared / "heartbeats").mkdir(exist_ok=True)
    for record in records:
        put(shared, record)
    return read_folder(shared, NOW)


def row(shared: Path, expected: str, *records: dict[str, Any]) -> Verdict:
    """Judge the machine `m`, beside two healthy ones that keep the observer above suspicion."""
    machines = fleet(m=expected, one="online", two="online")
    return validate(machines, state(shared, ours("one"), ours("two"), *records), NOW).verdicts[0]


def kind(found: Verdict) -> str | None:
    return None if found.reason is None else found.reason.kind


@pytest.mark.parametrize(
    ("expected", "age_ms", "observed", "ok", "active", "why"),
    [
        ("online", 89_999, "online", True, True, None),
        ("online", 90_000, "warning", False, True, verdict.MISSING_BEATS),
        ("online", 120_000, "warning", False, True, verdict.MISSING_BEATS),
        ("online", 120_001, "offline", False, False, verdict.SILENT),
        ("offline", 89_999, "online", False, True, verdict.BEATS_UNEXPECTEDLY),
        ("offline", 90_000, "warning", False, True, verdict.BEATS_UNEXPECTEDLY),
        ("offline", 120_001, "offline", True, False, None),
    ],
)
def test_expected_online_is_met_by_online_alone_and_expected_offline_by_silence(  # noqa: PLR0913, PLR0917
    tmp_path: Path, expected: str, age_ms: int, observed: str, ok: bool, active: bool, why: str | None
) -> None:
    found = row(tmp_path, expected, ours("m", age_ms))
    assert (found.observed, found.ok, found.heartbeat_active, kind(found)) == (observed, ok, active, why)
    assert (found.age_ms, found.missed) == (age_ms, age_ms // 30_000)


@pytest.mark.parametrize(("expected", "ok", "why"), [("online", False, verdict.HAS_LEFT), ("offline", True, None)])
def test_a_machine_that_left_meets_offline_and_not_online(
    tmp_path: Path, expected: str, ok: bool, why: str | None
) -> None:
    found = row(tmp_path, expected, ours("m", **LEFT))
    assert (found.observed, found.ok, kind(found)) == ("left", ok, why)


@pytest.mark.parametrize(("expected", "ok", "why"), [("online", False, verdict.NEVER_SEEN), ("offline", True, None)])
def test_a_machine_never_seen_is_unknown_not_dead(tmp_path: Path, expected: str, ok: bool, why: str | None) -> None:
    found = row(tmp_path, expected)
    assert (found.observed, found.ok, kind(found), found.last_heartbeat) == ("unknown", ok, why, None)


def test_the_thresholds_are_the_inventorys(tmp_path: Path) -> None:
    patient = Machine.of("m", {"heartbeat_interval": 60_000, "offline_timeout": 300_000})
    found = validate(Fleet([patient]), state(tmp_path, ours("m", 150_000)), NOW).verdicts[0]
    assert (found.observed, found.missed) == ("online", 2)


def test_a_heartbeat_from_the_future_counts_by_its_status_and_its_clock_is_suspected(tmp_path: Path) -> None:
    found = row(tmp_path, "online", heartbeat("m", -5_001))
    assert (found.observed, found.ok, found.age_ms, found.missed) == ("online", True, -5_001, 0)
    assert found.reason is not None
    assert (found.reason.kind, found.reason.ahead_ms) == (verdict.CLOCK_SUSPECTED, 5_001)


def test_five_seconds_ahead_are_no_suspicion(tmp_path: Path) -> None:
    assert row(tmp_path, "online", heartbeat("m", -5_000)).reason is None


def test_beating_though_expected_off_also_tells_of_a_suspect_clock(tmp_path: Path) -> None:
    found = row(tmp_path, "offline", heartbeat("m", -60_000))
    assert found.reason is not None
    assert (found.reason.kind, found.reason.ahead_ms) == (verdict.BEATS_UNEXPECTEDLY, 60_000)
    assert found.reason.facts["why"] == "why m"


@pytest.mark.parametrize(
    ("heard", "found"),
    [
        ("2026-02-12T10:15:20.123", "naive-last-heartbeat"),
        ("soon", "invalid-last-heartbeat"),
        (None, "missing-last-heartbeat"),
    ],
)
def test_a_heartbeat_without_a_valid_time_is_unknown_and_names_the_file(
    tmp_path: Path, heard: str | None, found: str
) -> None:
    judged = row(tmp_path, "online", heartbeat("m", lastHeartbeat=heard))
    assert judged.observed == "unknown"
    assert judged.reason is not None
    assert (judged.reason.kind, judged.reason.facts["file"]) == (verdict.NO_VALID_HEARTBEAT, "heartbeats/m.json")
    assert judged.reason.facts["kind"] == found


def test_a_file_that_could_not_be_read_is_named_rather_than_never_seen(tmp_path: Path) -> None:
    put(tmp_path, heartbeat("m")).write_bytes(b"")
    judged = row(tmp_path, "online")
    assert judged.reason is not None
    assert (judged.reason.kind, judged.reason.facts["kind"]) == (verdict.NOT_UNDERSTOOD, "empty-file")


@pytest.mark.parametrize("elsewhere", ["the view", "a conflict copy"])
def test_a_broken_file_and_an_old_word_from_elsewhere_are_no_death(tmp_path: Path, elsewhere: str) -> None:
    """Half a file is a file on its way: what it will say is not known."""
    if elsewhere == "the view":
        put_view(tmp_path, ours("m", 600_000))
    else:
        put(tmp_path, ours("m", 600_000), "m (1).json")
    put(tmp_path, heartbeat("m")).write_bytes(b"{")
    judged = row(tmp_path, "online")
    assert (judged.observed, kind(judged)) == ("unknown", verdict.NOT_UNDERSTOOD)


def test_a_broken_conflict_copy_explains_no_silence(tmp_path: Path) -> None:
    put(tmp_path, heartbeat("m"), "m (1).json").write_bytes(b"{")
    assert kind(row(tmp_path, "online", ours("m", 600_000))) == verdict.SILENT


def test_if_everything_looks_dead_at_once_the_observer_is_the_suspect_and_the_verdicts_stay(tmp_path: Path) -> None:
    machines = fleet(a="online", b="online", c="offline")
    found = validate(machines, state(tmp_path, ours("a", 600_000)), NOW)
    assert [(one.observed, one.ok, kind(one)) for one in found.verdicts] == [
        ("offline", False, verdict.OBSERVER_SUSPECTED),
        ("unknown", False, verdict.OBSERVER_SUSPECTED),
        ("unknown", True, None),
    ]
    assert found.verdicts[0].reason is not None
    assert found.verdicts[0].reason.facts == {"gone": 2, "of": 2, "age": 600_000}


@pytest.mark.parametrize(("dead", "suspected"), [(9, True), (8, False)])
def test_the_observer_is_suspected_from_nine_tenths_of_the_fleet_on(tmp_path: Path, dead: int, suspected: bool) -> None:
    names = [f"m{number}" for number in range(10)]
    records = [ours(name, 600_000 if number < dead else 1_000) for number, name in enumerate(names)]
    found = validate(fleet(**dict.fromkeys(names, "online")), state(tmp_path, *records), NOW)
    assert (kind(found.verdicts[0]) == verdict.OBSERVER_SUSPECTED) is suspected


def test_one_machine_alone_that_is_gone_is_gone(tmp_path: Path) -> None:
    found = validate(fleet(a="online", b="offline"), state(tmp_path, ours("a", 600_000)), NOW)
    assert kind(found.verdicts[0]) == verdict.SILENT


def test_machines_that_left_on_purpose_put_nobody_under_suspicion(tmp_path: Path) -> None:
    found = validate(fleet(a="online", b="online"), state(tmp_path, ours("a", **LEFT), ours("b", **LEFT)), NOW)
    assert {kind(one) for one in found.verdicts} == {verdict.HAS_LEFT}


def test_a_fresh_fleet_is_unknown_without_suspicion(tmp_path: Path) -> None:
    found = validate(fleet(a="online", b="online"), state(tmp_path), NOW)
    assert [(one.observed, kind(one)) for one in found.verdicts] == [("unknown", verdict.NEVER_SEEN)] * 2
    assert (found.ok, found.online, found.total, found.percent) == (False, 0, 2, 0)


def test_machines_the_inventory_does_not_know_are_listed_apart_and_never_counted(tmp_path: Path) -> None:
    found = validate(fleet(a="online"), state(tmp_path, ours("a"), ours("ghost"), heartbeat("test-1", 10**9)), NOW)
    assert [(one.machine_id, one.observed) for one in found.unexpected] == [("ghost", "online"), ("test-1", "offline")]
    assert (found.ok, found.total, found.online, found.percent) == (True, 1, 1, 100)


def test_four_of_six_is_66_percent_as_in_the_procedure(tmp_path: Path) -> None:
    machines = fleet(**dict.fromkeys("abcd", "online"), e="offline", f="offline")
    found = validate(machines, state(tmp_path, *map(ours, "abcd")), NOW)
    assert (found.ok, found.online, found.total, found.percent, found.as_expected) == (True, 4, 6, 66, 6)


def test_only_the_chosen_are_judged_and_the_others_are_no_strangers(tmp_path: Path) -> None:
    machines = fleet(a="online", b="online")
    found = validate(machines, state(tmp_path, ours("a"), ours("b", 600_000)), NOW, machines.select(["a"]))
    assert (found.ok, found.total, found.unexpected) == (True, 1, ())


def test_the_judgement_is_a_function_of_its_arguments(tmp_path: Path) -> None:
    machines, seen = fleet(a="online"), state(tmp_path, ours("a"))
    assert validate(machines, seen, NOW) == validate(machines, seen, NOW)


def test_a_survey_goes_by_what_each_agent_says_it_runs_with(tmp_path: Path) -> None:
    slow = ours("slow", 200_000, heartbeatInterval=100_000, offlineTimeout=400_000)
    odd = ours("odd", 200_000, heartbeatInterval=100_000, offlineTimeout=100)
    survey = observe(state(tmp_path, slow, odd, heartbeat("old", 91_000)), NOW)
    assert [(one.machine_id, one.observed, one.version) for one in survey.machines] == [
        ("odd", "offline", "0.1.0"),
        ("old", "warning", "3.1.0"),
        ("slow", "online", "0.1.0"),
    ]
