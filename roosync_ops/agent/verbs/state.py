"""`state`: the whole shared state as this machine's replica shows it."""

from __future__ import annotations

from roosync_ops.agent.answer import printable
from roosync_ops.agent.config import Config, config_of
from roosync_ops.agent.flags import Flags
from roosync_ops.agent.interactive_session import is_elsewhere, run_verb
from roosync_ops.agent.share import folder_of
from roosync_ops.wire.deadline import BoundedShare
from roosync_ops.wire.merge import Snapshot
from roosync_ops.wire.signs import SIGNS_S, signs_within
from roosync_ops.wire.times import now_ms, to_iso
from roosync_ops.wire.typed import Answer, Json


def answer(flags: Flags) -> Answer:
    """Read, change nothing. Raises ShareTroubleError where there is no share to read."""
    config = config_of(flags)
    if is_elsewhere(flags, config):
        return run_verb(flags, config, "state")
    snapshot = folder_of(config).read_all(now_ms())
    return _document(config, snapshot), _lines(snapshot)


def _document(config: Config, snapshot: Snapshot) -> Json:
    return {
        "machineId": config.machine_id,
        "shared": config.shared,
        "readAt": to_iso(snapshot.read_at_ms),
        "seen": snapshot.seen,
        "view": snapshot.view,
        "viewState": snapshot.view_state,
        "evidence": [
            {
                "machineId": piece.record.machine_id,
                "file": piece.file,
                "kind": piece.kind,
                "modifiedMs": piece.modified_ms,
                "record": piece.record.data,
                **({} if piece.read_ms is None else {"readAt": to_iso(piece.read_ms)}),
            }
            for piece in snapshot.evidence
        ],
        "findings": [found.as_dict() for found in snapshot.findings],
        "signs": signs_within(BoundedShare(SIGNS_S), config.shared),
    }


def _lines(snapshot: Snapshot) -> list[str]:
    lines = [f"{snapshot.seen} heartbeats read at {to_iso(snapshot.read_at_ms)}; view: {snapshot.view_state}"]
    for piece in snapshot.evidence:
        heard = piece.record.last_heartbeat_ms
        lines.append(f"{piece.record.machine_id}  {'-' if heard is None else to_iso(heard)}  {printable(piece.file)}")
    lines.extend(printable(f"! {found.file}: {found.kind}: {found.detail}") for found in snapshot.findings)
    return lines
