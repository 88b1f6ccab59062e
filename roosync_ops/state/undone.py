"""What older services did to machines' own files, as what was written twice still tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from roosync_ops.wire import findings as f
from roosync_ops.wire.merge import FILE, VIEW
from roosync_ops.wire.names import HEARTBEATS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from roosync_ops.wire.merge import Evidence

#: A file that was written so long after the beat in it was not written by its machine, in ms.
_BEHIND_MS: Final = 60_000
_SAID: Final = {
    f.ROLLED_BACK: "an older service wrote an older record back; what was known before is kept elsewhere in the share",
    f.FILE_DELETED: "its file is gone, which its agent never removes; what was known before is kept in the share",
}


def mark_undone(
    machines: Mapping[str, Evidence], pieces: Iterable[Evidence], findings: Iterable[f.Finding], now_ms: int
) -> list[f.Finding]:
    """Mark each best record of one reading that contradicts its machine's own file, and return what that tells.

    `findings` are those of the reading itself.
    """
    own = {piece.record.machine_id: piece for piece in pieces if piece.kind == FILE}
    broken = {item.file.lower() for item in findings if item.kind != f.VANISHED}
    found = []
    for name, best in machines.items():
        file = f"{HEARTBEATS}/{name}.json"
        if name in own or file not in broken:  # one that cannot be read is told as that
            best.undone = _undone(best, own.get(name), now_ms)
        if best.undone is not None:
            found.append(f.Finding(file, best.undone[0], _SAID[best.undone[0]]))
    return found


def _undone(best: Evidence, own: Evidence | None, now_ms: int) -> tuple[str, int | None] | None:
    """Return (finding, when), None for nothing.

    A file that is merely behind in this replica was written when its record says; one that was written back, later.
    """
    record = best.record
    if best.kind == FILE or record.sequence is None or (best.kind != VIEW and not record.has_left):
        return None
    if own is None:
        silent = now_ms - (record.last_heartbeat_ms or 0) > _BEHIND_MS
        return (f.FILE_DELETED, None) if record.has_left or silent else None
    ended = (record.left_at_ms or 0) if record.has_left else (own.record.last_heartbeat_ms or 0) + _BEHIND_MS
    if (own.record.sequence or 0) >= record.sequence or (own.modified_ms or 0) <= ended:
        return None
    return f.ROLLED_BACK, own.modified_ms
