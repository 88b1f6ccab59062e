"""The HTTP side: one handler for both ports, a transcript of every byte that came, and the moods of a bad network."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from . import soap
from .auth import Login, RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from .shells import Shells

_SOAP: Final = "application/soap+xml;charset=UTF-8"


@dataclass(frozen=True)
class Options:
    """What an endpoint is: its one account, what it serves without encryption, its certificate (DER), its record."""

    user: str
    password: str
    plaintext: bool
    certificate: bytes
    transcript: Path


class Server(ThreadingHTTPServer):
    """One port of the endpoint, with TLS where `context` is given."""

    daemon_threads = True
    allow_reuse_address = False
    request_queue_size = 64

    def __init__(self, options: Options, shells: Shells, context: ssl.SSLContext | None) -> None:
        self.options = options
        self.shells = shells
        self.closing = threading.Event()
        self.forgot = threading.Event()
        self._context = context
        self._writing = threading.Lock()
        super().__init__(("127.0.0.1", 0), Handler)

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        self.note({"event": "connection", "tls": self._context is not None})
        if self._context is not None:
            # the handshake belongs to the connection's own thread: a client that says nothing holds up nobody
            connection = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no event."""

    def note(self, record: dict[str, Any]) -> None:
        with self._writing, self.options.transcript.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


class Handler(BaseHTTPRequestHandler):
    """One connection. Its path's last part is its mood."""

    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        peer, certificate = None, None
        if isinstance(self.request, ssl.SSLSocket):
            self.request.do_handshake()
            peer, certificate = self.request.getpeercert(), self.server.options.certificate
        options = self.server.options
        self.login = Login(
            options.user, options.password, certificate=certificate, peer=peer, plaintext=options.plaintext
        )
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().setup()

    def log_message(self, *_: Any) -> None:
        """The transcript is the log."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.note(
            {
                "event": "request",
                "path": self.path,
                "headers": dict(self.headers),
                "body": base64.b64encode(body).decode(),
            }
        )
        mood = self.path.removeprefix("/wsman").strip("/")
        if mood in {"silent", "echo", "redirect", "open", "garbage"}:
            getattr(self, f"_{mood}")(body)
            return
        try:
            header = self.login.check(dict(self.headers))
            message, encrypted = self.login.read(self.headers.get("Content-Type", ""), body)
        except RefusedError as refused:
            self._answer(401, b"", *(("WWW-Authenticate", word) for word in refused.challenges))
            return
        extra = () if header is None else (("WWW-Authenticate", header),)
        if not message:
            self._answer(200, b"", *extra)
            return
        status, reply = self._served(message, mood)
        kind = _SOAP
        if encrypted and mood != "forged":
            kind, reply = self.login.write(reply)
        self._answer(status, reply, *extra, kind=kind)

    def _served(self, message: bytes, mood: str) -> tuple[int, bytes]:
        message_id = ""
        try:
            request = soap.parse(message)
            message_id = request.message_id
            self._moody(mood, request.action)
            return 200, self.server.shells.answer(request)
        except soap.Fault as problem:
            return 500, soap.fault(message_id, problem)

    def _moody(self, mood: str, action: str) -> None:
        if mood == "stalled" and action.endswith("/Receive"):
            self.server.closing.wait()
        if mood == "forgets" and action.endswith("/Command") and not self.server.forgot.is_set():
            self.server.forgot.set()
            raise soap.Fault(soap.NO_SUCH_SHELL, "the request contained invalid selectors for the resource")

    def _answer(self, status: int, body: bytes, *headers: tuple[str, str], kind: str | None = None) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if kind is not None:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _silent(self, _: bytes) -> None:
        self.server.closing.wait()

    def _echo(self, body: bytes) -> None:
        """Some proxies show a failed request in their answer, the login's header and all."""
        said = self.headers.get("Authorization", "")
        if said.startswith("Basic "):
            said += " = " + base64.b64decode(said[6:]).decode()
        self._answer(500, f"{self.headers}\n{said}\n".encode() + body, kind="text/plain")

    def _redirect(self, _: bytes) -> None:
        port = self.server.server_address[1]
        self._answer(307, b"", ("Location", f"http://127.0.0.1:{port}/elsewhere"))

    def _open(self, _: bytes) -> None:
        """No login asked: whoever answers so is not the machine."""
        self._answer(200, b"", kind=_SOAP)

    def _garbage(self, _: bytes) -> None:
        self._answer(200, b"<html>hello</html>", kind="text/html")
