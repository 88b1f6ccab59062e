"""What our connectors have in common: pyinfra's commands and files over a link of `transport`.

On a POSIX machine everything works that works with pyinfra's own SSH connector; on a Windows machine a line goes to the
machine's own shell as it is, and never through `sh`.
"""

from __future__ import annotations

import abc
from typing import TYPE_CHECKING, Any, Final, cast

from pyinfra import logger
from pyinfra.api.command import QuoteString, StringCommand
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

from roosync_ops.remote_script.question import Question, too_much
from roosync_ops.transport import output
from roosync_ops.transport.link import TOO_MUCH, Finished, LinkError, Patience
from roosync_ops.transport.windows_link import WindowsLink

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyinfra.api.arguments import ConnectorArguments

    from roosync_ops.transport.link import Link

#: Beyond the TCP connection: the greeting, and the login of a machine that is slow, in s.
_LOGIN_S: Final = 15.0
#: Arguments that pyinfra turns into `sh`, and that mean nothing on Windows.
_SHELL_ONLY: Final = ("_sudo", "_sudo_user", "_su_user", "_doas", "_dzdo", "_env", "_chdir", "_get_pty")
#: Who else than the one that logged in.
_AS_OTHER: Final = ("_sudo", "_doas", "_dzdo", "_su_user")


class Ask(StringCommand):
    """Has a Python on the machine answer `request` (see on_machine). Our connectors take the question itself."""

    def __init__(
        self,
        request: Mapping[str, Any],
        python: str | None = None,
        *,
        bootstrap: bool = False,
        timeout_s: int | None = None,
        forgiving: bool = False,
    ) -> None:
        super().__init__(f"# roosync: {request.get('do')}")
        if timeout_s is not None:
            self.connector_arguments["_timeout"] = timeout_s
        self.question = Question(request, python, bootstrap)
        #: A fact is never a failure to pyinfra, which would print the output and drop the reason.
        self.forgiving = forgiving


class MachineConnectError(ConnectError):
    """A machine that was not reached; `code` is one of link.py."""

    def __init__(self, error: LinkError) -> None:
        super().__init__(error.reason)
        self.code = error.code


