r"""An SFTP server (version 3) that the host's Windows Python runs: paths, sharing and renaming rules are Windows ones.

Paths as Win32-OpenSSH reads them: `/C:/x`, `C:/x` and `C:\x` are the same, `/` lists the drives, and what is relative
starts in %USERPROFILE%. Packet numbers: draft-ietf-secsh-filexfer-02.
"""
# Each request is one of these calls, and nothing else may happen in it: no pathlib.
# ruff: noqa: PTH102, PTH104, PTH105, PTH106, PTH107, PTH110, PTH112, PTH116, PTH118, PTH208

from __future__ import annotations

import errno
import msvcrt
import os
import stat
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself, and string, are a third of what a transfer would import
    from typing import Any

if sys.platform != "win32":
    raise SystemExit("this program runs on the host")

HOME = os.environ.get("USERPROFILE", "C:\\")
OK, END, NO_FILE, DENIED, FAILURE, UNSUPPORTED = 0, 1, 2, 3, 4, 8
VERSION, STATUS, HANDLE, DATA, NAME, ATTRIBUTES = 2, 101, 102, 103, 104, 105
POSIX_RENAME = b"posix-rename@openssh.com"
BLOCK = 262144
FEW = 100
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Answer = tuple[int, bytes]


class Request:
    """One packet, read field by field."""

    def __init__(self, packet: bytes) -> None:
        self.kind = packet[0]
        self._packet = packet
        self._at = 1

    def u32(self) -> int:
        return int(self._unpack(">I"))

    def u64(self) -> int:
        return int(self._unpack(">Q"))

    def text(self) -> bytes:
        length = self.u32()
        self._at += length
        return self._packet[self._at - length : self._at]

    def path(self) -> str:
        return local(self.text())

    def attributes(self) -> dict[str, Any]:
        flags, found = self.u32(), {}
        if flags & 1:
            found["size"] = self.u64()
        if flags & 2:
            self.u32(), self.u32()
        if flags & 4:
            found["mode"] = self.u32()
        if flags & 8:
            found["times"] = (self.u32(), self.u32())
        return found

    def _unpack(self, form: str) -> int:
        self._at += struct.calcsize(form)
        return struct.unpack_from(form, self._packet, self._at - struct.calcsize(form))[0]


def local(raw: bytes) -> str:
    text = raw.decode("utf-8").replace("\\", "/")
    if text in ("", "."):
        return HOME
    if text == "/":
        return "/"
    if len(text) > 2 and text[0] == "/" and text[2] == ":":
        text = text[1:]
    if len(text) == 2 and text[1] == ":":
        text += "/"
    return os.path.normpath(os.path.join(HOME, text))


def remote(path: str) -> bytes:
    return b"/" if path == "/" else ("/" + path.replace("\\", "/")).encode("utf-8")


def word(text: bytes) -> bytes:
    return struct.pack(">I", len(text)) + text


def described(status: os.stat_result) -> bytes:
    return struct.pack(">IQIII", 0xD, status.st_size, status.st_mode, int(status.st_atime), int(status.st_mtime))


