"""So much of FUSE, by linux/fuse.h, as hands a folder through: for the first minute each touch of it is late.

Standard library only: it runs in the program of mounts.py.
"""

from __future__ import annotations

import errno
import os
import struct
import time
from pathlib import Path

#: A share that was just mounted keeps each touch waiting, and for how long it does, in s: 23, 54 and 70 were measured.
TOUCH_S, COLD_S = 30.0, 60.0
#: The longest request: buffers are of a page.
MAX_REQUEST = 1 << 16
#: FORGET, INTERRUPT, BATCH_FORGET.
_UNANSWERED = (2, 36, 42)
_INIT_REPLY = struct.pack("<IIIIHHIIHHI28x", 7, 31, 4096, 0, 12, 9, 4096, 1, 1, 0, 0)
#: How often a fault that is over is noticed, in s.
_WAKE_S = 0.1
_DIRECT_IO = 1
#: Where the folder itself is not meant, or what was replaced.
_NOWHERE = Path("/nowhere")
#: What SETATTR is to set: mode, size, times.
_MODE, _SIZE, _TIMES = 1, 8, 0x30
_GETATTR, _OPENDIR = 3, 27
#: LOOKUP, GETATTR, STATFS and OPENDIR of the folder itself.
_TOUCHES = (1, 3, 17, 27)


class SlowShare:
    """A folder that was just mounted.

    A touch is what comes in by the folder's path: a name looked up in it, a listing or the state of it. What follows
    on a file that is open is none.
    """

    def __init__(self, real: str) -> None:
        self._paths = {1: Path(real)}
        self._listings: dict[int, list[str]] = {}
        self._lister = 0
        self._waiting: list[tuple[float, bytes]] = []
        self._cold_until = time.monotonic() + COLD_S
        #: By linux/fuse.h's numbers; what is not here is answered with ENOSYS, and the kernel does without.
        self._deeds = {
            1: self._lookup, 3: self._state, 4: self._change, 9: self._make_folder, 10: _remove, 11: _remove_folder,
            12: self._rename, 14: self._open, 15: _read, 16: _write, 17: _room, 18: self._close, 20: _nothing,
            25: _nothing, 26: lambda *_: _INIT_REPLY, 27: self._open_folder, 28: self._list, 29: self._close,
            30: _nothing, 35: self._create, 45: self._rename_2,
        }  # fmt: skip

    def wait_s(self) -> float:
        """Return how long until there may be something to do."""
        return min([_WAKE_S, *(max(0.0, at - time.monotonic()) for at, _ in self._waiting)])

    def take(self, request: bytes) -> None:
        """Keep a request until it is to be answered."""
        now = time.monotonic()
        code, node, thread = struct.unpack_from("<4xI8xQ8xI", request)
        if code not in _UNANSWERED:
            late = now < self._cold_until and node == 1 and code in _TOUCHES
            late = late and not (code == _GETATTR and thread == self._lister)  # a listing asks for the state, too
            self._lister = thread if code == _OPENDIR else 0 if thread == self._lister else self._lister
            self._waiting.append((now + TOUCH_S if late else now, request))

    def due(self) -> list[bytes]:
        """Carry out what has waited long enough, and return what is to be said to it."""
        now = time.monotonic()
        ready = [request for at, request in self._waiting if at <= now]
        self._waiting = [held for held in self._waiting if held[0] > now]
        return [self._reply(request) for request in ready]

    def _reply(self, request: bytes) -> bytes:
        code, unique, node = struct.unpack_from("<4xIQQ", request)
        try:
            error, said = 0, self._deeds[code](self._paths.get(node, _NOWHERE), request[40:])
        except KeyError:
            error, said = -errno.ENOSYS, b""
        except OSError as problem:
            error, said = -(problem.errno or errno.EIO), b""
        return struct.pack("<IiQ", 16 + len(said), error, unique) + said

    def _entry(self, path: Path) -> bytes:
        found = _attributes(path)
        node = next((node for node, known in self._paths.items() if known == path), len(self._paths) + 1)
        self._paths[node] = path
        return struct.pack("<QQQQII", node, 0, 0, 0, 0, 0) + found

    def _lookup(self, path: Path, body: bytes) -> bytes:
        return self._entry(_below(path, body))

    def _change(self, path: Path, body: bytes) -> bytes:
        """SETATTR: size, mode and times; whose it is stays."""
        valid, size, atime, mtime, atime_ns, mtime_ns, mode = struct.unpack_from("<I12xQ8xQQ8xII4xI", body)
        if valid & _SIZE:
            os.truncate(path, size)
        if valid & _MODE:
            path.chmod(mode & 0o7777)
        if valid & _TIMES:
            os.utime(path, ns=(atime * 10**9 + atime_ns, mtime * 10**9 + mtime_ns))
        return self._state(path, body)

    def _state(self, path: Path, _: bytes) -> bytes:
        return bytes(16) + _attributes(path)

    def _make_folder(self, path: Path, body: bytes) -> bytes:
        _below(path, body[8:]).mkdir(struct.unpack_from("<I", body)[0])
        return self._entry(_below(path, body[8:]))

    def _rename_2(self, path: Path, body: bytes) -> bytes:
        return self._rename(path, body[:8] + body[16:])

    def _rename(self, path: Path, body: bytes) -> bytes:
        old, new = body[8:].split(b"\0")[:2]
        source, target = _below(path, old), _below(self._paths[struct.unpack_from("<Q", body)[0]], new)
        source.replace(target)
        for node, known in list(self._paths.items()):
            if known == target:
                self._paths[node] = _NOWHERE
            elif known.is_relative_to(source):
                self._paths[node] = target / known.relative_to(source)
        return b""

    def _create(self, path: Path, body: bytes) -> bytes:
        flags, mode = struct.unpack_from("<II", body)
        opened = os.open(_below(path, body[16:]), flags | os.O_CREAT | os.O_CLOEXEC, mode)
        return self._entry(_below(path, body[16:])) + struct.pack("<QII", opened, _DIRECT_IO, 0)

    def _open(self, path: Path, body: bytes) -> bytes:
        return struct.pack("<QII", os.open(path, struct.unpack_from("<I", body)[0] | os.O_CLOEXEC), _DIRECT_IO, 0)

    def _open_folder(self, path: Path, _: bytes) -> bytes:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        self._listings[opened] = [".", "..", *(each.name for each in path.iterdir())]
        return struct.pack("<QII", opened, 0, 0)

    def _list(self, _: Path, body: bytes) -> bytes:
        opened, offset, size = struct.unpack_from("<QQI", body)
        said = b""
        for at, name in list(enumerate(self._listings[opened]))[offset:]:
            raw = os.fsencode(name)
            entry = struct.pack("<QQII", 1, at + 1, len(raw), 0) + raw + bytes(-len(raw) % 8)
            if len(said) + len(entry) > size:
                break
            said += entry
        return said

    def _close(self, _: Path, body: bytes) -> bytes:
        opened = struct.unpack_from("<Q", body)[0]
        self._listings.pop(opened, None)
        os.close(opened)
        return b""