class Connector(BaseConnector, abc.ABC):
    """A machine over a link."""

    handles_execution = True
    _link: Link | None = None

    @abc.abstractmethod
    def make_link(self, patience: Patience) -> Link:
        """Return the way to this host. Raises LinkError."""

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
        """Log in. Raises MachineConnectError."""
        limit = float(self.state.config.CONNECT_TIMEOUT)
        try:
            link = self.make_link(Patience(limit, _LOGIN_S, _LOGIN_S))
            link.open()
        except LinkError as error:
            raise MachineConnectError(error) from None
        self._link = link

    def disconnect(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()

    def check_can_rsync(self) -> None:
        raise NotImplementedError("rsync is not for this connector; files.sync and files.put work")

    def run_shell_command(
        self, command: StringCommand, print_output: bool = False, print_input: bool = False, **arguments: Any
    ) -> tuple[bool, CommandOutput]:
        """Run a command, or ask a question of ours. Return (whether its exit code is one of success, its output)."""
        control = {name: arguments.pop(name, None) for name in ("_timeout", "_stdin", "_success_exit_codes")}
        timeout_s: float | None = control["_timeout"]
        if isinstance(command, Ask):
            if print_input:
                echo(f"{self.host.print_prefix}>>> {command}", err=True)
            done = self._answer(command, timeout_s)
            return command.forgiving or done.code == 0, self._shown(done, print_output=print_output)
        stdin = _bytes(control["_stdin"])

        def execute() -> tuple[int, CommandOutput]:
            line = self._line(command, arguments)
            if print_input:
                echo(f"{self.host.print_prefix}>>> {line}", err=True)
            done = self.link.execute(line.get_raw_value(), stdin, timeout_s)
            return done.code, self._shown(done, print_output=print_output)

        code, shown = execute_command_with_sudo_retry(self.host, cast("ConnectorArguments", arguments), execute)
        return code in (control["_success_exit_codes"] or (0,)), shown

    def _answer(self, command: Ask, timeout_s: float | None) -> Finished:
        try:
            return command.question.ask(self.link, timeout_s)
        except LinkError as error:
            if error.code != TOO_MUCH:
                raise
            return Finished(0, too_much(error.reason))

    def _line(self, command: StringCommand, arguments: dict[str, Any]) -> StringCommand:
        if not self.is_windows:
            arguments = {name: value for name, value in arguments.items() if name != "_get_pty"}
            return make_unix_command_for_host(self.state, self.host, command, **arguments)
        for name in _SHELL_ONLY:
            if arguments.get(name):
                raise PyinfraError(f"{self.host.name}: {name} has no meaning on a Windows machine")
        return command

    def put_file(
        self,
        filename_or_io: Any,
        remote_filename: str,
        remote_temp_filename: str | None = None,
        print_output: bool = False,
        print_input: bool = False,
        **arguments: Any,
    ) -> bool:
        """Upload a file, verified before it takes its place; as another user by way of a temporary one."""
        with get_file_io(filename_or_io) as file:
            data = file.read()
        data = data.encode() if isinstance(data, str) else data
        shown = {"print_output": print_output, "print_input": print_input}
        if any(arguments.get(name) for name in _AS_OTHER):
            temporary = remote_temp_filename or self.host.get_temp_filename(remote_filename)
            own = {name: value for name, value in arguments.items() if name not in _AS_OTHER and name != "_chdir"}
            copied = StringCommand("cp", temporary, QuoteString(remote_filename))
            self.link.put(data, temporary)
            try:
                return self._hand_over(temporary, arguments, shown) and self._do(copied, arguments, shown)
            finally:
                self._do(StringCommand("rm", "-f", temporary), own, shown)
        self.link.put(data, remote_filename)
        if print_output:
            echo(f"{self.host.print_prefix}file uploaded: {remote_filename}", err=True)
        return True

    def _hand_over(self, path: str, arguments: dict[str, Any], shown: dict[str, bool]) -> bool:
        """Let the other user read a file of ours."""
        names = ("_su_user", "_sudo_user", "_doas_user", "_dzdo_user")
        other = next((arguments[name] for name in names if arguments.get(name)), None)
        return other is None or self._do(StringCommand("setfacl", "-m", f"u:{other}:r", path), {}, shown)

    def get_file(
        self,
        remote_filename: str,
        filename_or_io: Any,
        remote_temp_filename: str | None = None,
        print_output: bool = False,
        print_input: bool = False,
        **arguments: Any,
    ) -> bool:
        """Download a file; nothing is written here before all of it has come. Raises OSError."""
        shown = {"print_output": print_output, "print_input": print_input}
        if any(arguments.get(name) for name in _AS_OTHER):
            temporary = remote_temp_filename or self.host.get_temp_filename(remote_filename)
            copied = StringCommand("cp", QuoteString(remote_filename), temporary, "&&", "chmod", "+r", temporary)
            if not self._do(copied, arguments, shown):
                return False
            try:
                data = self.link.get(temporary)
            finally:
                self._do(StringCommand("rm", "-f", temporary), arguments, shown)
        else:
            data = self.link.get(remote_filename)
        with get_file_io(filename_or_io, "wb") as file:
            file.write(data)
        if print_output:
            echo(f"{self.host.print_prefix}file downloaded: {remote_filename}", err=True)
        return True

    def _do(self, command: StringCommand, arguments: dict[str, Any], shown: dict[str, bool]) -> bool:
        done, said = self.run_shell_command(command, **shown, **arguments)
        if not done:
            logger.error(f"{self.host.print_prefix}{said.stderr}")
        return done

    def _shown(self, done: Finished, *, print_output: bool) -> CommandOutput:
        pages: tuple[str, ...] = ()
        if isinstance(self.link, WindowsLink) and not (_is_utf8(done.out) and _is_utf8(done.err)):
            pages = self.link.code_pages()
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
