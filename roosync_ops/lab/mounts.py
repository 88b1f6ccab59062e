"""A name space of mounts for one lab machine: what is mounted over its share there is seen there alone.

It runs as a program of its own (see host.py; standard library only), on Linux: `mounts.py SHARE`. It says in
one JSON line whether it has a name space, then obeys one JSON line after the other, `{"cover": KIND}` or
`{"uncover": true}`, with one line of answer each. The machine's processes are started inside with nsenter. The end of
its standard input ends it: with the lab, however the lab ends. What hung then fails, and the mounts go with the last
process in there.
"""

import ctypes
import errno
import json
import os
import select
import shutil
import signal
import stat
import struct
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

_CLONE_NEWNS, _CLONE_NEWUSER = 0x0002_0000, 0x1000_0000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REMOUNT, _MS_BIND, _MS_REC, _MS_PRIVATE = (
    1, 2, 4, 8, 32, 4096, 16384, 1 << 18,
)  # fmt: skip
_MNT_DETACH = 2
_FUSE = "/dev/fuse"
#: A share that was just mounted keeps each touch waiting, and for how long it does, in s: 23, 54 and 70 were measured.
TOUCH_S, COLD_S = 30.0, 60.0
#: The longest request: buffers are of a page.
_MAX_REQUEST = 1 << 16
#: By linux/fuse.h, as all that is said to it here.
_LOOKUP, _GETATTR, _INIT = 1, 3, 26
#: FORGET, INTERRUPT, BATCH_FORGET.
_UNANSWERED = (2, 36, 42)
_INIT_REPLY = struct.pack("<IIIIHHIIHHI28x", 7, 31, 4096, 0, 12, 9, 4096, 1, 1, 0, 0)
#: How often a fault that is over is noticed, in s.
_WAKE_S = 0.1
#: The node of the share, in the folder that is 1.
_SHARE = 2
_PAGE = os.sysconf("SC_PAGE_SIZE")
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, doing: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{doing}: {os.strerror(number)}")


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    words = (os.fsencode(source), os.fsencode(target), os.fsencode(kind))
    _check(_libc.mount(*words, ctypes.c_ulong(flags), os.fsencode(options)), f"mount {kind or target}")


def separate() -> None:
    """Give this process mounts of its own: as root just so, as any other user in a user name space. Raises OSError."""
    if os.geteuid() == 0 and _libc.unshare(_CLONE_NEWNS) == 0:
        _mount("none", "/", "", _MS_REC | _MS_PRIVATE)
        return
    user, group = os.geteuid(), os.getegid()
    _check(_libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS), "unshare")
    # Every user stays the same: the machine's processes are not to think that they are root.
    for name, value in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        Path(f"/proc/self/{name}").write_text(value, encoding="ascii")
    _mount("none", "/", "", _MS_REC | _MS_PRIVATE)


class SlowShare:
    """The folder around a share, in which nothing but its `name` is found; the share itself is mounted there.

    A touch is what comes in by the share's path, which takes a look-up of its name. What follows on a file that is open
    takes none. Touches are late from `turn_cold` on.
    """

    def __init__(self, name: str) -> None:
        self._name = os.fsencode(name)
        self._waiting: list[tuple[float, bytes]] = []
        self._cold_until = 0.0

    def turn_cold(self) -> None:
        self._cold_until = time.monotonic() + COLD_S

    def wait_s(self) -> float:
        """Return how long until there may be something to do."""
        return min([_WAKE_S, *(max(0.0, at - time.monotonic()) for at, _ in self._waiting)])

    def take(self, request: bytes) -> None:
        """Keep a request until it is to be answered."""
        now = time.monotonic()
        (code,) = struct.unpack_from("<4xI", request)
        if code not in _UNANSWERED:
            self._waiting.append((now + TOUCH_S if code == _LOOKUP and now < self._cold_until else now, request))

    def due(self) -> list[bytes]:
        """Return what is to be said to each request that has waited long enough."""
        now = time.monotonic()
        ready = [request for at, request in self._waiting if at <= now]
        self._waiting = [held for held in self._waiting if held[0] > now]
        return [self._reply(request) for request in ready]

    def _reply(self, request: bytes) -> bytes:
        code, unique, node = struct.unpack_from("<4xIQQ", request)
        error, said = 0, b""
        if code == _INIT:
            said = _INIT_REPLY
        elif code == _GETATTR:
            said = bytes(16) + _attributes(node)
        elif code != _LOOKUP:
            error = -errno.ENOSYS  # the kernel does without
        elif request[40:].rstrip(b"\0") == self._name:
            said = struct.pack("<Q32x", _SHARE) + _attributes(_SHARE)  # not to be remembered: each touch looks it up
        else:
            error = -errno.ENOENT
        return struct.pack("<IiQ", 16 + len(said), error, unique) + said


def _attributes(node: int) -> bytes:
    """Return linux/fuse.h's fuse_attr of a folder."""
    return struct.pack("<Q52x4I12x", node, stat.S_IFDIR | 0o755, 2, os.geteuid(), os.getegid())


