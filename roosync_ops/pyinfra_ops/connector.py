"""What our connectors have in common: pyinfra's commands and files over a link of `transport`.

On a POSIX machine everything works that works with pyinfra's own SSH connector; on a Windows machine a line goes to the
machine's own shell as it is, and never through `sh`.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar, cast

from pyinfra.api.arguments import ConnectorArguments
from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import ConnectError, PyinfraError
from pyinfra.api.output import echo
from pyinfra.api.util import get_file_io
from pyinfra.connectors.base import BaseConnector
from pyinfra.connectors.util import (
    CommandOutput,
    OutputLine,
    execute_command_with_sudo_retry,
    make_unix_command_for_host,
)

from roosync_ops.fleet import FleetError, Machine
from roosync_ops.remote_script.question import Question, no_answer
from roosync_ops.transport import output
from roosync_ops.transport.link import CLOSED, LOGIN_S, TOO_MUCH, UNREACHABLE, Finished, Link, LinkError, Patience
from roosync_ops.transport.posix_files import PosixLink
from roosync_ops.transport.ssh import link_to
from roosync_ops.transport.windows_link import WindowsLink

from .ledger import ledger

T = TypeVar("T")
#: How long is waited before a login is tried again, in s.
_AGAIN_S: Final = (0.5, 2.0)
#: Arguments that pyinfra turns into `sh`, and that mean nothing on Windows.
_SHELL_ONLY: Final = ("_sudo", "_sudo_user", "_su_user", "_doas", "_dzdo", "_env", "_chdir", "_get_pty")
#: How a command is run, and no part of it.
_CONTROL: Final = ("_timeout", "_stdin", "_success_exit_codes")
#: What pyinfra says of a transfer itself.
_OF_FILES: Final = ("remote_temp_filename", "print_output", "print_input")
#: Arguments that run a command as another user than the one that logged in.
_AS_OTHER: Final = ("_sudo", "_doas", "_dzdo", "_su_user")


class Ask(StringCommand):
    """Has a Python on the machine answer `request` (see on_machine). Our connectors take the question itself."""

    def __init__(
        self, request: Mapping[str, Any], python: str | None, *, bootstrap: bool = False, forgiving: bool = False
    ) -> None:
        super().__init__(f"# roosync: {request.get('do')}")
        self.question = Question(request, python, bootstrap)
        #: A fact is never a failure to pyinfra, which would print the output and drop the reason.
        self.forgiving = forgiving


class Connector(BaseConnector):
    """A machine over a link."""

    handles_execution = True
    _link: Link | None = None

    @staticmethod
    def make_names_data(name: str) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
        """Yield the machine under its plain name: groups, --limit and our results know it by its machineId."""
        yield name, {}, []

    def make_link(self, patience: Patience) -> Link:
        """Return the way to this host. Raises LinkError."""
        try:
            machine = Machine.of_host(self.host.name, self.host.data.dict())
        except FleetError as error:
            raise LinkError(UNREACHABLE, str(error)) from None
        return link_to(machine, patience, keep=True)

    @property
    def link(self) -> Link:
        """The way to this host. Raises OSError where there is none."""
        if self._link is None:
            raise ConnectionError("not connected")
        return self._link

    @property
    def is_windows(self) -> bool:
        return isinstance(self._link, WindowsLink)

    def connect(self) -> None:
        """Log in, where no connection is kept: one command more needs no login of its own.

        Raises ConnectError, of which the cause is the link's error.
        """
        limit = float(self.state.config.CONNECT_TIMEOUT)
        book = ledger(self.host)
        try:
            link = book.link or self.make_link(Patience(limit, LOGIN_S, LOGIN_S))
            if book.report is None:
                _in_turn(link.open)
        except LinkError as error:
            raise ConnectError(error.reason) from error
        self._link = link

    def disconnect(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def run_shell_command(
        self, command: StringCommand, print_output: bool = False, print_input: bool = False, **arguments: Any
    ) -> tuple[bool, CommandOutput]:
        """Run a command, or ask a question of ours. Return (whether its exit code is one of success, its output)."""
        timeout_s, stdin, good = (arguments.pop(name, None) for name in _CONTROL)
        if isinstance(command, Ask):
            self._say(f">>> {command}", told=print_input)
            done = self._answer(command, timeout_s)
            return command.forgiving or done.code == 0, self._shown(done, print_output=print_output)
        done = self._as_asked(command, arguments, _bytes(stdin), timeout_s, told=print_input)
        return done.code in (good or (0,)), self._shown(done, print_output=print_output)

    def _say(self, text: str, *, told: bool) -> None:
        if told:
            echo(f"{self.host.print_prefix}{text}", err=True)

    def _as_asked(
        self, command: StringCommand, arguments: dict[str, Any], stdin: bytes, timeout_s: float | None, *, told: bool
    ) -> Finished:
        """Run a command as the user, in the folder and with the variables that pyinfra's arguments name."""
        done: list[Finished] = []

        def execute() -> tuple[int, CommandOutput]:
            line = self._line(command, arguments)
            self._say(f">>> {line}", told=told)
            done.append(self.link.execute(line.get_raw_value(), stdin, timeout_s))
            return done[-1].code, self._shown(done[-1], print_output=False)

        execute_command_with_sudo_retry(self.host, cast("ConnectorArguments", arguments), execute)
        return done[-1]

    def _answer(self, command: Ask, timeout_s: float | None) -> Finished:
        try:
            return _in_turn(lambda: command.question.ask(self.link, timeout_s))
        except LinkError as error:
            if error.code != TOO_MUCH:
                raise
            return Finished(0, no_answer("too-much", error.reason))

    def _line(self, command: StringCommand, arguments: dict[str, Any]) -> StringCommand:
        if not self.is_windows:
            arguments = {name: value for name, value in arguments.items() if name != "_get_pty"}
            return make_unix_command_for_host(self.state, self.host, command, **arguments)
        for name in _SHELL_ONLY:
            if arguments.get(name):
                raise PyinfraError(f"{self.host.name}: {name} has no meaning on a Windows machine")
        return command

    def put_file(self, filename_or_io: Any, remote_filename: str, *_: Any, **arguments: Any) -> bool:
        """Upload a file, verified before it takes its place. Raises OSError."""
        with get_file_io(filename_or_io) as file:
            data = file.read()
        self._files(arguments).put(data.encode() if isinstance(data, str) else data, remote_filename)
        self._say(f"file uploaded: {remote_filename}", told=bool(arguments.get("print_output")))
        return True

    def get_file(self, remote_filename: str, filename_or_io: Any, *_: Any, **arguments: Any) -> bool:
        """Download a file; nothing is written here before all of it has come. Raises OSError."""
        data = self._files(arguments).get(remote_filename)
        with get_file_io(filename_or_io, "wb") as file:
            file.write(data)
        self._say(f"file downloaded: {remote_filename}", told=bool(arguments.get("print_output")))
        return True

    def _files(self, arguments: dict[str, Any]) -> Link:
        is_other = any(arguments.get(name) for name in _AS_OTHER)
        as_whom = {name: value for name, value in arguments.items() if name not in {*_CONTROL, *_OF_FILES}}
        return _AsOther(self._as_asked, as_whom) if is_other else self.link

    def _shown(self, done: Finished, *, print_output: bool) -> CommandOutput:
        pages: tuple[str, ...] = output.DEFAULT_PAGES
        if isinstance(self.link, WindowsLink) and "\ufffd" in b"\n".join((done.out, done.err)).decode(errors="replace"):
            pages = self.link.code_pages()
        found = [OutputLine("stdout", each) for each in output.lines(done.out, pages)]
        found += [OutputLine("stderr", each) for each in output.lines(done.err, pages)]
        for each in found:
            self._say(each.line, told=print_output)
        return CommandOutput(found)


def _in_turn(work: Callable[[], T]) -> T:
    """Do what logs in; a server that closes the connection has too many logins just now, and is asked again."""
    for pause_s in _AGAIN_S:
        try:
            return work()
        except LinkError as error:
            if error.code != CLOSED or error.reached:
                raise
            time.sleep(pause_s)
    return work()


class _AsOther(PosixLink):
    """A POSIX machine as another user: what goes over the same link by sudo, su, doas or dzdo."""

    def __init__(self, run: Callable[..., Finished], arguments: dict[str, Any]) -> None:
        super().__init__()
        self._run, self._arguments = run, arguments

    def execute(self, line: str, stdin: bytes = b"", timeout_s: float | None = None) -> Finished:
        return self._run(StringCommand(line), self._arguments, stdin, timeout_s, told=False)


def _bytes(stdin: Any) -> bytes:
    """Return what is to be written to a command: a text, a list of lines or a stream, as pyinfra has it."""
    if stdin is None:
        return b""
    if hasattr(stdin, "readlines"):
        stdin = stdin.readlines()
    lines = stdin if isinstance(stdin, (list, tuple)) else [stdin]
    return "".join(each if each.endswith("\n") else f"{each}\n" for each in lines).encode()
