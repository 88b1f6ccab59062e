"""Where Windows keeps tasks: documents in System32\\Tasks, and a key for each task and folder under TaskCache\\Tree."""

import json
import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .engine import NEVER_RUN, Registered
from .schema import SchemaError, validate
from .schtasks import definition

assert sys.platform == "win32"
import winreg  # noqa: E402 - only there

TREE = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tree"


class Store:
    """The tasks on this machine's disk and in its registry, and what the service remembers of them beside."""

    def __init__(self, documents: Path, memory: Path) -> None:
        self.documents, self.memory = documents, memory
        self._written = ""

    def save(self, record: Registered) -> None:
        """Write the document and the keys of the task and of its folders."""
        file = self._file(record.path)
        file.parent.mkdir(parents=True, exist_ok=True)
        # newline: Windows' own files have CRLF
        file.write_text(definition(record).replace("\n", "\r\n"), encoding="utf-16", newline="")
        with winreg.CreateKey(winreg.HKEY_LOCAL_MACHINE, TREE + record.path) as key:
            winreg.SetValueEx(key, "Id", 0, winreg.REG_SZ, f"{{{uuid.uuid5(uuid.NAMESPACE_URL, record.path)}}}".upper())
            winreg.SetValueEx(key, "Index", 0, winreg.REG_DWORD, 3)

    def erase(self, path: str) -> None:
        """Take a task away; its folder stays."""
        self._file(path).unlink(missing_ok=True)
        if self.has_key(path):
            winreg.DeleteKey(winreg.HKEY_LOCAL_MACHINE, TREE + path)

    def has_key(self, path: str) -> bool:
        """Whether a task or folder is in the registry."""
        try:
            winreg.CloseKey(winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, TREE + path))
        except OSError:
            return False
        return True

    def has_folder(self, path: str) -> bool:
        """Whether a task folder is there; Wine's ITaskFolder::DeleteFolder takes its directory and leaves its key."""
        return (self.documents / path[1:]).is_dir()

    def tidy(self) -> None:
        """A folder whose directory was taken (Wine's DeleteFolder does that) loses its key too."""
        for path in self._folders(""):
            if not self.has_folder(path):
                winreg.DeleteKey(winreg.HKEY_LOCAL_MACHINE, TREE + path)

    def _folders(self, path: str) -> Iterator[str]:
        """Registered folders without anything in them, below a path."""
        try:
            with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, TREE + path) as key:
                children, values, _ = winreg.QueryInfoKey(key)
                names = [winreg.EnumKey(key, i) for i in range(children)]
        except OSError:
            return
        if path and not names and not values:
            yield path
        for name in names:
            yield from self._folders(f"{path}\\{name}")

    def load(self, now: float) -> Iterator[Registered]:
        """Every task on disk, as it was when the machine last ran."""
        try:
            remembered = json.loads(self.memory.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            remembered = {}
        for directory, _, files in os.walk(self.documents):
            for name in files:
                path = f"{directory[len(str(self.documents)) :]}\\{name}"
                yield from self._task(path, remembered.get(path.lower(), {}), now)

    def _task(self, path: str, memory: dict[str, Any], now: float) -> Iterator[Registered]:
        try:
            task = validate(self._file(path).read_bytes())
        except (OSError, SchemaError):
            return
        record = Registered(path, task, task.settings.enabled, checked=memory.get("checked", now), registered=now)
        record.last_result, record.last_run = int(memory.get("result", NEVER_RUN)), memory.get("run")
        record.descriptor = memory.get("descriptor", "")
        yield record

    def remember(self, records: dict[str, Registered]) -> None:
        """Write down what a restart of the machine must not lose, if it changed."""
        text = json.dumps(
            {
                k: {
                    "result": r.last_result,
                    "run": r.last_run,
                    "checked": round(r.checked, -1),
                    "descriptor": r.descriptor,
                }
                for k, r in records.items()
            }
        )
        if text != self._written:
            draft = self.memory.with_suffix(".new")
            draft.write_text(text, encoding="utf-8")
            draft.replace(self.memory)
            self._written = text

    def _file(self, path: str) -> Path:
        return self.documents / path[1:]