def _below(folder: Path, name: bytes) -> Path:
    return folder / os.fsdecode(name.split(b"\0")[0])


def _attributes(path: Path) -> bytes:
    """Return linux/fuse.h's fuse_attr; of a link, those of what it leads to."""
    found = path.stat()
    times = (found.st_atime_ns, found.st_mtime_ns, found.st_ctime_ns)
    seconds, rest = [each // 10**9 for each in times], [each % 10**9 for each in times]
    owner = (found.st_mode, found.st_nlink, found.st_uid, found.st_gid)
    return struct.pack("<QQQ3Q3I7I", found.st_ino, found.st_size, found.st_blocks, *seconds, *rest, *owner, 0, 4096, 0)


def _read(_: Path, body: bytes) -> bytes:
    opened, offset, size = struct.unpack_from("<QQI", body)
    return os.pread(opened, size, offset)


def _write(_: Path, body: bytes) -> bytes:
    opened, offset, size = struct.unpack_from("<QQI", body)
    return struct.pack("<II", os.pwrite(opened, body[40 : 40 + size], offset), 0)


def _room(path: Path, _: bytes) -> bytes:
    found = os.statvfs(path)
    rooms = (found.f_blocks, found.f_bfree, found.f_bavail, found.f_files, found.f_ffree)
    return struct.pack("<5Q3I28x", *rooms, found.f_bsize, found.f_namemax, found.f_frsize)


def _remove(path: Path, body: bytes) -> bytes:
    _below(path, body).unlink()
    return b""


def _remove_folder(path: Path, body: bytes) -> bytes:
    _below(path, body).rmdir()
    return b""


def _nothing(_: Path, __: bytes) -> bytes:
    return b""
