"""A WinRM service that never ends what it says: no reply of it is read beyond what any reply has."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from roosync_ops.transport import winrm_access
from roosync_ops.transport.link import TOO_MUCH, LinkError
from roosync_ops.transport.winrm_session import WinrmShell

if TYPE_CHECKING:
    from collections.abc import Iterator

#: So much is offered: far more than is read, and not so much that a reader of it all would end the test's machine.
_OFFERED = 256 << 20
_PIECE = b"10000\r\n" + b"<" * 65_536 + b"\r\n"


class Endless:
    """Answers every request with `status` and a body that goes on, and counts what was taken of it."""

    def __init__(self, status: str, kind: str) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nWWW-Authenticate: Negotiate\r\n"
        self._head = f"{head}Transfer-Encoding: chunked\r\n\r\n".encode()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.taken = 0
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client, contextlib.suppress(OSError):
                client.settimeout(10)
                client.recv(65_536)
                client.sendall(self._head)
                while self.taken < _OFFERED:
                    client.sendall(_PIECE)
                    self.taken += len(_PIECE)


@pytest.fixture(
    params=[
        pytest.param(("200 OK", 'multipart/encrypted;boundary="Encrypted Boundary"'), id="an answer"),
        pytest.param(("500 Internal Server Error", "application/soap+xml"), id="a fault"),
        pytest.param(("401 Unauthorized", "text/html"), id="a login"),
        pytest.param(("503 Service Unavailable", "text/html"), id="not now"),
        pytest.param(("302 Found\r\nLocation: /elsewhere", "text/html"), id="elsewhere"),
    ]
)
def endless(request: pytest.FixtureRequest) -> Iterator[Endless]:
    server = Endless(*request.param)
    yield server
    server.close()


def test_a_reply_that_never_ends_is_left(endless: Endless, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(winrm_access.PASSWORD, "a word")
    fields = {"winrm_user": "me", "winrm_transport": "http", "winrm_hostname": "127.0.0.1", "winrm_port": endless.port}
    session = WinrmShell(winrm_access.of("myia-web1", fields), 5)
    with pytest.raises(LinkError) as caught:
        session.open()
    session.close()
    assert caught.value.code == TOO_MUCH
    assert "4 MiB" in str(caught.value)
    assert endless.taken < _OFFERED / 4
