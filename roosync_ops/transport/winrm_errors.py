"""What can go wrong by WinRM, in one sentence each, whichever library said it and whatever it let slip."""

from __future__ import annotations

import functools
import socket
from typing import TYPE_CHECKING, Any, Final

import requests
from pypsrp.exceptions import AuthenticationError, WinRMError, WinRMTransportError, WSManFaultError

from . import link

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .winrm_access import Access

    Words = Callable[[Access, Any], tuple[type[OSError], str]]

#: Longer than this a server's own words tell nobody more.
_LONGEST: Final = 300
#: requests wraps urllib3 wraps the socket's own error; there are fewer layers than this.
_LAYERS: Final = 10


class WinrmError(OSError):
    """What WinRM or the network did instead of what was asked. One sentence, without a secret; a code of link.py."""

    code = link.UNREACHABLE


class LoginError(WinrmError):
    """The machine refused the login."""

    code = link.LOGIN_REFUSED


class UnknownHostError(WinrmError):
    """The machine's name cannot be resolved."""

    code = link.UNKNOWN_HOST


class PlaintextError(WinRMError):
    """An answer in plaintext where all must be encrypted: whoever wrote it need not be the machine."""


def worded(access: Access, error: Exception, limit_s: float | None) -> OSError:
    """Return `error` as a WinrmError or a TimeoutError. It is another object, and holds nothing of `error`."""
    for kinds, words in _WORDS:
        if isinstance(error, kinds):
            kind, said = words(access, error)
            return kind(access.hidden(said)[:_LONGEST])
    if isinstance(error, TimeoutError):
        return TimeoutError(f"no end within {limit_s:.0f} s" if limit_s else "no answer in time")
    name = "" if isinstance(error, (OSError, WinRMError)) else f"{type(error).__name__}: "
    return WinrmError(access.hidden(f"{name}{error}")[:_LONGEST])


def _refused(access: Access, _: Exception) -> tuple[type[OSError], str]:
    return LoginError, f"Authentication error (user={access.user}, auth={access.auth}): the machine refused the login"


def _coded(_: Access, error: WinRMTransportError | WSManFaultError) -> tuple[type[OSError], str]:
    if isinstance(error, WSManFaultError):
        return WinrmError, f"WinRM fault {error.code}: {' '.join(str(error.reason or 'no reason').split())}"
    return WinrmError, f"HTTP {error.code}: {' '.join(str(error.response_text).split()) or 'no more'}"


def _untrusted(_: Access, error: Exception) -> tuple[type[OSError], str]:
    inner = _innermost(error)
    reason = getattr(inner, "verify_message", None)
    if reason is None:
        return WinrmError, f"TLS error: {getattr(inner, 'reason', None) or inner}"
    return WinrmError, f"TLS error: {reason}; winrm_ca names the authority that signed its certificate"


def _late(access: Access, error: Exception) -> tuple[type[OSError], str]:
    if isinstance(error, requests.ConnectTimeout):
        return WinrmError, f"Could not connect to {access.host} port {access.port}: no answer in time"
    return TimeoutError, "no answer in time: it took the connection and then said nothing"


def _unconnected(access: Access, error: Exception) -> tuple[type[OSError], str]:
    cause = _innermost(error)
    if isinstance(cause, socket.gaierror) or "NameResolutionError" in str(error):
        return UnknownHostError, f"Could not resolve hostname {access.host}"
    reason = getattr(cause, "strerror", None) or type(cause).__name__
    return WinrmError, f"Could not connect to {access.host} port {access.port}: {reason}"


def _says(text: str) -> Words:
    """Return the words for an error that is always told the same; `{auth}` is how the login was to be."""
    return lambda access, error: (WinrmError, text.format(auth=access.auth, error=error))


#: The most particular first.
_WORDS: Final[tuple[tuple[type[Exception] | tuple[type[Exception], ...], Words], ...]] = (
    (AuthenticationError, _refused),
    ((WinRMTransportError, WSManFaultError), _coded),
    (requests.exceptions.SSLError, _untrusted),
    (requests.Timeout, _late),
    (requests.TooManyRedirects, _says("the machine points to another address, which is not followed")),
    (requests.ConnectionError, _unconnected),
    # pypsrp looks for the login that encrypts, and there is none.
    (KeyError, _says("it asked for no login, so nothing could be encrypted and nothing was sent")),
    (ImportError, _says('winrm_auth {auth} needs pip install "pypsrp[{auth}]": {error}')),
)


def _innermost(error: BaseException) -> BaseException:
    return functools.reduce(lambda found, _: next(_wrapped(found), found), range(_LAYERS), error)


def _wrapped(error: BaseException) -> Iterator[BaseException]:
    for found in (getattr(error, "reason", None), error.__cause__, *error.args, error.__context__):
        if isinstance(found, BaseException):
            yield found
