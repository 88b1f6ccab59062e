"""schtasks.exe, asked in the few lines that we use. Of its words, which are in the user's language, none is read."""

from __future__ import annotations

import os
import subprocess

from roosync_ops.agent.errors import LocalError
from roosync_ops.agent.windows_user import user_sid
from roosync_ops.wire import local
from roosync_ops.wire.child import run
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
            self._do("/Create", "/TN", name, "/XML", path, "/F")
        except OSError as error:
            raise LocalError(f"{path}: {error.strerror or error}", "vérifier les droits de ce dossier") from None
        finally:
            if os.path.exists(path):
                os.unlink(path)

    def run(self, name: str) -> None:
        self._do("/Run", "/TN", name)

    def enable(self, name: str) -> None:
        self._do("/Change", "/TN", name, "/ENABLE")

    def disable(self, name: str) -> None:
        self._do("/Change", "/TN", name, "/DISABLE")

    def delete(self, name: str) -> None:
        self._do("/Delete", "/TN", name, "/F")

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

    def _do(self, *words: str) -> None:
        code, output, error = self._run([program(), *words])
        if code != 0:
            said = " ".join(_text(error or output).split())[:300]
            reason = f"schtasks {' '.join(words[:3])}: {said or f'code {code}'}"
            raise LocalError(reason, f'schtasks /Query /TN "{words[2]}" /V /FO LIST')


def program() -> str:
    """Return the path of Windows' own schtasks.exe: not the first of that name on PATH."""
    return os.path.join(os.environ.get("SystemRoot", "C:\\Windows"), "System32", "schtasks.exe")  # noqa: SIM112 - Windows spells it so


def run_quietly(line: list[str]) -> tuple[int, bytes, bytes]:
    """Run `line` without a window. Raises LocalError where it cannot be run or does not end."""
    try:
        done = run(line, _CALL_S, creationflags=_NO_WINDOW)
    except (OSError, subprocess.SubprocessError) as error:
        raise LocalError(f"schtasks: {error}", "sc query Schedule (le service Planificateur de tâches)") from None
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
        columns = line.strip().strip('"').split('","')
        if len(columns) > _LAST_RESULT:
            try:
                return int(columns[_LAST_RESULT]) & 0xFFFF_FFFF
            except ValueError:
                continue
    return None
