"""What can be seen of a shared folder without a trace: as the agent looks, and as a round trip does where none is.

Imports nothing of ours: its text travels.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from roosync_ops.wire.typed import Any


def share_facts(shared: str) -> dict[str, Any]:
    """Return what this session may do with `shared`; `problem` is what the system said. Nothing is written."""
    heartbeats = os.path.join(shared, "heartbeats")
    target = heartbeats if os.path.isdir(heartbeats) else shared
    facts: dict[str, Any] = {
        "path": shared,
        "exists": os.path.exists(shared),
        "isDirectory": os.path.isdir(shared),
        "heartbeats": target != shared,
        "readable": False,
        "writable": False,
        "readOnly": False,
        "freeBytes": None,
        "hung": False,
        "problem": None,
    }
    try:
        os.listdir(shared)
        facts["readable"] = os.access(shared, os.X_OK)
        facts["writable"] = _may_add_files(target)
        facts["readOnly"] = _is_read_only(target)
    except OSError as error:
        facts["problem"] = f"{shared}: {error.strerror or error}"
    else:
        with suppress(OSError):  # a drive that does not say how large it is
            facts["freeBytes"] = _free(target)
    return facts


def _free(folder: str) -> int:
    if sys.platform != "win32":
        found = os.statvfs(folder)
        return found.f_bavail * found.f_frsize
    import shutil  # noqa: PLC0415 - it loads the programs of every kind of archive

    return shutil.disk_usage(folder).free


def _may_add_files(folder: str) -> bool:
    """Return True if this user may make files in `folder`, without making one: it would be synced as litter."""
    if sys.platform != "win32":
        return os.access(folder, os.W_OK | os.X_OK)
    import _winapi  # noqa: PLC0415 - no such module elsewhere

    # os.access knows nothing of ACLs there. FILE_ADD_FILE is asked for, shared with all; OPEN_EXISTING, and
    # FILE_FLAG_BACKUP_SEMANTICS, without which no folder can be opened.
    try:
        _winapi.CloseHandle(_winapi.CreateFile(folder, 0x0002, 0x0007, 0, 3, 0x0200_0000, 0))
    except OSError:
        return False
    return True


def _is_read_only(shared: str) -> bool:
    if sys.platform != "win32":
        return bool(os.statvfs(shared).f_flag & os.ST_RDONLY)
    import ctypes  # noqa: PLC0415 - as above

    flags = ctypes.c_ulong(0)
    root = os.path.splitdrive(shared)[0] + "\\"
    known = ctypes.WinDLL("kernel32").GetVolumeInformationW(root, None, 0, None, None, ctypes.byref(flags), None, 0)
    return bool(known and flags.value & 0x0008_0000)  # FILE_READ_ONLY_VOLUME
