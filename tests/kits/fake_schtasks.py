"""schtasks as the agent calls it, in memory: its answers are the test's to choose. The engine is in winlab/tasks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

RUNNING, HAS_NOT_RUN, REFUSED, SUCCESS = 267009, 267011, -2147020576, 0


class FakeSchtasks:
    """Answers command lines, and writes down which. `result` is what Last Result says; `refuse` verbs fail."""

    def __init__(self) -> None:
        self.lines: list[list[str]] = []
        self.tasks: dict[str, str] = {}
        self.result = HAS_NOT_RUN
        self.refuse: set[str] = set()
        self.on_run: Callable[[str], None] = lambda _: None

    def __call__(self, line: list[str]) -> tuple[int, bytes, bytes]:
        self.lines.append(line[1:])
        verb, name = line[1], line[3]
        if verb in self.refuse or line[-1] in self.refuse:
            return 1, b"", "ERREUR : accès refusé.\r\n".encode("cp850")
        if verb == "/Create":
            self.tasks[name] = Path(line[line.index("/XML") + 1]).read_bytes().decode("utf-16")
            return 0, b"", b""
        if name not in self.tasks:
            return 1, b"", b"ERREUR\r\n"
        return 0, self._do(verb, name, line), b""

    def verbs(self) -> list[str]:
        return [line[0] if line[0] != "/Change" else line[-1] for line in self.lines]

    def _do(self, verb: str, name: str, line: list[str]) -> bytes:
        if verb == "/Run":
            self.on_run(name)
        elif verb == "/Delete":
            del self.tasks[name]
        elif verb == "/Change":
            self._enable(name, yes=line[-1] == "/ENABLE")
        elif "/XML" in line:
            return self.tasks[name].encode("cp850", "replace")
        elif verb == "/Query":
            columns = [
                "PC",
                name,
                "22/11/2026 22:00:00",
                "En cours",
                "Interactif",
                "22/11/2026",
                str(self.result),
                "N/A",
            ]
            return (",".join(f'"{text}"' for text in columns) + ',"pythonw "x""\r\n').encode("cp850")
        return b""

    def _enable(self, name: str, *, yes: bool) -> None:
        old, new = ("false", "true") if yes else ("true", "false")
        head, settings, rest = self.tasks[name].partition("<Settings>")
        self.tasks[name] = head + settings + rest.replace(f"<Enabled>{old}<", f"<Enabled>{new}<", 1)
