"""One machine's WinRS shell, by pypsrp: a line through cmd.exe, with stdin, within a time, and no secret comes out.

Everything that can go wrong comes out as a LinkError or a TimeoutError whose words hold no secret, and which carries no
traceback of the frames that held one.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Final, TypeVar

import requests
from pypsrp.exceptions import WinRMError, WSManFaultError
from pypsrp.shell import CommandState, Process, SignalCode, WinRS
from pypsrp.wsman import WSMan
from urllib3.util.retry import Retry

from .link import MAX_ANSWER, TOO_MUCH, Finished, LinkError
from .winrm_access import Access
from .winrm_errors import worded
from .winrm_files import pieces

# Debug records of these hold whole messages and the tokens of logins, from which a password can be guessed at leisure;
# their errors are told where the exception is caught.
for _name in ("pypsrp", "spnego", "requests_credssp"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)

#: [MS-WSMV] 2.2.4.43: no shell of that name (any more).
_NO_SUCH_SHELL: Final = 2150858843
#: How long an unused shell stays on the machine, in s, should this process end without a word.
_IDLE_S: Final = 180
#: cmd.exe and its tools write UTF-8 then; a Python writes what it likes.
_UTF_8: Final = 65001
#: To say good-bye, in s: the answer does not matter.
_GOOD_BYE_S: Final = 3
#: Windows drops a connection that was idle for two minutes, and with it the login that encrypts the messages: one that
#: was idle for this long, in s, is left and another made.
_FRESH_S: Final = 60.0
#: A message is 150 kB, as we ask for, or 500 kB, as Windows has it; its encryption and its XML take less than this.
_MAX_BODY: Final = 4 << 20

T = TypeVar("T")


class _Once(WSMan):
    """Sends each request once: pypsrp's own five retries of a read could take ten minutes."""

    def invoke(self, *args: Any, retries_on_read_timeout: int = 0, **kwargs: Any) -> Any:  # noqa: ARG002 - see above
        return super().invoke(*args, **kwargs)


class WinrmShell:
    """A WinRS shell on one machine, opened by `open`. Not for two greenlets at once."""

    def __init__(self, access: Access, connect_timeout: float) -> None:
        self._access = access
        self._connect_timeout = connect_timeout
        self._wsman: WSMan | None = None
        self._shell: WinRS | None = None
        self._used = time.monotonic()
        self.login_s = connect_timeout + access.read_timeout

    def open(self) -> None:
        """Log in and open a shell. Raises LinkError, TimeoutError."""
        self._bounded(self.login_s, self._open_shell)

    def run(self, line: str, stdin: bytes = b"", limit_s: float | None = None) -> Finished:
        """Run `line` by `cmd.exe /c`. Raises LinkError; TimeoutError after `limit_s`, when the command is ended."""
        return self._bounded(limit_s, lambda: self._run(line, stdin, limit_s))

    def close(self) -> None:
        """Say good-bye; whatever goes wrong, it is over."""
        shell, wsman, self._shell, self._wsman = self._shell, self._wsman, None, None
        if wsman is None:
            return
        wsman.transport.read_timeout = wsman.transport.connection_timeout = _GOOD_BYE_S
        try:
            if shell is not None:
                self._bounded(2 * _GOOD_BYE_S, shell.close)
        except OSError:
            pass
        finally:
            wsman.close()

    def _open_shell(self) -> None:
        self._wsman = self._wsman or _wsman(self._access, self._connect_timeout)
        shell = WinRS(self._wsman, codepage=_UTF_8, idle_time_out=_IDLE_S)
        shell.open()
        self._shell = shell

    def _run(self, line: str, stdin: bytes, limit_s: float | None) -> Finished:
        until = math.inf if limit_s is None else time.monotonic() + limit_s
        process = self._started(line)
        try:
            with suppress(WSManFaultError):  # a command that has ended takes no more input: no failure of its own
                for _, piece, end in pieces(stdin, process.shell.wsman.max_payload_size):
                    process.send(piece, end=end)
            while process.state != CommandState.DONE:
                left = until - time.monotonic()
                if left <= 0:
                    raise TimeoutError
                # It passes over a fault that says that there was nothing yet.
                process.poll_invoke(timeout=max(1, math.ceil(min(self._access.operation_timeout, left))))
                if len(process.stdout) + len(process.stderr) > MAX_ANSWER:
                    raise LinkError(TOO_MUCH, f"more than {MAX_ANSWER >> 20} MiB", met=True, reached=True)
        finally:
            self._let_go(process)
            self._used = time.monotonic()
        return Finished(process.rc or 0, process.stdout, process.stderr)

    def _started(self, line: str) -> Process:
        if self._shell is None:
            raise WinRMError("not connected")
        if time.monotonic() - self._used > _FRESH_S:
            self._shell.wsman.transport.close()
            self._shell.wsman.transport.encryption = None  # it logs in again with the next message
        process = Process(self._shell, line)
        try:
            process.begin_invoke()
        except WSManFaultError as fault:
            if fault.code != _NO_SUCH_SHELL:
                raise
        else:
            return process
        self._open_shell()  # it was idle for too long, or the service was restarted; nothing has run yet
        process = Process(self._shell, line)
        process.begin_invoke()
        return process

    def _let_go(self, process: Process) -> None:
        """Have the machine forget the command, and end it if it has not ended."""
        wsman = process.shell.wsman
        patience = wsman.transport.read_timeout
        wsman.transport.read_timeout = min(patience, _GOOD_BYE_S) if process.state != CommandState.DONE else patience
        try:
            process.signal(SignalCode.TERMINATE)
        except (WinRMError, OSError, ValueError):
            pass
        finally:
            wsman.transport.read_timeout = patience

    def _bounded(self, limit_s: float | None, work: Callable[[], T]) -> T:
        """Do `work`. An error of it is put into words here, and raised where nothing of it is left."""
        grace = None if limit_s is None else limit_s + _GOOD_BYE_S
        try:
            return _within(grace, work)
        except LinkError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a library raises may hold what it was given
            caught = error
        # Out here what is raised has no context, even if the wording fails.
        problem = worded(self._access, caught, limit_s, reached=self._shell is not None)
        del caught
        raise problem


