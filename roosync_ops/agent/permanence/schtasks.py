"""What is asked of Windows' Task Scheduler, and for whom.

Of the words of schtasks.exe, which are in the user's language, none is read. A name is no way to call a user to the
system: AzureAD and Microsoft accounts have names it does not resolve.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from ctypes import wintypes

from roosync_ops.agent.errors import LocalError
from roosync_ops.wire import local
from roosync_ops.wire.child import run
from roosync_ops.wire.small import suppress
from roosync_ops.wire.typed import Callable

from . import task_xml

#: Task Scheduler's own results, as `Last Result` shows them. Source: "Task Scheduler Error and Success Constants".
RUNNING = 0x41301
HAS_NOT_RUN = 0x41303
QUEUED = 0x41325
#: ERROR_REQUEST_REFUSED and SCHED_E_USER_NOT_LOGGED_ON: an interactive task without its user's session.
NO_SESSION = (0x800710E0, 0x80041320)
#: The column of `Last Result` in the verbose CSV; column titles are in the user's language, their order is not.
_LAST_RESULT = 6
#: How long one call may take, in s.
_CALL_S = 60.0
_NO_WINDOW = 0x0800_0000
#: TOKEN_QUERY and TokenUser. Source: winnt.h.
_QUERY, _TOKEN_USER = 0x0008, 1
_NAME_SAM_COMPATIBLE = 2
#: Interfaces and their methods' places, from taskschd.h.
_SCHEDULER = "{0F87369F-A4E5-4CFC-BD3E-73E6154572DD}"
_SERVICE = "{2FABA4C7-4DA9-4013-9697-20CC3FD40F85}"
_RELEASE, _GET_FOLDER, _CONNECT, _DELETE_FOLDER = 2, 7, 10, 12


class Scheduler:
    """The task scheduler; all but the questions raise LocalError. `user` is the SID its tasks are registered for."""

    def __init__(
        self, run: Callable[[list[str]], tuple[int, bytes, bytes]] | None = None, user: str | None = None
    ) -> None:
        self._run = run or run_quietly
        self._user = user

    @property
    def user(self) -> str:
        if self._user is None:
            try:
                self._user = user_sid()
            except OSError as error:
                raise LocalError(f"utilisateur inconnu: {error}", "whoami /user") from None
        return self._user

    def create(self, name: str, document: str, folder: str) -> None:
        """Register `document` under `name`, in the place of what has that name. The document's file is in `folder`."""
        path = os.path.join(folder, f".task-{os.getpid()}.xml")
        try:
            local.write(path, task_xml.encoded(document))
            self.do("/Create", name, "/XML", path, "/F")
        except OSError as error:
            raise LocalError(f"{path}: {error.strerror or error}", f'icacls "{folder}"') from None
        finally:
            local.remove(path)

    def document(self, name: str) -> str | None:
        """Return the XML of the task, None where there is none of that name."""
        code, output, _ = self._run([program(), "/Query", "/TN", name, "/XML", "ONE"])
        return _text(output) if code == 0 and output.strip() else None

    def last_result(self, name: str) -> int | None:
        """Return the task's last result as an unsigned number, None where there is no such task or no number."""
        code, output, _ = self._run([program(), "/Query", "/TN", name, "/V", "/FO", "CSV", "/NH"])
        if code != 0:
            return None
        return _last_result(_text(output))

    def do(self, verb: str, name: str, *words: str) -> None:
        """Run, delete or change the task of that name."""
        code, output, error = self._run([program(), verb, "/TN", name, *words])
        if code != 0:
            said = " ".join(_text(error or output).split())[:300]
            reason = f"schtasks {verb} /TN {name}: {said or f'code {code}'}"
            raise LocalError(reason, f'schtasks /Query /TN "{name}" /V /FO LIST')


def program() -> str:
    """Return the path of Windows' own schtasks.exe: not the first of that name on PATH."""
    return os.path.join(os.environ.get("SystemRoot", "C:\\Windows"), "System32", "schtasks.exe")  # noqa: SIM112 - Windows spells it so


def run_quietly(line: list[str]) -> tuple[int, bytes, bytes]:
    """Run `line` without a window. Raises LocalError where it cannot be run or does not end."""
    try:
        done = run(line, _CALL_S, creationflags=_NO_WINDOW)
    except (OSError, subprocess.SubprocessError) as error:
        raise LocalError(f"schtasks (service Planificateur de tâches): {error}", "sc query Schedule") from None
    return done.returncode, done.stdout, done.stderr


