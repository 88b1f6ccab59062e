"""The service's end of the named pipe that schtasks.exe calls: one message in, one out."""

import ctypes
import struct
import sys
from collections.abc import Callable
from ctypes import wintypes

from .schtasks import Answer

assert sys.platform == "win32"

NAME = r"\\.\pipe\winlab-schtasks"
_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel.CreateNamedPipeW.restype = wintypes.HANDLE
_DUPLEX, _MESSAGES, _UNLIMITED, _CONNECTED = 3, 4 | 2, 255, 535
_REQUEST, _REPLY = 1 << 17, 4 << 20


def serve(obey: Callable[[str, list[str], bool], Answer]) -> None:
    """Answer callers one after another, for ever; `obey` gets folder, words of the line, and whether it is elevated."""
    pipe = wintypes.HANDLE(_kernel.CreateNamedPipeW(NAME, _DUPLEX, _MESSAGES, _UNLIMITED, _REPLY, _REQUEST, 0, None))
    buffer, got = ctypes.create_string_buffer(_REQUEST), wintypes.DWORD()
    while True:
        if not _kernel.ConnectNamedPipe(pipe, None) and ctypes.get_last_error() != _CONNECTED:
            continue
        if _kernel.ReadFile(pipe, buffer, _REQUEST, ctypes.byref(got), None):
            folder, level, *words = buffer.raw[: got.value].decode("utf-16-le", "surrogatepass").split("\0")
            reply = packed(obey(folder, words[:-1], level == "elevated"))
            _kernel.WriteFile(pipe, reply, len(reply), ctypes.byref(got), None)
            _kernel.FlushFileBuffers(pipe)
        _kernel.DisconnectNamedPipe(pipe)


def packed(answer: Answer) -> bytes:
    """The answer as schtasks.c reads it."""
    out, err = (text.encode("utf-16-le", "surrogatepass") for text in (answer.out, answer.err))
    return struct.pack("<II", answer.code, len(out) // 2) + out + err
