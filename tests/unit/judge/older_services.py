"""A machine that left, and what older services do to its record."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.judge import Knowledge, validate
from roosync_ops.state.folder import read_folder
from roosync_ops.wire.record import dump
from roosync_ops.wire.status import DEFAULT_THRESHOLDS
from roosync_ops.wire.times import to_iso
from roosync_ops.wire.view import build
from tests.kits.shares import NOW, ours, put

if TYPE_CHECKING:
    from pathlib import Path

    from roosync_ops.judge import Verdict
    from roosync_ops.state import SharedState


HOUR = 3_600_000


FLEET = Fleet(Machine.of(name, {}) for name in ("m", "n", "o"))


LEFT_AT = NOW - 2 * HOUR


LEFT = ours(
    "m",
    2 * HOUR + 20_000,
    sequence=90,
    state="left",
    leftAt=to_iso(LEFT_AT),
    upIntervals=[f"{to_iso(NOW - 6 * HOUR)}/{to_iso(NOW - 2 * HOUR - 20_000)}"],
)


def shared(path: Path, *records: dict[str, Any]) -> SharedState:
    for record in (ours("n"), ours("o"), *records):
        put(path, record)
    return read_folder(path, NOW)


def keep_view(path: Path) -> None:
    """Write the view as our keeper builds it from what lies there."""
    view = build(read_folder(path, NOW).machines, None, NOW, DEFAULT_THRESHOLDS)
    (path / "heartbeat.json").write_bytes(dump(view))


def row(state: SharedState, patience: int | None = None) -> Verdict:
    return validate(FLEET, state, NOW, known=Knowledge(patience_ms=patience)).verdicts[0]


def written(path: Path, at_ms: int) -> None:
    os.utime(path, ns=(at_ms * 1_000_000, at_ms * 1_000_000))
