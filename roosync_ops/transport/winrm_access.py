"""How a machine is reached by WinRM: the data keys of a pyinfra host, checked before a packet is sent.

Over HTTPS by default, with a certificate that is checked. Over HTTP every message is encrypted, or nothing is sent,
unless the inventory asks for plaintext in so many words. The one secret comes from the environment, from a file that
only its owner can read, or from the operator's keyboard; never from an inventory or a command line.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn, TypedDict, get_type_hints
from urllib.parse import quote
from xml.sax.saxutils import escape

from pydantic import SecretStr

from roosync_ops.fleet.machine import WINRM_PORTS

PASSWORD: Final = "ROOSYNC_WINRM_PASSWORD"  # noqa: S105 - the name of a variable
PASSWORD_FILE: Final = "ROOSYNC_WINRM_PASSWORD_FILE"  # noqa: S105 - the name of a variable
#: Of the client certificate's key, where that is encrypted.
KEY_PASSWORD: Final = "ROOSYNC_WINRM_KEY_PASSWORD"  # noqa: S105 - the name of a variable
_HIDDEN: Final = "***"
#: Fewer characters of base64 tell nothing.
_TELLING: Final = 5
#: What winrm_plaintext must say.
PLAINTEXT: Final = "yes, send everything in plaintext"
AUTHS: Final = ("negotiate", "certificate", "kerberos", "ntlm", "basic", "credssp")
#: Those whose context can encrypt messages.
_ENCRYPTING: Final = frozenset({"negotiate", "kerberos", "ntlm", "credssp"})
#: Those that can go by a ticket there is already.
_TICKETS: Final = frozenset({"kerberos", "negotiate"})


class AccessError(ValueError):
    """Data keys, or a secret, that are not there, cannot be used or must not be: one sentence without the secret."""


class Secret(SecretStr):
    """A text that is shown only where it is asked for by name, and never written."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written anywhere")

    def hidden_in(self, text: str, user: str | None = None) -> str:
        """Return `text` with *** for each form of the secret: a server may send back what it was sent."""
        plain = self.get_secret_value()
        plains = {plain, escape(plain), quote(plain), quote(plain, safe=""), json.dumps(plain)[1:-1], repr(plain)[1:-1]}
        for form in sorted(plains, key=len, reverse=True):
            text = text.replace(form, _HIDDEN)
        for form in sorted(set(self._coded_forms(user)), key=len, reverse=True):
            text = re.sub(f"[A-Za-z0-9+/]{{0,3}}{re.escape(form)}[A-Za-z0-9+/]{{0,3}}=*", _HIDDEN, text)
        return text

    def _coded_forms(self, user: str | None) -> Iterator[str]:
        """Yield what base64 makes of it: what stands before shifts it, and shares characters with it."""
        plain = self.get_secret_value()
        for encoding in ("utf-8", "utf-16-le", "latin-1"):
            for said in (plain, f"{user or ''}:{plain}"):
                for before in range(3):
                    coded = base64.b64encode(bytes(before) + said.encode(encoding, "replace")).decode().rstrip("=")
                    coded = coded[(0, 2, 3)[before] : -1]
                    if len(coded) >= _TELLING:
                        yield coded


class ConnectorData(TypedDict):
    """The data keys of `@roosync-winrm`: what each means, and what holds where nothing is said. Times in s."""

    winrm_hostname: Annotated[str, "WinRM hostname", None]
    winrm_port: Annotated[int, "WinRM port; 5986 for https, 5985 for http", None]
    winrm_user: Annotated[str, "WinRM user", None]
    winrm_auth: Annotated[str, f"one of {', '.join(AUTHS)}", "negotiate"]
    winrm_transport: Annotated[str, "https or http", "https"]
    winrm_path: Annotated[str, "path of the endpoint", "wsman"]
    winrm_ca: Annotated[
        str, "file of the authority that signed the machine's certificate, where the system knows it not", None
    ]
    winrm_cert_validation: Annotated[bool, "whether the machine's certificate is checked", True]
    winrm_certificate_pem: Annotated[str, "file of the client's certificate, for winrm_auth certificate", None]
    winrm_certificate_key_pem: Annotated[str, f"file of its key; its password is in {KEY_PASSWORD}", None]
    winrm_encryption: Annotated[str, "of the messages: auto (not within https, always over http) or always", "auto"]
    winrm_plaintext: Annotated[str, f"{PLAINTEXT!r}, and nothing else, allows http without encryption", None]
    winrm_password_file: Annotated[
        str,
        f"file that holds the password; else {PASSWORD} or {PASSWORD_FILE} is looked at",
        None,
    ]
    winrm_password_prompt: Annotated[bool, "whether to ask for the password where none is found", False]
    winrm_operation_timeout: Annotated[int, "how long one request may take on the machine, in s", 20]
    winrm_read_timeout: Annotated[int, "how long an answer may take, in s", 30]


#: By key, as pyinfra takes it: what it means, and what holds where an inventory does not say.
KEYS: Final[dict[str, tuple[str, Any]]] = {
    key: kind.__metadata__ for key, kind in get_type_hints(ConnectorData, include_extras=True).items()
}


@dataclass(frozen=True)
class Access:
    """A way to a machine that may be gone. Times in s. Its repr holds no secret."""

    host: str
    port: int
    user: str | None
    password: Secret | None
    auth: str
    tls: bool
    path: str
    #: requests' own: a file of authorities, or whether the certificate is checked at all
    verify: str | bool
    certificate: tuple[str | None, str | None]
    key_password: Secret | None
    #: pypsrp's own: auto, always or never
    encryption: str
    operation_timeout: int
    read_timeout: int

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the inventory asked for, and the operator should know each time."""
        found = []
        if self.encryption == "never":
            found.append("everything is sent in plaintext, the login too, as winrm_plaintext asks")
        if self.tls and self.verify is False:
            found.append("its certificate is not checked, as winrm_cert_validation asks: it may be another machine")
        return tuple(found)

    def hidden(self, text: str) -> str:
        """Return `text` without this login's secrets."""
        for secret in (self.password, self.key_password):
            text = text if secret is None else secret.hidden_in(text, self.user)
        return text