class CoveredShare:
    """The share in this name space, and what covers it."""

    def __init__(self, path: str) -> None:
        self._path = path
        #: Where something is mounted: on the share, or on the folder around it.
        self._covered: str | None = None
        self._fuse: int | None = None
        self._server: threading.Thread | None = None

    def cover(self, kind: str) -> None:
        """Cover the share with one of `hang`, `cold`, `full`, `read-only`. Raises OSError, ValueError."""
        if self._covered:
            raise ValueError("the share is covered already")
        covers = {"hang": self._hang, "cold": self._cold, "full": self._full, "read-only": self._read_only}
        self._covered = str(Path(self._path).parent) if kind == "cold" else self._path
        try:
            covers[kind]()
        except OSError:
            with suppress(OSError):  # of what was mounted nothing stays
                self.uncover()
            self._covered = None
            raise

    def uncover(self) -> None:
        """Show the share as it is again; calls that hung fail. Raises OSError."""
        if self._fuse is not None:
            os.close(self._fuse)
            self._fuse = None
        if self._server is not None:  # the next descriptor may have the same number
            self._server.join()
            self._server = None
        if self._covered:
            _check(_libc.umount2(os.fsencode(self._covered), _MNT_DETACH), "umount")
            self._covered = None

    def _hang(self) -> None:
        """A FUSE file system without a server: every call blocks in the kernel until the descriptor is closed."""
        self._mount_fuse(self._path)

    def _mount_fuse(self, path: str) -> int:
        self._fuse = os.open(_FUSE, os.O_RDWR | os.O_CLOEXEC)
        who = f"rootmode=40000,user_id={os.geteuid()},group_id={os.getegid()}"
        _mount("roosync-lab", path, "fuse", _MS_NOSUID | _MS_NODEV, f"fd={self._fuse},{who}")
        return self._fuse

    def _cold(self) -> None:
        """A folder around the share in which it is found late at first, then at once, until the fault ends."""
        path = Path(self._path)
        real = os.open(path, os.O_PATH | os.O_CLOEXEC)  # what the mount is about to hide
        try:
            slow, fuse = SlowShare(path.name), self._mount_fuse(str(path.parent))
            self._server = threading.Thread(target=self._serve, args=(slow, fuse), daemon=True)
            self._server.start()
            _mount(f"/proc/self/fd/{real}", self._path, "", _MS_BIND)
            slow.turn_cold()
        finally:
            os.close(real)

    @staticmethod
    def _serve(slow: SlowShare, fuse: int) -> None:
        with suppress(OSError, ValueError):  # the descriptor is closed: the fault is over
            while True:
                if select.select([fuse], [], [], slow.wait_s())[0]:
                    slow.take(os.read(fuse, _MAX_REQUEST))
                for reply in slow.due():
                    with suppress(FileNotFoundError):  # the process that asked was killed meanwhile
                        os.write(fuse, reply)

    def _read_only(self) -> None:
        _mount(self._path, self._path, "", _MS_BIND)
        # A user name space may not take these away, and a remount without them would.
        kept = os.statvfs(self._path).f_flag & (_MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
        _mount("none", self._path, "", _MS_REMOUNT | _MS_BIND | _MS_RDONLY | kept)

    def _full(self) -> None:
        """A file system just as large as a copy of what is there; news does not arrive on a full disk either."""
        there = os.open(self._path, os.O_PATH | os.O_CLOEXEC)  # what the mount is about to hide
        try:
            _mount("tmpfs", self._path, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0700")
            with suppress(shutil.Error):  # a file may be gone by now
                shutil.copytree(f"/proc/self/fd/{there}", self._path, symlinks=True, dirs_exist_ok=True)
        finally:
            os.close(there)
        used = os.statvfs(self._path)
        full = (used.f_blocks - used.f_bfree) * used.f_frsize, used.f_files - used.f_ffree
        _mount("tmpfs", self._path, "tmpfs", _MS_REMOUNT, f"size={max(full[0], _PAGE)},nr_inodes={full[1]}")


def _answer(document: dict[str, Any]) -> None:
    with suppress(BrokenPipeError):
        os.write(1, json.dumps(document).encode("ascii") + b"\n")


def _obey(share: CoveredShare, line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
        if "cover" in request:
            share.cover(request["cover"])
        else:
            share.uncover()
    except (OSError, ValueError, KeyError) as error:
        return {"error": str(error)}
    return {"ok": True}


def main() -> int:
    """Separate, say so, obey until the end of standard input."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        separate()
    except OSError as error:
        _answer({"error": str(error)})
        return 1
    _answer({"ok": True})
    share = CoveredShare(sys.argv[1])
    for line in sys.stdin.buffer:
        _answer(_obey(share, line))
    with suppress(OSError):
        share.uncover()
    return 0


if __name__ == "__main__":
    sys.exit(main())
