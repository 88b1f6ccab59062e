"""What can go wrong by WinRM, in one sentence each, whichever library said it and whatever it let slip."""

import functools
import socket
from collections.abc import Callable, Iterator
from typing import Any, Final

import requests
from pypsrp.exceptions import AuthenticationError, WinRMError, WinRMTransportError, WSManFaultError

from . import link
from .link import LinkError
from .winrm_access import Access

Words = Callable[[Access, Any], tuple[str | None, str]]
#: Longer than this a server's own words tell no more.
_LONGEST: Final = 300
#: requests wraps urllib3 wraps the socket's own error; there are fewer layers than this.
_LAYERS: Final = 10
_REFUSED: Final = "Authentication error (user={access.user}, auth={access.auth}): the machine refused the login"


def worded(access: Access, error: Exception, limit_s: float | None, *, reached: bool) -> LinkError | TimeoutError:
    """Return `error` in words that hold no secret. It is another object, and holds nothing of `error`."""
    if isinstance(error, TimeoutError):
        return TimeoutError(f"no end within {limit_s:.0f} s" if limit_s else "no answer in time")
    code, said = next(words for kinds, words in _WORDS if isinstance(error, kinds))(access, error)
    said = access.hidden(said)[:_LONGEST]
    if code is None:
        return TimeoutError(said)
    return LinkError(link.CONNECTION_LOST if reached else code, said, met=reached, reached=reached)


# Each of these returns a code of link.py, None for what came too late, and a sentence.


def _coded(_: Access, error: WinRMTransportError | WSManFaultError) -> tuple[str, str]:
    if isinstance(error, WSManFaultError):
        return link.UNREACHABLE, f"WinRM fault {error.code}: {' '.join(str(error.reason or 'no reason').split())}"
    return link.UNREACHABLE, f"HTTP {error.code}: {' '.join(str(error.response_text).split()) or 'no more'}"


def _untrusted(_: Access, error: Exception) -> tuple[str, str]:
    inner = _innermost(error)
    reason = getattr(inner, "verify_message", None)
    if reason is None:
        return link.UNREACHABLE, f"TLS error: {getattr(inner, 'reason', None) or inner}"
    return link.UNREACHABLE, f"TLS error: {reason}; winrm_ca names the authority that signed its certificate"


def _unconnected(access: Access, error: Exception) -> tuple[str, str]:
    cause = _innermost(error)
    if isinstance(cause, socket.gaierror) or "NameResolutionError" in str(error):
        return link.UNKNOWN_HOST, f"Could not resolve hostname {access.host}"
    reason = getattr(cause, "strerror", None) or type(cause).__name__
    return link.UNREACHABLE, f"Could not connect to {access.host} port {access.port}: {reason}"


def _says(text: str, code: str | None = link.UNREACHABLE) -> Words:
    """Return the words for an error that is always told the same; `{access.auth}` is how the login was to be."""
    return lambda access, error: (code, text.format(access=access, error=error))


#: The most particular first.
_WORDS: Final[tuple[tuple[type[Exception] | tuple[type[Exception], ...], Words], ...]] = (
    (AuthenticationError, _says(_REFUSED, link.LOGIN_REFUSED)),
    ((WinRMTransportError, WSManFaultError), _coded),
    (requests.exceptions.SSLError, _untrusted),
    (requests.ConnectTimeout, _says("Could not connect to {access.host} port {access.port}: no answer in time")),
    (requests.Timeout, _says("no answer in time: it took the connection and then said nothing", None)),
    (requests.TooManyRedirects, _says("the machine points to another address, which is not followed")),
    (requests.ConnectionError, _unconnected),
    # pypsrp looks for the login that encrypts, and there is none.
    (KeyError, _says("it asked for no login, so nothing could be encrypted and nothing was sent")),
    (ImportError, _says('winrm_auth {access.auth} needs pip install "pypsrp[{access.auth}]": {error}')),
    ((OSError, WinRMError), _says("{error}")),
    (Exception, _says("{error.__class__.__name__}: {error}")),
)


def _innermost(error: BaseException) -> BaseException:
    return functools.reduce(lambda found, _: next(_wrapped(found), found), range(_LAYERS), error)


def _wrapped(error: BaseException) -> Iterator[BaseException]:
    for found in (getattr(error, "reason", None), error.__cause__, *error.args, error.__context__):
        if isinstance(found, BaseException):
            yield found