def _text(raw: bytes) -> str:
    """Decode what schtasks wrote: UTF-16 or the OEM code page, whatever its XML declares."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace")
    if b"\0" in raw[:4]:
        return raw.decode("utf-16-le", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("oem" if os.name == "nt" else "cp850", "replace")


def _last_result(text: str) -> int | None:
    """Read the column; the ones before it hold no quotes, so none is escaped."""
    for line in text.splitlines():
        with suppress(IndexError, ValueError):
            return int(line.strip().strip('"').split('","')[_LAST_RESULT]) & 0xFFFF_FFFF
    return None


def user_name() -> str:
    r"""Return `DOMAIN\name` of this process's user, for people to read."""
    if sys.platform == "win32":
        name, size = ctypes.create_unicode_buffer(512), ctypes.c_ulong(512)
        ask = ctypes.WinDLL("secur32").GetUserNameExW
        ask.restype = ctypes.c_ubyte  # a BOOLEAN, whose upper bits say nothing
        if ask(_NAME_SAM_COMPATIBLE, name, ctypes.byref(size)):
            return name.value
    return f"{os.environ.get('USERDOMAIN', '.')}\\{os.environ.get('USERNAME', '')}"


def user_sid() -> str:
    """Return the SID of this process's user, the same whether it is elevated or not. Raises OSError."""
    if sys.platform != "win32":
        raise OSError("Windows alone has SIDs")
    kernel, security = (ctypes.WinDLL(name, use_last_error=True) for name in ("kernel32", "advapi32"))
    kernel.GetCurrentProcess.restype = wintypes.HANDLE
    security.OpenProcessToken.argtypes = [wintypes.HANDLE, wintypes.DWORD, ctypes.POINTER(wintypes.HANDLE)]
    security.GetTokenInformation.argtypes = [
        *(wintypes.HANDLE, ctypes.c_int, ctypes.c_void_p, wintypes.DWORD, ctypes.POINTER(wintypes.DWORD)),
    ]
    security.ConvertSidToStringSidW.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_wchar_p)]
    kernel.LocalFree.argtypes = kernel.CloseHandle.argtypes = [ctypes.c_void_p]
    token, size, text = wintypes.HANDLE(), wintypes.DWORD(), ctypes.c_wchar_p()
    user = (ctypes.c_void_p * 64)()  # a TOKEN_USER begins with a pointer to the SID that follows it
    if not security.OpenProcessToken(kernel.GetCurrentProcess(), _QUERY, ctypes.byref(token)):
        raise ctypes.WinError(ctypes.get_last_error())
    try:
        known = security.GetTokenInformation(token, _TOKEN_USER, user, ctypes.sizeof(user), ctypes.byref(size))
        if not known or not security.ConvertSidToStringSidW(user[0], ctypes.byref(text)):
            raise ctypes.WinError(ctypes.get_last_error())
        found = str(text.value)
        kernel.LocalFree(text)
        return found
    finally:
        kernel.CloseHandle(token)


def remove_if_empty(name: str) -> bool:
    r"""Remove the folder of tasks `\name`; False where it holds tasks, is not there, or no scheduler answers.

    schtasks cannot; COM can: ITaskFolder::DeleteFolder.

    The scheduler refuses to remove a folder that holds anything, so no other program's tasks can be lost.
    """
    if sys.platform != "win32":
        return False

    class Variant(ctypes.Structure):
        """An empty VARIANT: this computer, this user."""

        _fields_ = (("kind", ctypes.c_ushort), ("rest", ctypes.c_ushort * 3), ("value", ctypes.c_void_p * 2))

    def call(this: ctypes.c_void_p, place: int, *arguments: object) -> None:
        table = ctypes.cast(this, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p)))[0]
        kinds = [type(each) if isinstance(each, (Variant, ctypes.c_long)) else ctypes.c_void_p for each in arguments]
        ctypes.WINFUNCTYPE(ctypes.HRESULT, ctypes.c_void_p, *kinds)(table[place])(this, *arguments)

    ole, strings = ctypes.OleDLL("ole32"), ctypes.WinDLL("oleaut32")
    strings.SysAllocString.restype, strings.SysAllocString.argtypes = ctypes.c_void_p, [ctypes.c_wchar_p]
    strings.SysFreeString.argtypes = [ctypes.c_void_p]
    texts = [strings.SysAllocString(text) for text in ("\\", name)]
    class_id, interface_id = (ctypes.create_string_buffer(16) for _ in range(2))
    service, root = ctypes.c_void_p(), ctypes.c_void_p()
    try:
        ole.CoInitializeEx(None, 0)
        ole.CLSIDFromString(_SCHEDULER, class_id)
        ole.IIDFromString(_SERVICE, interface_id)
        ole.CoCreateInstance(class_id, None, 1, interface_id, ctypes.byref(service))
        call(service, _CONNECT, *[Variant() for _ in range(4)])
        call(service, _GET_FOLDER, texts[0], ctypes.byref(root))
        call(root, _DELETE_FOLDER, texts[1], ctypes.c_long(0))
    except OSError:
        return False
    finally:
        for each in (root, service):
            if each:
                call(each, _RELEASE)
        for text in texts:
            strings.SysFreeString(text)
    return True
