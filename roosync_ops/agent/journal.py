"""The journal: what this machine knows about its own beats, in one local file of fixed size.

Two slots are written in turn, in place, on an open descriptor: nothing is created, renamed or grown at a beat, so a
full local disk cannot break it later, and a write that power loss tears leaves the other slot. Only the holder of
write.lock writes; any process reads.
"""

from __future__ import annotations

import json
import os
import zlib

from roosync_ops.wire.local import FILE_MODE
from roosync_ops.wire.typed import Json

#: One slot holds a whole record (8 kB of metadata, 17 kB of history) and every machine only older services know.
SLOT_BYTES = 128 * 1024
_MAGIC = b"roosync1"
#: magic, generation, length and CRC-32 of the JSON, as text, so that a person can read the file too.
_HEADER_BYTES = len(_MAGIC) + 1 + 20 + 1 + 8 + 1 + 8 + 1
_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
#: What is given up, in this order, when a state is larger than a slot.
_SACRIFICES = ("flips", "remembered", "record")


class Journal:
    """The journal of one machine in one shared state, open for writing. Raises OSError where it cannot be."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.generation = 0
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _BINARY, FILE_MODE)
        try:
            _preallocate(self._descriptor)
        except OSError:
            os.close(self._descriptor)
            raise

    def load(self) -> Json:
        """Return the newest whole state; empty where none was ever written."""
        self.generation, state = _newest(self._descriptor)
        return state

    def generation_on_disk(self) -> int:
        """Return the generation of the newest slot, without reading the state."""
        return max(_header(self._descriptor, at * SLOT_BYTES)[0] for at in (0, 1))

    def save(self, state: Json) -> None:
        """Write `state` over the older slot."""
        self.generation += 1
        raw = _framed(self.generation, state)
        os.lseek(self._descriptor, (self.generation % 2) * SLOT_BYTES, os.SEEK_SET)
        while raw:
            raw = raw[os.write(self._descriptor, raw) :]
        getattr(os, "fdatasync", os.fsync)(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


def read(path: str) -> Json:
    """Return the newest whole state in the journal at `path`, without a lock; empty where there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _BINARY)
    except FileNotFoundError:
        return {}
    try:
        return _newest(descriptor)[1]
    finally:
        os.close(descriptor)


def _preallocate(descriptor: int) -> None:
    """Make the file as large as it will ever be, with blocks behind it, once."""
    missing = 2 * SLOT_BYTES - os.fstat(descriptor).st_size
    if missing > 0:
        os.lseek(descriptor, 0, os.SEEK_END)
        while missing > 0:
            missing -= os.write(descriptor, bytes(min(missing, SLOT_BYTES)))
        os.fsync(descriptor)


def _framed(generation: int, state: Json) -> bytes:
    body = _body(state)
    return b"%s %020d %08x %08x\n%s" % (_MAGIC, generation, len(body), _check(generation, body), body)


def _check(generation: int, body: bytes) -> int:
    """The CRC covers the generation too: a new header over an old body must not pass."""
    return zlib.crc32(body, zlib.crc32(b"%d" % generation))


def _body(state: Json) -> bytes:
    body = _compact(state)
    for key in _SACRIFICES:
        if len(body) > SLOT_BYTES - _HEADER_BYTES:
            state = {**state, key: None}
            body = _compact(state)
    return body


def _compact(state: Json) -> bytes:
    return json.dumps(state, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def _newest(descriptor: int) -> tuple[int, Json]:
    slots = [_slot(descriptor, at * SLOT_BYTES) for at in (0, 1)]
    return max(slots, key=lambda slot: slot[0])


def _slot(descriptor: int, offset: int) -> tuple[int, Json]:
    """Return a slot's generation and state; (0, {}) for one that is torn or was never written."""
    generation, size, crc = _header(descriptor, offset)
    body = _read_at(descriptor, offset + _HEADER_BYTES, min(size, SLOT_BYTES))
    if not generation or len(body) != size or _check(generation, body) != crc:
        return 0, {}
    try:
        state = json.loads(body)
    except (ValueError, RecursionError):
        return 0, {}
    return (generation, state) if isinstance(state, dict) else (0, {})


def _header(descriptor: int, offset: int) -> tuple[int, int, int]:
    """Return a slot's generation, length and CRC; zeros where it has none."""
    try:
        magic, generation, length, crc = _read_at(descriptor, offset, _HEADER_BYTES).split()
        return (int(generation), int(length, 16), int(crc, 16)) if magic == _MAGIC else (0, 0, 0)
    except ValueError:
        return 0, 0, 0


def _read_at(descriptor: int, offset: int, size: int) -> bytes:
    with open(descriptor, "rb", closefd=False) as file:
        file.seek(offset)
        return file.read(size)
