"""What a reason puts in doubt is no death: one attribute, and the table, the flips and the history all go by it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.gather.past import pasts
from roosync_ops.judge import Reason, validate, verdict
from roosync_ops.judge.flip import rows_of
from roosync_ops.state.folder import read_folder
from tests.kits.shares import NOW, ours, put, put_view

if TYPE_CHECKING:
    from pathlib import Path

    from roosync_ops.judge import Validation
    from roosync_ops.state import SharedState

FLEET = Fleet(Machine.of(name, {}) for name in ("m", "n", "o"))
#: Everything that a verdict may be in doubt for, but for what only a probe says of the others.
SIGHTS = (
    verdict.NOT_UNDERSTOOD, verdict.NO_VALID_HEARTBEAT, verdict.FILE_BEHIND, verdict.VIEW_BEHIND,
    verdict.CLOCK_SUSPECTED, verdict.CLOCK_CONTRADICTED, verdict.CLOCK_DISAGREES, verdict.CLOCK_BEHIND,
    verdict.CLOCK_HIDES, verdict.READER_CLOCK_WRONG, verdict.UPLOAD_STALLED, verdict.LINK_STALLED,
    verdict.CLOCK_WRONG, verdict.CLOCK_STEPPED, verdict.MAY_BE_ANOTHERS, verdict.SILENCED,
)  # fmt: skip
PROVEN = (
    verdict.SILENT, verdict.AGENT_GONE, verdict.AGENT_SILENT, verdict.SHARE_STUCK, verdict.NO_AGENT,
    verdict.MACHINE_OFF, verdict.HAS_LEFT,
)  # fmt: skip


@pytest.fixture
def seen(tmp_path: Path) -> tuple[Validation, SharedState]:
    """One silent machine beside two that beat."""
    for record in (ours("m", 3_600_000), ours("n"), ours("o")):
        put(tmp_path, record)
    state = read_folder(tmp_path, NOW)
    return validate(FLEET, state, NOW), state


def _tail(seen: tuple[Validation, SharedState], kind: str, of: str = "m") -> tuple[str | None, str]:
    """Return the doubt of m's row, and what its time now is in the history of `of`, where its reason is `kind`."""
    found, state = seen
    rows = tuple(replace(row, reason=Reason(kind, "m")) if row.machine_id == "m" else row for row in found.verdicts)
    judged = replace(found, verdicts=rows)
    doubt = next(row.doubt for row in rows_of(judged, state, FLEET) if row.machine_id == "m")
    past = next(
        past for past in pasts(FLEET, tuple(FLEET), state, [], NOW - 7_200_000, judged) if past.machine_id == of
    )
    return doubt, past.spans[-1].kind


@pytest.mark.parametrize("kind", SIGHTS)
def test_what_is_seen_of_one_machine_in_doubt_is_no_outage_anywhere(
    seen: tuple[Validation, SharedState], kind: str
) -> None:
    assert _tail(seen, kind) == (verdict.Doubt.SIGHT, "unknown")


@pytest.mark.parametrize("kind", [verdict.OBSERVER_SUSPECTED, verdict.OBSERVER_STALE, verdict.SHARE_STALLED])
def test_an_observer_in_doubt_is_so_for_all_it_shows(seen: tuple[Validation, SharedState], kind: str) -> None:
    assert _tail(seen, kind) == (verdict.Doubt.OBSERVER, "unknown")


@pytest.mark.parametrize("kind", PROVEN)
def test_a_reason_that_doubts_nothing_is_an_outage(seen: tuple[Validation, SharedState], kind: str) -> None:
    assert _tail(seen, kind) == (None, "off")


def test_a_replica_that_may_be_behind_makes_no_outage_in_the_history(tmp_path: Path) -> None:
    """The view has a newer beat than the machine's own file: what is old here is the replica."""
    for record in (ours("m", 600_000), ours("n"), ours("o")):
        put(tmp_path, record)
    put_view(tmp_path, ours("m", 130_000, sequence=30), ours("n"), ours("o"), now_ms=NOW - 100_000)
    state = read_folder(tmp_path, NOW)
    found = validate(FLEET, state, NOW)
    assert found.verdicts[0].reason is not None
    assert found.verdicts[0].reason.kind == verdict.FILE_BEHIND
    assert pasts(FLEET, tuple(FLEET), state, [], NOW - 7_200_000)[0].spans[-1].kind == "unknown"
