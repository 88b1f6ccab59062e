"""Rebuild the view in a replica, and sweep orphans among our temporary files.

Only names that our agents alone give are ever touched, and only those untouched for a while. What other services left
behind is theirs. On a machine this text runs in a process of its own (on_verify), with the modules of the agent there.
"""

from __future__ import annotations

import re
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path

from roosync_ops.wire.typed import Any, Iterator

#: Our agents' own temporary names, one for each machine and file, and this computer's own for the view.
_RECORD = re.compile(r"\.[a-z0-9][a-z0-9-]{0,62}(\.\d\.part|\.tmp)")
_VIEW = re.compile(r"\.heartbeat\.[a-z0-9][a-z0-9-]{0,62}(\.\d\.part|\.tmp)")
#: The operator's own name for a view that is written; no machine of the fleet can have it.
_OWN = ".heartbeat.operator--fix.tmp"
_HEARTBEATS = "heartbeats"
_VIEW_NAME = "heartbeat.json"
#: No process writes a file of some kB for so long, and a sync product has shown the end of it by then, in s.
ORPHAN_AFTER_S = 600.0


def found(shared: str, now_s: float) -> Iterator[str]:
    """Yield the orphans in `shared`, relative to it."""
    root = Path(shared)
    yield from (path.name for path in root.iterdir() if _VIEW.fullmatch(path.name) and _is_old(path, now_s))
    folder = root / _HEARTBEATS
    if folder.is_dir() and not folder.is_symlink():
        names = (path.name for path in folder.iterdir() if _RECORD.fullmatch(path.name) and _is_old(path, now_s))
        yield from (f"{_HEARTBEATS}/{name}" for name in names)


def _is_old(path: Path, now_s: float) -> bool:
    """Return True if it is a regular file that was not touched for a while; one from the future is left alone."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and now_s - found.st_mtime > ORPHAN_AFTER_S


def swept(shared: str, now_s: float) -> tuple[str, ...]:
    """Remove the orphans in `shared`; return those that are gone now."""
    gone = []
    for name in sorted(found(shared, now_s)):
        with suppress(FileNotFoundError):  # its machine came back and finished it
            (Path(shared) / name).unlink()
            gone.append(name)
    return tuple(gone)


def rebuilt(shared: str, now_ms: int) -> int:
    """Write `heartbeat.json` anew from all that is there; return how many machines it holds.

    A view that is there and cannot be read is set aside beside it, under one name, before it is replaced.
    """
    # Here, and not above: on a machine they are the agent's, which is found only when this runs.
    from roosync_ops.agent.share import replace_file  # noqa: PLC0415 - see above
    from roosync_ops.wire.folder import read_shared  # noqa: PLC0415 - see above
    from roosync_ops.wire.merge import merge  # noqa: PLC0415 - see above
    from roosync_ops.wire.record import dump  # noqa: PLC0415 - see above
    from roosync_ops.wire.status import DEFAULT_THRESHOLDS  # noqa: PLC0415 - see above
    from roosync_ops.wire.view import build  # noqa: PLC0415 - see above

    snapshot = read_shared(shared, now_ms)
    old = snapshot.view if isinstance((snapshot.view or {}).get("heartbeats"), dict) else None
    view = build(merge(snapshot.evidence, now_ms), old, now_ms, DEFAULT_THRESHOLDS)
    path = Path(shared) / _VIEW_NAME
    if old is None:
        with suppress(FileNotFoundError):
            path.replace(path.with_name(f"{_VIEW_NAME}.not-understood"))
    replace_file(str(path), str(path.with_name(_OWN)), dump(view))
    return len(view["heartbeats"])


def work(asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Tidy `shared` with the `agent` there and yield what was done: `rebuild` the view or not; with `dry` only look."""
    sys.path.insert(0, asked["agent"])
    shared, dry = asked["shared"], asked["dry"]
    try:
        if not Path(shared).is_dir():
            yield {"problem": ["SHARE_MISSING", "there is no such folder"]}
            return
        if asked["rebuild"] and not dry:
            yield {"rebuilt": rebuilt(shared, time.time_ns() // 1_000_000)}
        yield {"files": sorted(found(shared, time.time())) if dry else swept(shared, time.time())}
    except ImportError as error:
        yield {"problem": ["NOT_OUR_AGENT", f"the agent there cannot do it: {error}"]}
    except OSError as error:
        yield {"problem": ["SHARE_REFUSED", f"{error.filename or shared}: {error.strerror or error}"]}