class Server:
    """Answers one client on standard input and output until it goes."""

    def __init__(self) -> None:
        self._handles: dict[bytes, Any] = {}
        self._next = 0
        self._answers = {
            3: self.open,
            4: self.close,
            5: self.read,
            6: self.write,
            7: self.stat,
            8: self.fstat,
            9: self.setstat,
            10: self.fsetstat,
            11: self.opendir,
            12: self.readdir,
            13: self.remove,
            14: self.mkdir,
            15: self.rmdir,
            16: self.realpath,
            17: self.stat,
            18: self.rename,
            200: self.extended,
        }

    def serve(self) -> None:
        while True:
            request = Request(self._take(struct.unpack(">I", self._take(4))[0]))
            if request.kind == 1:
                self._send(VERSION, struct.pack(">I", 3) + word(POSIX_RENAME) + word(b"1"))
                continue
            number = request.u32()
            kind, payload = self._answer(request)
            self._send(kind, struct.pack(">I", number) + payload)

    def _answer(self, request: Request) -> Answer:
        try:
            answer = self._answers.get(request.kind)
            return answer(request) if answer else said(UNSUPPORTED, "Operation unsupported")
        except FileNotFoundError:
            return said(NO_FILE, "No such file or directory")
        except PermissionError:
            return said(DENIED, "Permission denied")
        except KeyError:
            return said(FAILURE, "Invalid handle")
        except OSError:
            return said(FAILURE, "Failure")

    def open(self, request: Request) -> Answer:
        path, asked = request.path(), request.u32()
        flags = {1: os.O_RDONLY, 2: os.O_WRONLY, 3: os.O_RDWR}[asked & 3] | os.O_BINARY | os.O_NOINHERIT
        for bit, flag in ((4, os.O_APPEND), (8, os.O_CREAT), (16, os.O_TRUNC), (32, os.O_EXCL)):
            flags |= flag if asked & bit else 0
        if os.path.isdir(path):
            raise OSError(errno.EISDIR, "a folder")
        return HANDLE, word(self._keep(os.open(path, flags)))

    def close(self, request: Request) -> Answer:
        handle = self._handles.pop(request.text())
        if isinstance(handle, int):
            os.close(handle)
        return done()

    def read(self, request: Request) -> Answer:
        handle, offset, length = self._handles[request.text()], request.u64(), request.u32()
        os.lseek(handle, offset, os.SEEK_SET)
        data = os.read(handle, min(length, BLOCK))
        return (DATA, word(data)) if data else said(END, "End of file")

    def write(self, request: Request) -> Answer:
        handle, offset, data = self._handles[request.text()], request.u64(), request.text()
        os.lseek(handle, offset, os.SEEK_SET)
        while data:
            data = data[os.write(handle, data) :]
        return done()

    def stat(self, request: Request) -> Answer:
        path = request.path()
        if path == "/":
            return ATTRIBUTES, struct.pack(">IQIII", 0xD, 0, stat.S_IFDIR | 0o755, 0, 0)
        return ATTRIBUTES, described(os.stat(path))

    def fstat(self, request: Request) -> Answer:
        return ATTRIBUTES, described(os.fstat(self._handles[request.text()]))

    def setstat(self, request: Request) -> Answer:
        path, wanted = request.path(), request.attributes()
        if "size" in wanted:
            os.truncate(path, wanted["size"])
        if "times" in wanted:
            os.utime(path, wanted["times"])
        return done()

    def fsetstat(self, request: Request) -> Answer:
        handle, wanted = self._handles[request.text()], request.attributes()
        if "size" in wanted:
            os.ftruncate(handle, wanted["size"])
        return done()

    def opendir(self, request: Request) -> Answer:
        path = request.path()
        if path == "/":
            names = [f"{letter}:" for letter in LETTERS if os.path.exists(f"{letter}:\\")]
        else:
            names = [".", "..", *os.listdir(path)]
        return HANDLE, word(self._keep([path, names]))

    def readdir(self, request: Request) -> Answer:
        listing = self._handles[request.text()]
        path, names = listing
        now, listing[1] = names[:FEW], names[FEW:]
        if not now:
            return said(END, "End of file")
        entries = []
        for name in now:
            try:
                status = os.stat(f"{name}\\" if path == "/" else os.path.join(path, name))
            except OSError:
                continue
            long_name = f"{stat.filemode(status.st_mode)} 1 - - {status.st_size} {name}"
            entries.append(word(name.encode()) + word(long_name.encode()) + described(status))
        return NAME, struct.pack(">I", len(entries)) + b"".join(entries)

    def remove(self, request: Request) -> Answer:
        os.remove(request.path())
        return done()

    def mkdir(self, request: Request) -> Answer:
        os.mkdir(request.path())
        return done()

    def rmdir(self, request: Request) -> Answer:
        os.rmdir(request.path())
        return done()

    def realpath(self, request: Request) -> Answer:
        name = word(remote(request.path()))
        return NAME, struct.pack(">I", 1) + name + name + struct.pack(">I", 0)

    def rename(self, request: Request) -> Answer:
        old, new = request.path(), request.path()
        os.rename(old, new)
        return done()

    def extended(self, request: Request) -> Answer:
        if request.text() != POSIX_RENAME:
            return said(UNSUPPORTED, "Operation unsupported")
        old, new = request.path(), request.path()
        os.replace(old, new)
        return done()

    def _keep(self, handle: object) -> bytes:
        self._next += 1
        name = b"%d" % self._next
        self._handles[name] = handle
        return name

    def _take(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            more = os.read(0, min(length - len(data), BLOCK))
            if not more:
                sys.exit(0)
            data += more
        return data

    def _send(self, kind: int, payload: bytes) -> None:
        rest = memoryview(struct.pack(">IB", len(payload) + 1, kind) + payload)
        while rest:
            rest = rest[os.write(1, rest[:32768]) :]


def said(code: int, message: str) -> Answer:
    return STATUS, struct.pack(">I", code) + word(message.encode()) + word(b"")


def done() -> Answer:
    return said(OK, "Success")


def main() -> None:
    msvcrt.setmode(0, os.O_BINARY)
    msvcrt.setmode(1, os.O_BINARY)
    Server().serve()
