"""What every way to a machine offers: run one line, put a file, get a file; and one error for what went wrong."""

import abc
from typing import Any, Final, NamedTuple

#: The step of a failure before anything could be asked.
CONNECT: Final = "connect"
#: The step that looks at a machine before anything is changed on it.
PREFLIGHT: Final = "preflight"

# Codes that our own code names, of those that README.md lists.
UNKNOWN_HOST: Final = "UNKNOWN_HOST"
REFUSED: Final = "REFUSED"
NO_ROUTE: Final = "NO_ROUTE"
TIMED_OUT: Final = "TIMED_OUT"
SILENT: Final = "SILENT"
HOST_KEY: Final = "HOST_KEY"
LOGIN_REFUSED: Final = "LOGIN_REFUSED"
PROXY_FAILED: Final = "PROXY_FAILED"
CLOSED: Final = "CLOSED"
CONNECTION_LOST: Final = "CONNECTION_LOST"
TOO_MUCH: Final = "TOO_MUCH"
NO_SSH_CLIENT: Final = "NO_SSH_CLIENT"
SSH_CONFIG: Final = "SSH_CONFIG"
UNREACHABLE: Final = "UNREACHABLE"


#: What one command may print, in bytes: a state of 10,000 machines is some 20 MB.
MAX_ANSWER: Final = 33_554_432
#: Beyond the TCP connection: the greeting, and the login of a slow machine that is to be changed, in s.
LOGIN_S: Final = 15.0


class Patience(NamedTuple):
    """How long the parts of a login may take, in s: one TCP connection, the server's greeting, the rest."""

    connect_s: float
    greeting_s: float
    login_s: float


class Finished(NamedTuple):
    """A command that ended: its exit code, and what it printed as bytes."""

    code: int
    out: bytes = b""
    err: bytes = b""


class Failure(NamedTuple):
    """Why one machine could not go on. `code` is for programs; `hint` is the next command to type."""

    step: str
    code: str
    reason: str
    hint: str

    def sentence(self) -> str:
        return f"{self.step}: {self.reason}; next: {self.hint}"


class LinkError(OSError):
    """A machine that was not reached, or was lost: a code and one sentence.

    `met`: the machine itself took a connection, and nothing on the way to it is at fault. `hint` is what mends it here.
    """

    def __init__(self, code: str, reason: str, hint: str = "", *, met: bool = False, reached: bool = False) -> None:
        super().__init__(reason)
        self.code, self.reason, self.hint = code, reason, hint
        self.met, self.reached = met, reached


class TransferError(OSError):
    """A file that did not get where it was to go; what was there before is still there."""


class Link(abc.ABC):
    """One machine, by one transport. Whatever goes wrong is a LinkError, a TransferError or a TimeoutError."""

    def __init__(self) -> None:
        #: What was learned about the machine on the way: which Python answers, its code pages.
        self.memory: dict[str, Any] = {}
        #: Why the machine was not reached, where it was not.
        self.failed: LinkError | None = None
        #: What the server calls itself, as far as it was heard; may be empty.
        self.banner = ""

    @abc.abstractmethod
    def execute(self, line: str, stdin: bytes = b"", timeout_s: float | None = None) -> Finished:
        """Run one line in the machine's own shell, give it `stdin` and then end of file."""

    @abc.abstractmethod
    def put(self, data: bytes, path: str) -> None:
        """Have `data` be the file at `path`: under another name first, verified by SHA-256, then renamed."""

    @abc.abstractmethod
    def get(self, path: str) -> bytes:
        """Return the file at `path`, of which all came."""

    def open(self) -> None:  # noqa: B027 - most keep none
        """Log in, where this transport keeps a connection."""

    def close(self) -> None:  # noqa: B027 - as above
        """End what is kept; whatever goes wrong, it is over."""
