"""Shells and their commands, which really run: on a machine of winlab in Wine's cmd.exe, else in this one's sh."""

from __future__ import annotations

import base64
import contextlib
import os
import select
import signal
import subprocess
import threading
import time
import uuid
from typing import TYPE_CHECKING, Final, Protocol

from . import soap

if TYPE_CHECKING:
    import xml.etree.ElementTree as ET
    from collections.abc import Sequence
    from pathlib import Path

#: Small on purpose: a reply of any length comes in pieces that end anywhere, in the midst of a character too.
_PIECE: Final = 4_093


class Machine(Protocol):
    """What runs the commands."""

    def start(self, line: str) -> subprocess.Popen[bytes]:
        """Start what `cmd.exe /c "<line>"` is on this machine, with pipes, in a process group of its own."""

    def code(self, process: subprocess.Popen[bytes]) -> int:
        """Return the exit code of a process that ended, as the machine's system counts it."""


class Posix:
    """This machine and its sh: for what is about the protocol and not about Windows."""

    def start(self, line: str) -> subprocess.Popen[bytes]:
        return _pipes(["/bin/sh", "-c", line], dict(os.environ))

    def code(self, process: subprocess.Popen[bytes]) -> int:
        return process.wait()


class Wine:
    """A winlab machine, commands as its SSH server runs them: `cmd.exe /c "<line>"` in a kill-on-close job object.

    `environment` is its Wine's, `enter` the words that lead into its namespaces, `drive_c` its C: as seen from here.
    The exit code comes by a file, since Wine's own has 8 bits. Real pipes: a Windows Python dies of anything else.
    """

    def __init__(self, environment: dict[str, str], enter: Sequence[str], drive_c: Path) -> None:
        self._environment = environment
        self._enter = list(enter)
        self._codes = drive_c / "winlab" / "codes"
        self._files: dict[int, Path] = {}

    def start(self, line: str) -> subprocess.Popen[bytes]:
        file = self._codes / uuid.uuid4().hex
        environment = {**self._environment, "WINLAB_CMD": line, "WINLAB_CODE": rf"C:\winlab\codes\{file.name}"}
        process = _pipes([*self._enter, "wine64", r"C:\winlab\shell.exe"], environment)
        self._files[process.pid] = file
        return process

    def code(self, process: subprocess.Popen[bytes]) -> int:
        file = self._files.pop(process.pid)
        exit_code = process.wait()
        with contextlib.suppress(OSError, ValueError):
            exit_code = int(file.read_text())
            file.unlink()
        return exit_code - 2**32 if exit_code >= 2**31 else exit_code  # as winrs tells it: signed