def of(name: str, said: Mapping[str, Any]) -> Access:
    """Return the way to a machine that these data keys describe. Raises AccessError."""
    data = {key: said.get(key, usual) for key, (_, usual) in KEYS.items()}
    auth, transport = data["winrm_auth"], data["winrm_transport"]
    if auth not in AUTHS:
        raise AccessError(f"winrm_auth: {auth!r} is none of {', '.join(AUTHS)}")
    if transport not in WINRM_PORTS:
        raise AccessError(f"winrm_transport: {transport!r} is neither https nor http")
    tls = transport == "https"
    encryption = _encryption(data, auth, tls=tls)
    key_password = None
    if auth == "certificate" and os.environ.get(KEY_PASSWORD):
        key_password = Secret(os.environ[KEY_PASSWORD])
    return Access(
        host=data["winrm_hostname"] or name,
        port=data["winrm_port"] or WINRM_PORTS[transport],
        user=data["winrm_user"],
        password=None if auth == "certificate" else _password(data, auth),
        auth=auth,
        tls=tls,
        path=data["winrm_path"].strip("/"),
        verify=data["winrm_ca"]
        if data["winrm_cert_validation"] and data["winrm_ca"]
        else data["winrm_cert_validation"],
        certificate=_certificate(data) if auth == "certificate" else (None, None),
        key_password=key_password,
        encryption=encryption,
        operation_timeout=data["winrm_operation_timeout"],
        # The machine answers at the latest after the operation's own time; this much later it never will.
        read_timeout=max(data["winrm_read_timeout"], data["winrm_operation_timeout"] + 2),
    )


def _encryption(data: Mapping[str, Any], auth: str, *, tls: bool) -> str:
    """Return pypsrp's word for it. Plaintext is refused here, before there is a socket."""
    asked, plaintext = data["winrm_encryption"], data["winrm_plaintext"]
    if plaintext not in {None, "", PLAINTEXT}:
        raise AccessError(f"winrm_plaintext: it takes exactly {PLAINTEXT!r} to send everything in plaintext")
    if asked not in {"auto", "always"}:
        raise AccessError(f"winrm_encryption: {asked!r} is neither auto nor always")
    if asked == "always" and auth not in _ENCRYPTING:
        raise AccessError(f"winrm_encryption: {auth} cannot encrypt messages; leave it auto, over https")
    if tls:
        return asked  # type: ignore[no-any-return] # one of two words, see above
    if plaintext and asked == "auto" and auth != "certificate":
        return "never"
    if auth not in _ENCRYPTING:
        raise AccessError(
            f"winrm_auth {auth} over http would send everything in plaintext; use https, or negotiate, which encrypts"
        )
    return "always"


def _password(data: Mapping[str, Any], auth: str) -> Secret | None:
    user = data["winrm_user"]
    if not user:
        if auth in _TICKETS:
            return None
        raise AccessError(f"winrm_user: {auth} takes a user")
    found = find(user, data["winrm_password_file"], prompt=data["winrm_password_prompt"])
    if found is None and auth != "kerberos":
        ways = f"set {PASSWORD}, or name a file in {PASSWORD_FILE}"
        raise AccessError(f"there is no password for {user}: {ways}")
    return found


def _certificate(data: Mapping[str, Any]) -> tuple[str, str]:
    files = data["winrm_certificate_pem"], data["winrm_certificate_key_pem"]
    if not all(files):
        raise AccessError("winrm_auth certificate takes winrm_certificate_pem and winrm_certificate_key_pem")
    return files


def find(user: str, file: str | None, *, prompt: bool, environment: Mapping[str, str] = os.environ) -> Secret | None:
    """Return the password: from `file`, else from the environment, else asked for if `prompt`. Raises AccessError."""
    if file is not None:
        return _of_file(file)
    if environment.get(PASSWORD):
        return Secret(environment[PASSWORD])
    if environment.get(PASSWORD_FILE):
        return _of_file(environment[PASSWORD_FILE])
    return _asked(user) if prompt else None


def _of_file(name: str) -> Secret:
    """Return the first line of a file that only its owner, the user of this process, can read."""
    path = Path(name).expanduser()
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise AccessError(f"{name}: the password file is no file")
            if sys.platform != "win32" and (status.st_mode & 0o077 or status.st_uid != os.geteuid()):
                raise AccessError(f"{name}: the password file must be yours alone: chmod 600")
            text = file.readline(4096).decode()
    except OSError as error:
        raise AccessError(f"{name}: the password file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        problem = AccessError(f"{name}: the password file is not UTF-8")
    else:
        if text.rstrip("\r\n"):
            return Secret(text.rstrip("\r\n"))
        problem = AccessError(f"{name}: the password file has no first line")
    raise problem  # out here, where the error that held the text is gone


@functools.cache
def _asked(user: str) -> Secret:
    """Ask once for each user, on the terminal: a worker's stdin is no keyboard."""
    try:
        # Where this fails getpass would read stdin, on which a worker is told other things.
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
        said = getpass.getpass(f"WinRM password of {user}: ")
    except (OSError, EOFError):
        raise AccessError(f"there is no terminal to ask for the password of {user} on") from None
    if not said:
        raise AccessError(f"no password for {user} was typed")
    return Secret(said)
