"""The lab's commands: what a person types at its prompt, and what `--do` runs."""

import contextlib
import shlex
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from roosync_ops.state import StateUnavailableError

from .faults import LabError, fault_list, fault_said, faults_text
from .fleet import ADMIN, LabFleet
from .play import Board, LabScreen, paste_lines, run
from .scenario import OFFLINE_TIMEOUT_MS

HELP = Path(__file__).with_name("help.txt").read_text("utf-8").rstrip()

_OFFLINE_S = OFFLINE_TIMEOUT_MS // 1000
_SILENCE = f"warning after {_OFFLINE_S * 3 // 4} s of silence, offline after {_OFFLINE_S} s."
#: By command: what LabFleet does to a machine, and what is said then; `done` is what it returned.
_ACTS = {
    "kill": (("kill_agent",), "its agent, process {done}, is killed. Its supervisor brings it back in a second."),
    "crash": (("crash_agent",), "agent and supervisor are killed, and stay so: {silence}"),
    "stop": (("agent", "stop"), "its agent is stopped on purpose: the table says left, not offline."),
    "start": (("agent", "start"), "its agent is started."),
    "off": (("power_off",), "power cut: {silence}"),
}
#: Commands that take nothing.
_ALONE = ("table", "commands", "help", "quit")


class Console:
    """Runs commands on a lab. `run` raises LabError for one that makes no sense or cannot be done."""

    def __init__(
        self, lab: LabFleet, board: Board, screen: LabScreen, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._lab = lab
        self._screen = screen
        self.ended = False
        self._commands: dict[str, Callable[[list[str]], None]] = {
            **{verb: partial(self._act, verb) for verb in _ACTS},
            "on": self._on,
            "fault": self._fault,
            "wait": lambda words: sleep(_seconds(words)),
            "roosync-ops": self._tool,
            "table": lambda _: screen.show(board.check()),
            "commands": lambda _: screen.say(paste_lines(lab)),
            "help": lambda _: screen.say(HELP),
            "quit": self._quit,
        }

    def run(self, line: str) -> None:
        """Run one line: commands separated by `;`."""
        for words in split(line):
            if self.ended:
                return
            if words[0] not in self._commands:
                raise LabError(f"{words[0]!r} is no command of the lab; help lists them")
            if words[0] in _ALONE and words[1:]:
                raise LabError(f"{' '.join(words[1:])!r} is too much: this command takes nothing")
            try:
                self._commands[words[0]](words[1:])
            except StateUnavailableError as error:
                # The admin's own share may be the one that is gone.
                raise LabError(f"the shared state cannot be read: {error.reason}") from None

    def _act(self, verb: str, words: list[str]) -> None:
        name = self._machine(words)
        (method, *more), said = _ACTS[verb]
        done = getattr(self._lab, method)(name, *more)
        self._screen.say(f"{name}: {said.format(done=done, silence=_SILENCE)}")

    def _on(self, words: list[str]) -> None:
        name = self._machine(words)
        self._lab.power_on(name)
        agent = "its agent came up with it" if self._lab.host(name).agent.exists() else "it has no agent"
        self._screen.say(f"{name}: switched on; {agent}.")

    def _fault(self, words: list[str]) -> None:
        if words == ["--list"]:
            self._screen.say(fault_list())
        elif words:
            named = [word for word in words if word != "--off"]
            if len(named) != 2:  # noqa: PLR2004 - a fault and a machine
                raise LabError("name a fault and a machine: fault hang 2024; fault --list tells of each fault")
            self._screen.say(_switched(self._lab, *named, on="--off" not in words)["said"])
        else:
            self._screen.say(faults_text(self._lab.faults()))

    def _tool(self, words: list[str]) -> None:
        code = run(self._lab, words).returncode
        if code:
            raise LabError(f"roosync-ops ended with exit code {code}")

    def _quit(self, _: list[str]) -> None:
        self.ended = True

    def _machine(self, words: list[str]) -> str:
        if len(words) != 1:
            raise LabError(f"name one machine: {', '.join(self._lab.names)}")
        return machine_named(words[0], self._lab.names)


def run_script(console: Console, screen: LabScreen, script: str) -> bool:
    """Run a line of commands and stop at the first that fails; tell whether none did."""
    try:
        console.run(script)
    except LabError as error:
        screen.say(f"Error: {error}")
        return False
    return True


def run_prompt(console: Console, screen: LabScreen, ask: Callable[[str], str] = input) -> None:
    """Take commands until `quit` or the end of input. Ctrl-C ends a command; at the prompt it is the caller's."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401, PLC0415 - gives `input` its line editing; not every Python has it

    screen.say(f"\nThe fleet is yours:\n{HELP}\n")
    while not console.ended:
        try:
            line = ask("lab> ")
        except EOFError:
            screen.say("")
            return
        try:
            run_script(console, screen, line)
        except KeyboardInterrupt:
            screen.say("")


def answer(lab: LabFleet, request: dict[str, Any]) -> dict[str, Any]:
    """Do what is asked from elsewhere, in the words of control.py; what cannot be done is an answer too."""
    if "fault" not in request:
        return {"ok": True, "active": lab.faults()}
    try:
        on = request.get("on") is not False
        return {"ok": True, **_switched(lab, str(request["fault"]), str(request.get("machine")), on=on)}
    except LabError as error:
        return {"ok": False, "error": str(error), "hint": error.hint * (error.hint != LabError.hint)}


def _switched(lab: LabFleet, name: str, text: str, *, on: bool) -> dict[str, Any]:
    """Switch a fault of the machine that is meant. Raises LabError."""
    machine = machine_named(text, (*lab.names, ADMIN))
    changed = lab.fault(name, machine, on=on)
    said = fault_said(name, machine, on=on, changed=changed)
    return {"machine": machine, "fault": name, "on": on, "changed": changed, "said": said}


def split(line: str) -> Iterator[list[str]]:
    """Yield the words of each command in a line. Raises LabError for an open quotation mark."""
    for part in line.replace("\n", ";").split(";"):
        try:
            words = shlex.split(part, comments=True)
        except ValueError as error:
            raise LabError(f"{part.strip()!r}: {error}") from None
        if words:
            yield words


def machine_named(text: str, names: tuple[str, ...]) -> str:
    """Return the one machine whose name is, or contains, `text`. Raises LabError."""
    wanted = text.lower()
    found = [name for name in names if name == wanted] or [name for name in names if wanted in name]
    if len(found) != 1:
        problem = "names no machine" if not found else f"may be {' or '.join(found)}"
        raise LabError(f"{text!r} {problem}; there are {', '.join(names)}")
    return found[0]


def _seconds(words: list[str]) -> float:
    try:
        (text,) = words
        seconds = float(text)
    except ValueError:
        raise LabError("say how many seconds: wait 10") from None
    if not 0 <= seconds < float("inf"):
        raise LabError(f"{text!r} is no number of seconds")
    return seconds
