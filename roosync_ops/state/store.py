"""One JSON document of ours in this user's local folder: bounded, replaced whole, and changed under a lock."""

from __future__ import annotations

import json
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from roosync_ops.wire import local

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FORMAT: Final = 1
#: What is larger was not written by us.
_MAX_BYTES: Final = 16_777_216
#: Another process holds the lock for some milliseconds.
_LOCK_S: Final = 2.0


class Store:
    """The document `kind` about `key`, a text that names a fleet or a shared state."""

    def __init__(self, folder: Path, kind: str, key: str) -> None:
        self.path = folder / f"{kind}-{zlib.crc32(key.encode('utf-8', 'surrogatepass')):08x}.json"

    @contextmanager
    def locked(self, timeout_s: float = _LOCK_S) -> Iterator[None]:
        """Be the only one that changes it. Raises OSError; one that another holds for longer is a TimeoutError."""
        from filelock import FileLock  # noqa: PLC0415 - whoever only reads can do without

        local.make_folder(str(self.path.parent))
        with FileLock(f"{self.path}.lock", timeout=timeout_s, mode=local.FILE_MODE):
            yield

    def read(self) -> dict[str, Any]:
        """Return the document, empty where there is none. Raises OSError; ValueError where it is none of ours."""
        try:
            with self.path.open("rb") as file:
                raw = file.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            return {}
        if not raw:
            return {}
        if len(raw) > _MAX_BYTES:
            raise ValueError(f"more than {_MAX_BYTES} bytes")
        try:
            document = json.loads(raw)
        except RecursionError:
            raise ValueError("nested too deep") from None
        if not isinstance(document, dict) or document.get("format") != _FORMAT:
            raise ValueError("no memory of this format")
        return document

    def write(self, document: dict[str, Any], *, durable: bool = False) -> None:
        """Replace the document; `durable`: not even a power cut right after it takes it back. Raises OSError."""
        raw = json.dumps({"format": _FORMAT, **document}, separators=(",", ":")).encode()
        local.write(str(self.path), raw, durable=durable)
