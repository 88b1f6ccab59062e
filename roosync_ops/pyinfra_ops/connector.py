"""What both ways to a Windows machine, SSH and WinRM, have in common as pyinfra connectors."""

from __future__ import annotations

import abc
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.output import echo
from pyinfra.connectors.base import BaseConnector
from pyinfra.connectors.util import CommandOutput, OutputLine

from roosync_ops.remote_script.bounded import telling
from roosync_ops.remote_script.windows import command, python
from roosync_ops.transport import output

from .ask import Ask

if TYPE_CHECKING:
    from pyinfra.api.command import StringCommand

#: How long a question of ours about the machine itself may take, in s.
ASK_S: Final = 30.0
_REGISTRY: Final = r"HKLM\SYSTEM\CurrentControlSet\Control\Nls\CodePage"
_VALUE: Final = re.compile(rb"REG_SZ\s+(\d{3,5})\s*$", re.MULTILINE)
#: Arguments that pyinfra turns into `sh`, and that mean nothing here.
_SHELL_ONLY: Final = ("_sudo", "_sudo_user", "_su_user", "_doas", "_dzdo", "_env", "_chdir", "_get_pty")


class Finished(NamedTuple):
    """A command that ended: its exit code, and what it printed as bytes."""

    code: int
    out: bytes = b""
    err: bytes = b""


class Windows(BaseConnector, abc.ABC):
    """A Windows machine. A transport gives `execute`, `put_file`, `get_file`, and what it can of the rest.

    Paths are given with either slash. An `Ask` finds its Python by itself (see python.py); any other command is a line
    for the machine's own shell, sent as it is: nothing is wrapped, nothing is quoted.
    """

    handles_execution = True

    @abc.abstractmethod
    def execute(self, line: str, stdin: bytes = b"", timeout_s: float | None = None) -> Finished:
        """Run one line, give it `stdin` and then end of file. Raises TimeoutError, OSError or SSHException."""

    def list_folder(self, path: str) -> list[str] | None:
        """Return the names in a folder, none where it cannot be read; None where this transport cannot tell."""
        del path
        return None

    def exists(self, path: str) -> bool:
        """Tell whether there is a file; True where this transport cannot tell."""
        del path
        return True

    def delete(self, path: str) -> None:
        """Remove a file or an empty folder of ours, whose path is plain. One that is not there is no failure."""
        for verb in ("del", "rmdir"):
            self.execute(command.line("cmd.exe", "/c", verb, path.replace("/", "\\")), timeout_s=ASK_S)

    def profile(self) -> str:
        """Return the user's profile folder."""
        told = self.execute(command.line("cmd.exe", "/c", "set", "USERPROFILE"), timeout_s=ASK_S)
        return output.text(told.out, self.code_pages()).strip().partition("=")[2]

    def code_pages(self) -> tuple[str, ...]:
        """Return the machine's OEM and ANSI code pages, by Python's names for them."""
        known: tuple[str, ...] | None = self.host.connector_data.get("roosync-code-pages")
        if known is None:
            oem, ansi = output.DEFAULT_PAGES
            known = self._code_page("OEMCP", oem), self._code_page("ACP", ansi)
            self.host.connector_data["roosync-code-pages"] = known
        return known

    def _code_page(self, name: str, usual: str) -> str:
        told = self.execute(command.line("reg.exe", "query", _REGISTRY, "/v", name), timeout_s=ASK_S)
        found = _VALUE.search(told.out)
        return (output.page(found[1].decode()) if found else None) or usual

    def run_shell_command(
        self, command: StringCommand, print_output: bool = False, print_input: bool = False, **arguments: Any
    ) -> tuple[bool, CommandOutput]:
        """Run a line, or answer an Ask. Return (whether its exit code is one of success, its output)."""
        for name in _SHELL_ONLY:
            if arguments.get(name):
                raise PyinfraError(f"{self.host.name}: {name} has no meaning on a Windows machine")
        timeout_s: float | None = arguments.get("_timeout")
        if print_input:
            echo(f"{self.host.print_prefix}>>> {command}", err=True)
        if isinstance(command, Ask):
            done = python.answer(self, command, timeout_s)
            done = done._replace(out=telling(done.out))
        else:
            done = self.execute(command.get_raw_value(), _bytes(arguments.get("_stdin")), timeout_s)
        shown = self._shown(done, print_output=print_output)
        forgiven = isinstance(command, Ask) and command.forgiving
        return forgiven or done.code in (arguments.get("_success_exit_codes") or (0,)), shown

    def _shown(self, done: Finished, *, print_output: bool) -> CommandOutput:
        pages = () if _is_utf8(done.out) and _is_utf8(done.err) else self.code_pages()
        found = [OutputLine("stdout", each) for each in output.lines(done.out, pages)]
        found += [OutputLine("stderr", each) for each in output.lines(done.err, pages)]
        if print_output:
            for each in found:
                echo(f"{self.host.print_prefix}{each.line}", err=True)
        return CommandOutput(found)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _bytes(stdin: Any) -> bytes:
    """Return what is to be written to a command: a text, a list of lines or a stream, as pyinfra has it."""
    if stdin is None:
        return b""
    if hasattr(stdin, "readlines"):
        stdin = stdin.readlines()
    lines = stdin if isinstance(stdin, (list, tuple)) else [stdin]
    return "".join(each if each.endswith("\n") else f"{each}\n" for each in lines).encode()


def content(filename_or_io: Any) -> bytes:
    """Return the bytes of a file that is to be uploaded, named or open. Raises OSError."""
    if isinstance(filename_or_io, str):
        with open(filename_or_io, "rb") as file:  # noqa: PTH123 - pyinfra names files by texts
            return file.read()
    filename_or_io.seek(0)
    data: bytes | str = filename_or_io.read()
    return data.encode() if isinstance(data, str) else data