def _within(limit_s: float | None, work: Callable[[], T]) -> T:
    """Return what `work` does; where it hangs it is left behind. Raises what it raises, and TimeoutError."""
    found: Future[T] = Future()

    def do() -> None:
        try:
            found.set_result(work())
        except Exception as error:  # noqa: BLE001 - it is raised where it was asked for
            found.set_exception(error)

    threading.Thread(target=do, daemon=True).start()
    return found.result(limit_s)


def _wsman(access: Access, connect_timeout: float) -> WSMan:
    """Return pypsrp's client, with a session that goes nowhere else and trusts nothing but `access`."""
    wsman = _Once(
        access.host,
        port=access.port,
        username=access.user,
        password=None if access.password is None else access.password.get_secret_value(),
        ssl=access.tls,
        path=access.path,
        auth=access.auth,
        cert_validation=access.verify,  # type: ignore[arg-type] # or a file, as requests takes it
        encryption=access.encryption,
        connection_timeout=connect_timeout,  # type: ignore[arg-type] # requests takes fractions of a s
        read_timeout=access.read_timeout,
        operation_timeout=access.operation_timeout,
        no_proxy=True,  # fleet machines are on the LAN; a proxy would see what only they may
        certificate_pem=access.certificate[0],
        certificate_key_pem=access.certificate[1],
        certificate_key_password=None if access.key_password is None else access.key_password.get_secret_value(),
    )
    session = wsman.transport._build_session()  # noqa: SLF001 - the only way to have it before the first packet
    for adapter in session.adapters.values():
        adapter.max_retries = Retry(0, read=False)  # type: ignore[attr-defined] # pypsrp's reads what a 503 says to its end
        adapter.build_response = _bounded(adapter.build_response)  # type: ignore[attr-defined] # an HTTPAdapter
    session.max_redirects = 0  # a redirect could lead a login, or a message, anywhere
    session.trust_env = False  # no other login from ~/.netrc
    if not access.tls and access.encryption != "never":
        session.hooks["response"].append(_no_plaintext)
    wsman.transport.session = session
    return wsman


def _bounded(build: Callable[..., requests.Response]) -> Callable[..., requests.Response]:
    """Have no more of a reply's body read than any reply has: a hostile server may never end."""

    def bounded(*asked: Any) -> requests.Response:
        response = build(*asked)
        pieces = response.iter_content

        def iterate(*how: Any) -> Iterator[bytes]:
            size = 0
            for piece in pieces(*how):
                size += len(piece)
                if size > _MAX_BODY:
                    response.close()
                    raise LinkError(TOO_MUCH, f"more than {_MAX_BODY >> 20} MiB in one reply", met=True, reached=True)
                yield piece

        response.iter_content = iterate  # type: ignore[assignment,method-assign]  # what `content` is made of
        return response

    return bounded


def _no_plaintext(response: requests.Response, *_: Any, **__: Any) -> None:
    """Take no answer that another computer on the way could have written. pypsrp would."""
    kind = response.headers.get("content-type", "")
    if response.ok and response.content and not kind.startswith(("multipart/encrypted", "multipart/x-multi-encrypted")):
        raise WinRMError("it answered in plaintext where everything must be encrypted; so the answer is not believed")
