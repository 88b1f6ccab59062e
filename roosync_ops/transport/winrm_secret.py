"""The one secret of a WinRM login: where it comes from, and that nothing shows it.

It comes from the environment, from a file that only its owner can read, or from the operator's keyboard; never from an
inventory or a command line, which others can read.
"""

import base64
import functools
import getpass
import json
import os
import re
import stat
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import quote
from xml.sax.saxutils import escape

PASSWORD: Final = "ROOSYNC_WINRM_PASSWORD"  # noqa: S105 - the name of a variable
PASSWORD_FILE: Final = "ROOSYNC_WINRM_PASSWORD_FILE"  # noqa: S105 - the name of a variable
#: Of the client certificate's key, where that is encrypted.
KEY_PASSWORD: Final = "ROOSYNC_WINRM_KEY_PASSWORD"  # noqa: S105 - the name of a variable
_HIDDEN: Final = "***"
#: Fewer characters of base64 tell nobody anything.
_TELLING: Final = 5


class SecretError(ValueError):
    """There is no secret, or none that can be used: one sentence without it."""


class Secret:
    """A text that shows itself to nobody who does not ask for it by name."""

    __slots__ = ("__text",)

    def __init__(self, text: str) -> None:
        self.__text = text

    def __repr__(self) -> str:
        return _HIDDEN

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")

    def reveal(self) -> str:
        return self.__text

    def hidden_in(self, text: str, user: str | None = None) -> str:
        """Return `text` with *** for each form of the secret: a server may send back what it was sent."""
        for form in sorted(set(self._plain_forms()), key=len, reverse=True):
            text = text.replace(form, _HIDDEN)
        for form in sorted(set(self._coded_forms(user)), key=len, reverse=True):
            text = re.sub(f"[A-Za-z0-9+/]{{0,3}}{re.escape(form)}[A-Za-z0-9+/]{{0,3}}=*", _HIDDEN, text)
        return text

    def _plain_forms(self) -> Iterator[str]:
        plain = self.__text
        yield from (
            plain,
            escape(plain),
            quote(plain),
            quote(plain, safe=""),
            json.dumps(plain)[1:-1],
            repr(plain)[1:-1],
        )

    def _coded_forms(self, user: str | None) -> Iterator[str]:
        """Yield what base64 makes of it: what stands before shifts it, and shares characters with it."""
        plain = self.__text
        for encoding in ("utf-8", "utf-16-le", "latin-1"):
            for said in (plain, f"{user or ''}:{plain}"):
                for before in range(3):
                    coded = base64.b64encode(bytes(before) + said.encode(encoding, "replace")).decode().rstrip("=")
                    coded = coded[(0, 2, 3)[before] : -1]
                    if len(coded) >= _TELLING:
                        yield coded


def find(user: str, file: str | None, *, prompt: bool, environment: Mapping[str, str] = os.environ) -> Secret | None:
    """Return the password: from `file`, else from the environment, else asked for if `prompt`. Raises SecretError."""
    if file is not None:
        return _of_file(file)
    if environment.get(PASSWORD):
        return Secret(environment[PASSWORD])
    if environment.get(PASSWORD_FILE):
        return _of_file(environment[PASSWORD_FILE])
    return _asked(user) if prompt else None


def _of_file(name: str) -> Secret:
    """Return the first line of a file that nobody but its owner, who runs this, can read."""
    path = Path(name).expanduser()
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise SecretError(f"{name}: the password file is no file")
            if sys.platform != "win32" and (status.st_mode & 0o077 or status.st_uid != os.geteuid()):
                raise SecretError(f"{name}: the password file must be yours alone: chmod 600")
            text = file.readline(4096).decode()
    except OSError as error:
        raise SecretError(f"{name}: the password file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        problem = SecretError(f"{name}: the password file is not UTF-8")
    else:
        if text.rstrip("\r\n"):
            return Secret(text.rstrip("\r\n"))
        problem = SecretError(f"{name}: the password file has no first line")
    raise problem  # out here, where the error that held the text is gone


@functools.cache
def _asked(user: str) -> Secret:
    """Ask once for each user, on the terminal: a worker's stdin is no keyboard."""
    try:
        # Where this fails getpass would read stdin, on which a worker is told other things.
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
        said = getpass.getpass(f"WinRM password of {user}: ")
    except (OSError, EOFError):
        raise SecretError(f"there is no terminal to ask for the password of {user} on") from None
    if not said:
        raise SecretError(f"no password for {user} was typed")
    return Secret(said)
