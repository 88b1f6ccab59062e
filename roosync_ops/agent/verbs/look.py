"""`look`: whether the share can be used, and from which session it is seen. Nothing is written anywhere."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys

from roosync_ops.agent.answer import lines
from roosync_ops.agent.context import config_of
from roosync_ops.agent.errors import drive_not_mounted
from roosync_ops.agent.logon import ask, sees_share
from roosync_ops.wire.deadline import FIRST_READING_S, BoundedShare, ShareHungError
from roosync_ops.wire.names import HEARTBEATS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from roosync_ops.agent.config import Config
    from roosync_ops.agent.flags import Flags

HERE = "here"
#: On Windows a share that this session has not got may be in the user's logon session, where the agent runs.
LOGON = "logon"


def answer(flags: Flags) -> tuple[dict[str, Any], list[str]]:
    """Look here, else in the logon session. Raises CodedError where there is none, or where it has no such folder."""
    config = config_of(flags)
    if flags.answer is not None or sees_share(config):
        return _answer(config, look(config), HERE)
    value, _ = ask(flags, config, "look")
    share = value["share"]
    if not share.get("isDirectory") and not share.get("hung"):
        raise drive_not_mounted(share.get("problem") or config.shared)
    return _answer(config, share, LOGON)


def look(config: Config) -> dict[str, Any]:
    """Return what can be seen of the share within its deadline, a minute on Windows; `hung` where it gave no answer."""
    deadline_s = max(config.share_deadline_s, FIRST_READING_S if sys.platform == "win32" else 0)
    try:
        return BoundedShare(deadline_s).call(lambda: _facts(config.shared), "looking at the share")
    except ShareHungError as error:
        return {**_nothing(config.shared), "hung": True, "problem": f"aucune réponse en {error.deadline_s:g} s"}


def _answer(config: Config, share: dict[str, Any], session: str) -> tuple[dict[str, Any], list[str]]:
    value = {"success": True, "machineId": config.machine_id, "share": share, "session": session}
    return value, lines({key: item for key, item in value.items() if key != "success"})


def _nothing(shared: str) -> dict[str, Any]:
    return {
        "path": shared,
        "exists": False,
        "isDirectory": False,
        "readable": False,
        "writable": False,
        "readOnly": False,
        "freeBytes": None,
        "hung": False,
        "problem": None,
    }


def _facts(shared: str) -> dict[str, Any]:
    facts = _nothing(shared)
    facts["exists"] = os.path.exists(shared)
    facts["isDirectory"] = os.path.isdir(shared)
    try:
        os.listdir(shared)
        facts["readable"] = True
    except OSError as error:
        facts["problem"] = f"{shared}: {error.strerror or error}"
        return facts
    heartbeats = os.path.join(shared, HEARTBEATS)
    facts["writable"] = _may_add_files(heartbeats if os.path.isdir(heartbeats) else shared)
    facts["readOnly"] = _is_read_only(shared)
    with contextlib.suppress(OSError):  # a drive that does not say how large it is
        facts["freeBytes"] = shutil.disk_usage(shared).free
    return facts


def _may_add_files(folder: str) -> bool:
    """Return True if this user may make files in `folder`, without making one: it would be synced as litter."""
    if sys.platform != "win32":
        return os.access(folder, os.W_OK | os.X_OK)
    import _winapi  # noqa: PLC0415 - no such module elsewhere

    # os.access knows nothing of ACLs there. FILE_ADD_FILE is asked for, shared with everybody; OPEN_EXISTING, and
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
