"""What --fix may do in the operator's own replica: rebuild the view, and sweep orphans among our temporary files.

Only names that our agents alone give are ever touched, and only where nobody has for a while. What other services left
behind is theirs.
"""

from __future__ import annotations

import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from roosync_ops.agent.share import replace_file
from roosync_ops.wire.deadline import BoundedShare, ShareHungError
from roosync_ops.wire.folder import HEARTBEATS, VIEW_NAME, read_shared
from roosync_ops.wire.merge import merge
from roosync_ops.wire.record import dump
from roosync_ops.wire.status import DEFAULT_THRESHOLDS
from roosync_ops.wire.view import build

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")
#: Our agents' own temporary names, one for each machine and file, and this computer's own for the view.
_RECORD: Final = re.compile(r"\.[a-z0-9][a-z0-9-]{0,62}\.tmp")
_VIEW: Final = re.compile(r"\.heartbeat\.[a-z0-9][a-z0-9-]{0,62}\.tmp")
#: This computer's own name for a view that it writes; no machine of the fleet can have it.
_OWN: Final = ".heartbeat.operator--fix.tmp"
#: Nobody writes a file of some kB for so long, and a sync product has shown the end of it by then, in s.
ORPHAN_AFTER_S: Final = 600.0


class TidyError(Exception):
    """It could not be done: one sentence."""


def orphans(shared: str, now_s: float, deadline_s: float) -> tuple[str, ...]:
    """Return the orphans in `shared`, relative to it, in order. Raises TidyError."""
    return _bounded(shared, deadline_s, lambda: tuple(sorted(_orphans(shared, now_s))))


def sweep(shared: str, now_s: float, deadline_s: float) -> tuple[str, ...]:
    """Remove the orphans in `shared`; return those that are gone now. Raises TidyError."""
    return _bounded(shared, deadline_s, lambda: _swept(shared, now_s))


def rebuild_view(shared: str, now_ms: int, deadline_s: float) -> int:
    """Write `heartbeat.json` anew from all that is there; return how many machines it holds. Raises TidyError.

    A view that is there and cannot be read is set aside beside it, under one name, before it is replaced.
    """
    return _bounded(shared, deadline_s, lambda: _rebuilt(shared, now_ms))


def _bounded(shared: str, deadline_s: float, work: Callable[[], T]) -> T:
    try:
        return BoundedShare(deadline_s).call(work, f"tidying {shared}")
    except ShareHungError as error:
        raise TidyError(f"{shared} gave no answer within {error.deadline_s:g} s") from None
    except OSError as error:
        raise TidyError(f"{error.filename or shared}: {error.strerror or error}") from None


def _orphans(shared: str, now_s: float) -> Iterator[str]:
    root = Path(shared)
    yield from (path.name for path in root.iterdir() if _VIEW.fullmatch(path.name) and _is_old(path, now_s))
    folder = root / HEARTBEATS
    if folder.is_dir() and not folder.is_symlink():
        names = (path.name for path in folder.iterdir() if _RECORD.fullmatch(path.name) and _is_old(path, now_s))
        yield from (f"{HEARTBEATS}/{name}" for name in names)


def _is_old(path: Path, now_s: float) -> bool:
    """Tell whether it is a regular file that nobody has touched for a while; one from the future is nobody's guess."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and now_s - found.st_mtime > ORPHAN_AFTER_S


def _swept(shared: str, now_s: float) -> tuple[str, ...]:
    gone = []
    for name in sorted(_orphans(shared, now_s)):
        with suppress(FileNotFoundError):  # its machine came back and finished it
            (Path(shared) / name).unlink()
            gone.append(name)
    return tuple(gone)


def _rebuilt(shared: str, now_ms: int) -> int:
    snapshot = read_shared(shared, now_ms)
    old = snapshot.view if isinstance((snapshot.view or {}).get("heartbeats"), dict) else None
    view = build(merge(snapshot.evidence, now_ms), old, now_ms, DEFAULT_THRESHOLDS)
    path = Path(shared) / VIEW_NAME
    if old is None:
        with suppress(FileNotFoundError):
            path.replace(path.with_name(f"{VIEW_NAME}.not-understood"))
    replace_file(str(path), str(path.with_name(_OWN)), dump(view))
    return len(view["heartbeats"])
