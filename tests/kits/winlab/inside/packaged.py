"""Runs a Python program as a packaged (MSIX) application's child: with a package's identity and its view of AppData.

packaged.py PROGRAM ARGUMENT...

What Windows does below the file system is done here to Python's own calls, so only a program in Python is fooled, and
of the programs it starts only their arguments. Source: Microsoft's "Understanding how packaged desktop apps run": new
files and folders under AppData go to the package's own folder and are seen there by the package alone, merged with the
real ones; what is there already is opened where it is.
"""

import builtins
import ctypes
import io
import ntpath
import os
import runpy
import subprocess
import sys
from typing import Any

if sys.platform != "win32":
    raise SystemExit("this program runs on the host")

LOCAL = os.environ["LOCALAPPDATA"]
PACKAGES = LOCAL + "\\Packages"
PRIVATE = PACKAGES + "\\Kit.Parent_1abcdefghjkmn\\LocalCache\\Local"
_INSUFFICIENT_BUFFER, _READ_WRITE_EXECUTE = 122, 0x40
_real = {name: getattr(os, name) for name in ("stat", "listdir", "mkdir", "replace", "unlink", "open")}
_real_open, _real_path, _real_run = io.open, ntpath.realpath, subprocess.Popen.__init__


def has_identity() -> None:
    """From now on GetCurrentPackageFullName answers that there is a name, for which no room was given."""
    kernel = ctypes.WinDLL("kernel32")
    at = ctypes.cast(kernel.GetCurrentPackageFullName, ctypes.c_void_p)
    code = b"\xb8" + _INSUFFICIENT_BUFFER.to_bytes(4, "little") + b"\xc3"  # mov eax, 122; ret
    assert kernel.VirtualProtect(at, ctypes.c_size_t(len(code)), _READ_WRITE_EXECUTE, ctypes.byref(ctypes.c_uint32()))
    ctypes.memmove(at, code, len(code))


def own(path: object) -> str | None:
    """Where the package keeps its own of this; None for what is not redirected."""
    text = ntpath.normpath(path) if isinstance(path, str) else ""
    inside = text.lower().startswith(LOCAL.lower() + "\\") and not text.lower().startswith(PACKAGES.lower())
    return PRIVATE + text[len(LOCAL) :] if inside else None


def there(path: str) -> bool:
    try:
        _real["stat"](path)
    except OSError:
        return False
    return True


def seen(path: str, *, new: bool = False) -> str:
    """The file that the package sees under this name, or, for a new one, makes."""
    private = own(path)
    if private is None or (there(path) and not there(private)):
        return path
    if new:
        os.makedirs(ntpath.dirname(private), exist_ok=True)  # noqa: PTH103 - the calls themselves are what is changed
    return private if new or there(private) else path


def _listdir(path: str = ".") -> list[str]:
    private = own(path)
    names = set(_real["listdir"](path)) if there(path) or private is None else set()
    return sorted(names | set(_real["listdir"](private)) if private and there(private) else names)


def _replace(source: str, target: str) -> None:
    source = seen(source)
    _real["replace"](source, seen(target, new=True) if own(target) and own(source) is None else target)


def _opened(path: Any, mode: str = "r", *more: Any, **options: Any) -> Any:
    return _real_open(seen(path, new=bool(set(mode) & set("wxa"))), mode, *more, **options)


def _run(self: Any, args: Any, *more: Any, **options: Any) -> None:
    args = [seen(word) for word in args] if isinstance(args, list) else args
    _real_run(self, args, *more, **options)


def sees_its_own() -> None:
    """From now on Python's calls go where the package's go."""
    os.stat = lambda path, **more: _real["stat"](seen(path), **more)
    os.mkdir = lambda path, *more, **options: _real["mkdir"](seen(path, new=own(path) is not None), *more, **options)
    os.unlink = lambda path, **more: _real["unlink"](seen(path), **more)
    os.open = lambda path, flags, *more, **options: _real["open"](
        seen(path, new=bool(flags & os.O_CREAT)), flags, *more, **options
    )
    os.listdir, os.replace, builtins.open, io.open = _listdir, _replace, _opened, _opened
    ntpath.isdir = os.path.isdir = lambda path: there(seen(path)) and bool(_real["stat"](seen(path)).st_mode & 0o040000)
    ntpath.realpath = lambda path, **more: _real_path(seen(path), **more)
    subprocess.Popen.__init__ = _run


has_identity()
sees_its_own()
sys.argv = [seen(sys.argv[1]), *sys.argv[2:]]
runpy.run_path(sys.argv[0], run_name="__main__")
