"""Who a connection is: Negotiate (NTLM, by pyspnego as the acceptor) with message encryption, Basic, certificates.

As the service does by default (AllowUnencrypted false): Basic over TLS alone, and without TLS nothing is served that
did not come encrypted.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct
from typing import TYPE_CHECKING, Final

import spnego
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError

if TYPE_CHECKING:
    from collections.abc import Mapping

_BOUNDARY: Final = b"--Encrypted Boundary"
_PROTOCOL: Final = "application/HTTP-SPNEGO-session-encrypted"
CERTIFICATE: Final = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"


class RefusedError(Exception):
    """Nothing is served: an answer 401 with these headers."""

    def __init__(self, *challenges: str) -> None:
        super().__init__("401")
        self.challenges = challenges


class Login:
    """One TCP connection's login. `certificate` is the server's own, in DER, where there is TLS."""

    def __init__(self, user: str, password: str, *, certificate: bytes | None, peer: object, plaintext: bool) -> None:
        self._basic = f"{user}:{password}".encode()
        self._tls = certificate is not None
        self._bindings = None if certificate is None else _bindings(certificate)
        self._peer = peer
        self._plaintext = plaintext
        self._context: spnego.ContextProxy | None = None
        self._in = False

    def check(self, headers: Mapping[str, str]) -> str | None:
        """Return the header that goes with an answer, None for none. Raises RefusedError."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme == "Negotiate" and token:
            return self._negotiate(base64.b64decode(token))
        if scheme == "Basic" and (self._tls or self._plaintext):
            if not hmac.compare_digest(base64.b64decode(token), self._basic):
                raise RefusedError(*self._offers())
            return None
        if scheme == CERTIFICATE and self._tls and self._peer:
            return None
        if not self._in:
            raise RefusedError(*self._offers())
        return None

    def read(self, content_type: str, body: bytes) -> tuple[bytes, bool]:
        """Return the message in a request's body, and whether it came encrypted. Raises RefusedError."""
        if content_type.startswith("multipart/encrypted"):
            if self._context is None or not self._in:
                raise RefusedError(*self._offers())
            return unwrap(self._context, body), True
        if body and not self._tls and not self._plaintext:
            raise RefusedError(*self._offers())
        return body, False

    def write(self, message: bytes) -> tuple[str, bytes]:
        """Return the content type and the body of an encrypted answer."""
        assert self._context is not None
        return f'multipart/encrypted;protocol="{_PROTOCOL}";boundary="Encrypted Boundary"', wrap(self._context, message)

    def _negotiate(self, token: bytes) -> str | None:
        if self._context is None or self._in:
            self._in = False
            self._context = spnego.server(protocol="negotiate", channel_bindings=self._bindings)
        try:
            answer = self._context.step(token)
        except SpnegoError:
            self._context = None
            raise RefusedError(*self._offers()) from None
        words = None if answer is None else f"Negotiate {base64.b64encode(answer).decode()}"
        if not self._context.complete:
            raise RefusedError(words or "Negotiate")
        self._in = True
        return words

    def _offers(self) -> tuple[str, ...]:
        return ("Negotiate", 'Basic realm="WSMAN"') if self._tls or self._plaintext else ("Negotiate",)


def wrap(context: spnego.ContextProxy, message: bytes) -> bytes:
    """[MS-WSMV] 2.2.9.1: one encrypted message as a multipart body."""
    sealed = context.wrap_winrm(message)
    length = len(message) + sealed.padding_length
    head = (
        _BOUNDARY + f"\r\n\tContent-Type: {_PROTOCOL}\r\n".encode()
        + f"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length={length}\r\n".encode()
        + _BOUNDARY + b"\r\n\tContent-Type: application/octet-stream\r\n"
    )  # fmt: skip
    return head + struct.pack("<i", len(sealed.header)) + sealed.header + sealed.data + _BOUNDARY + b"--\r\n"


def unwrap(context: spnego.ContextProxy, body: bytes) -> bytes:
    """Open what `wrap` made."""
    _, head, rest = body.split(_BOUNDARY + b"\r\n", 2)
    length = int(head.rsplit(b"Length=", 1)[1])
    sealed = rest.removeprefix(b"\tContent-Type: application/octet-stream\r\n").removesuffix(_BOUNDARY + b"--\r\n")
    (size,) = struct.unpack_from("<i", sealed)
    message = context.unwrap_winrm(sealed[4 : 4 + size], sealed[4 + size :])
    if len(message) != length:
        raise RefusedError("Negotiate")
    return message


def _bindings(certificate: bytes) -> GssChannelBindings:
    """RFC 5929: what ties a login to the TLS connection it came by (the tests' certificates are SHA-256 ones)."""
    digest = hashlib.sha256(certificate).digest()
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest)