def _pipes(argv: Sequence[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        argv,
        env=environment,
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


class Command:
    """One command: a feeder for its stdin, a collector for its output. It ends when its main process does."""

    def __init__(self, machine: Machine, line: str) -> None:
        self.line = line
        self._machine = machine
        self._process = machine.start(line)
        self._ready = threading.Condition()
        self._output: list[tuple[str, bytes]] = []
        self._code: int | None = None
        self._input: list[bytes | None] = []
        for work in (self._collect, self._feed):
            threading.Thread(target=work, daemon=True).start()

    def send(self, data: bytes, *, end: bool) -> None:
        with self._ready:
            if self._code is not None:
                raise soap.Fault(soap.BAD_REQUEST, "the command has ended")
            self._input += [data, None] if end else [data]
            self._ready.notify_all()

    def receive(self, timeout_s: float) -> tuple[list[tuple[str, str, bool]], int | None]:
        """Return what there is (see soap.received), as soon as there is something. Raises Fault after `timeout_s`."""
        with self._ready:
            if not self._ready.wait_for(lambda: self._output or self._code is not None, timeout_s):
                raise soap.Fault(soap.TIMED_OUT, "The WS-Management service cannot complete the operation in time")
            taken, self._output = self._output[:3], self._output[3:]
            code = None if self._output else self._code
        pieces = [(name, base64.b64encode(data).decode(), False) for name, data in taken]
        if code is not None:
            pieces += [("stdout", "", True), ("stderr", "", True)]
        return pieces, code

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)

    def _feed(self) -> None:
        stdin = self._process.stdin
        assert stdin is not None
        with contextlib.suppress(OSError):
            while True:
                with self._ready:
                    self._ready.wait_for(lambda: self._input or self._code is not None)
                    if not self._input:
                        break
                    data = self._input.pop(0)
                if data is None:
                    break
                stdin.write(data)
                stdin.flush()
        with contextlib.suppress(OSError):
            stdin.close()

    def _collect(self) -> None:
        """Not until the pipes end: services and detached children inherit them and never let go."""
        stdout, stderr = self._process.stdout, self._process.stderr
        assert stdout is not None
        assert stderr is not None
        pipes = {stdout.fileno(): "stdout", stderr.fileno(): "stderr"}
        for pipe in pipes:
            os.set_blocking(pipe, False)
        ended = os.pidfd_open(self._process.pid)
        while pipes:
            ready, _, _ = select.select([*pipes, ended], [], [])
            for pipe in [pipe for pipe in pipes if pipe in ready or ended in ready]:
                self._read(pipe, pipes)
            if ended in ready:
                break
        os.close(ended)
        code = self._machine.code(self._process)
        for stream in (stdout, stderr):
            stream.close()
        with self._ready:
            self._code = code
            self._ready.notify_all()

    def _read(self, pipe: int, pipes: dict[int, str]) -> None:
        """Take all that is in `pipe` now."""
        with contextlib.suppress(BlockingIOError):
            while data := os.read(pipe, _PIECE):
                with self._ready:
                    self._output.append((pipes[pipe], data))
                    self._ready.notify_all()
            del pipes[pipe]


class Shell:
    """One WinRS shell: its commands, and when it was last used."""

    def __init__(self, idle_s: float, options: dict[str, str]) -> None:
        self.idle_s = idle_s
        self.options = options
        self.commands: dict[str, Command] = {}
        self.used = time.monotonic()

    def command(self, command_id: str | None) -> Command:
        try:
            return self.commands[command_id or ""]
        except KeyError:
            raise soap.Fault(soap.NO_SUCH_SHELL, "The parameter is incorrect: no such command") from None

    def close(self) -> None:
        for command in self.commands.values():
            command.kill()


class Shells:
    """All shells of one machine. A shell nobody used for its idle timeout is gone, its commands with it."""

    def __init__(self, machine: Machine, idle_s: float) -> None:
        self._machine = machine
        self._idle_s = idle_s
        self._shells: dict[str, Shell] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        for shell in self._shells.values():
            shell.close()

    def answer(self, request: soap.Request) -> bytes:
        """Do what `request` asks. Raises soap.Fault."""
        self._sweep()
        if request.resource != soap.CMD:
            raise soap.Fault(soap.BAD_REQUEST, f"no such resource: {request.resource}")
        if request.action == f"{soap.TRANSFER}/Create":
            return soap.response(request, f"{soap.TRANSFER}/CreateResponse", self._create(request))
        shell = self._shell(request)
        known = {
            f"{soap.SHELL}/Command": self._command,
            f"{soap.SHELL}/Send": self._send,
            f"{soap.SHELL}/Receive": self._receive,
            f"{soap.SHELL}/Signal": self._signal,
            f"{soap.TRANSFER}/Delete": self._delete,
        }
        if request.action not in known:
            raise soap.Fault(soap.BAD_REQUEST, f"no such action: {request.action}")
        return soap.response(request, f"{request.action}Response", known[request.action](request, shell))

    def _sweep(self) -> None:
        now = time.monotonic()
        with self._lock:
            late = [known for known, shell in self._shells.items() if now - shell.used > shell.idle_s]
            gone = [self._shells.pop(known) for known in late]
        for shell in gone:
            shell.close()

    def _shell(self, request: soap.Request) -> Shell:
        with self._lock:
            shell = self._shells.get(request.shell_id or "")
            if shell is None:
                raise soap.Fault(soap.NO_SUCH_SHELL, "the request for the Windows Remote Shell with ShellId failed")
            shell.used = time.monotonic()
            return shell

    def _create(self, request: soap.Request) -> str:
        asked = request.text("rsp:Shell/rsp:IdleTimeOut") or ""
        idle_s = min(self._idle_s, float(asked[2:-1])) if asked else self._idle_s
        shell_id = str(uuid.uuid4()).upper()
        with self._lock:
            self._shells[shell_id] = Shell(idle_s, request.options)
        return soap.created(shell_id, idle_s)

    def _command(self, request: soap.Request, shell: Shell) -> str:
        line = request.element("rsp:CommandLine")
        words = [
            found.text or ""
            for found in line
            if found.tag in {f"{{{soap.SHELL}}}Command", f"{{{soap.SHELL}}}Arguments"}
        ]
        command_id = str(uuid.uuid4()).upper()
        shell.commands[command_id] = Command(self._machine, " ".join(words))
        return f"<rsp:CommandResponse><rsp:CommandId>{command_id}</rsp:CommandId></rsp:CommandResponse>"

    @staticmethod
    def _send(request: soap.Request, shell: Shell) -> str:
        for stream in request.body.findall("rsp:Send/rsp:Stream", soap.NAMES):
            data = base64.b64decode(stream.text or "", validate=True)
            shell.command(stream.get("CommandId")).send(data, end=stream.get("End", "").lower() == "true")
        return "<rsp:SendResponse/>"

    @staticmethod
    def _receive(request: soap.Request, shell: Shell) -> str:
        wanted: ET.Element = request.element("rsp:Receive/rsp:DesiredStream")
        command_id = wanted.get("CommandId", "")
        pieces, code = shell.command(command_id).receive(request.timeout_s)
        shell.used = time.monotonic()
        return soap.received(command_id, pieces, code)

    @staticmethod
    def _signal(request: soap.Request, shell: Shell) -> str:
        command_id = request.element("rsp:Signal").get("CommandId", "")
        shell.command(command_id).kill()
        del shell.commands[command_id]
        return "<rsp:SignalResponse/>"

    def _delete(self, request: soap.Request, shell: Shell) -> str:
        with self._lock:
            self._shells.pop(request.shell_id or "", None)
        shell.close()
        return ""
