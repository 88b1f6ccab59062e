"""The same page, live, for a browser on this very computer: looked again and again, asked for by the page itself.

Nothing but this computer can ask (loopback alone), and no page of another site can read it: a request that names
another host (DNS rebinding) is refused.
"""

from __future__ import annotations

import sys
import threading
import zlib
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, parse_qs, urlsplit

from roosync_ops.show.exports import TYPE, openmetrics
from roosync_ops.show.page import document, fragment, policy
from roosync_ops.show.text import safe
from roosync_ops.wire.times import now_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from roosync_ops.judge.dashboard import Dashboard
    from roosync_ops.show.page.html import Html

LOOPBACK: Final = "127.0.0.1"
_HTML: Final = "text/html; charset=utf-8"
_TEXT: Final = "text/plain; charset=utf-8"
#: How long a request may take to be sent, in s.
_REQUEST_S: Final = 10.0


class Live:
    """What was last seen, and what is wrong now. `look` raises where there is nothing to see."""

    def __init__(
        self, look: Callable[[], Dashboard], say: Callable[[Exception], str], lang: str, every_s: float = 0.0
    ) -> None:
        self._look = look
        self._say = say
        self._lang = lang
        self._every_s = every_s
        self._lock = threading.Lock()
        self._set(self._looked(), None)

    def again(self) -> None:
        """Look once more; what cannot be seen is told on the page, beside what was."""
        try:
            board, trouble = self._looked(), None
        except Exception as error:  # noqa: BLE001 - whatever it is, the page says it and the next look comes
            board, trouble = self._board, self._say(error)
        self._set(board, trouble)

    def _looked(self) -> Dashboard:
        """Look, and have it be current until two more could have come, however long a machine that hangs makes one."""
        began = now_ms()
        board = self._look()
        took = now_ms() - began
        return replace(board, fresh_ms=max(board.fresh_ms, round(2 * (self._every_s * 1000 + took))))

    def _set(self, board: Dashboard, trouble: str | None) -> None:
        key = f"{board.at_ms}-{zlib.crc32((trouble or '').encode('utf-8', 'replace')):08x}"
        content = fragment(board, self._lang, live=True, trouble=trouble, key=key)
        with self._lock:
            self._board, self._key, self._content, self._trouble = board, key, content, trouble

    def whole(self) -> str:
        """Return the page."""
        board, _, content = self._now()
        return document(board, self._lang, content, live=True)

    def metrics(self) -> str:
        """Return what was last seen, as OpenMetrics."""
        return openmetrics(self._now()[0].validation) + "\n"

    def trouble(self) -> str | None:
        """Return why what is shown is not current, None where it is."""
        with self._lock:
            board, trouble = self._board, self._trouble
        if trouble is None and now_ms() - board.at_ms > board.fresh_ms:
            return f"the last look was {(now_ms() - board.at_ms) // 1000} s ago"
        return trouble

    def since(self, key: str) -> str | None:
        """Return what changes, None where it is what goes by `key`."""
        _, current, content = self._now()
        return None if key == current else content

    def _now(self) -> tuple[Dashboard, str, Html]:
        with self._lock:
            return self._board, self._key, self._content


@contextmanager
def serving(live: Live, port: int, every_s: float) -> Iterator[str]:
    """Serve on loopback for a block, looking again `every_s` s after each look; yields the address. Raises OSError."""
    server = _Server((LOOPBACK, port), _handler(live))
    stop = threading.Event()
    threads = [
        # Daemons: a look that hangs must not keep the program.
        threading.Thread(target=server.serve_forever, name="dashboard", daemon=True),
        threading.Thread(target=_look_again, args=(live, stop, every_s), name="look", daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}/"
    finally:
        stop.set()
        server.shutdown()
        server.server_close()


def _look_again(live: Live, stop: threading.Event, every_s: float) -> None:
    while not stop.wait(every_s):
        live.again()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no error."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type] # typeshed's own wish


def _page(live: Live, asked: SplitResult) -> tuple[HTTPStatus, str, str]:
    """Return what is answered to a path, as what."""
    if asked.path == "/":
        return HTTPStatus.OK, live.whole(), _HTML
    if asked.path == "/live":
        text = live.since(parse_qs(asked.query).get("key", [""])[0])
        return HTTPStatus.NO_CONTENT if text is None else HTTPStatus.OK, text or "", _HTML
    if asked.path == "/metrics":
        return HTTPStatus.OK, live.metrics(), TYPE
    if asked.path == "/healthz":
        why = live.trouble()
        return HTTPStatus.SERVICE_UNAVAILABLE if why else HTTPStatus.OK, f"{safe(why or 'ok')}\n", _TEXT
    return HTTPStatus.NOT_FOUND, "no such page\n", _TEXT


def _handler(live: Live) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _REQUEST_S
        server_version = "roosync-ops"
        sys_version = ""

        def do_GET(self) -> None:
            try:
                asked = urlsplit(self.path)
            except ValueError:  # a bracket that is not closed
                asked = None
            if not self._is_for_us():
                self._answer(HTTPStatus.MISDIRECTED_REQUEST, "this serves 127.0.0.1 alone\n", _TEXT)
            elif asked is None:
                self._answer(HTTPStatus.BAD_REQUEST, "that is no address\n", _TEXT)
            else:
                self._answer(*_page(live, asked))

        def _is_for_us(self) -> bool:
            port = self.connection.getsockname()[1]
            return self.headers.get("Host") in [f"{name}:{port}" for name in (LOOPBACK, "localhost")]

        def _answer(self, status: HTTPStatus, text: str, kind: str = _HTML) -> None:
            raw = text.encode("utf-8", "backslashreplace")
            self.send_response(status)
            headers = {
                "Content-Type": kind,
                "Content-Length": str(len(raw)),
                "Content-Security-Policy": f"{policy(live=True)}; frame-ancestors 'none'",
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
                "X-Roosync-Now": str(now_ms()),
            }
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            """Say nothing: stderr is for what a person has to know."""

    return Handler
