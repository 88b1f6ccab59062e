"""The same page, live, for a browser on this very computer: looked again and again, asked for by the page itself.

Nothing but this computer can ask (loopback alone), and no page of another site can read it: a request that names
another host (DNS rebinding) is refused.
"""

import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, NamedTuple
from urllib.parse import SplitResult, parse_qs, urlsplit

from roosync_ops.errors import describe
from roosync_ops.judge.reports import Dashboard
from roosync_ops.show.exports import TYPE, openmetrics
from roosync_ops.show.page import document, fragment, policy
from roosync_ops.show.page.html import Html
from roosync_ops.show.text import Style, safe
from roosync_ops.wire.times import now_ms

LOOPBACK: Final = "127.0.0.1"
_HTML: Final = "text/html; charset=utf-8"
_TEXT: Final = "text/plain; charset=utf-8"
#: How long a request may take to be sent, in s.
_REQUEST_S: Final = 10.0


class _Shown(NamedTuple):
    """What was last seen, what goes by `key`, and what is wrong now."""

    board: Dashboard
    key: str
    content: Html
    trouble: str | None


class Live:
    """The page as it is now. `look` raises where there is nothing to see."""

    def __init__(self, look: Callable[[], Dashboard], lang: str, every_s: float = 0.0) -> None:
        self._look = look
        self._style = Style(lang)
        self._every_s = every_s
        self._shown = self._made(self._looked(), None)

    def again(self) -> None:
        """Look once more; what cannot be seen is told on the page, beside what was."""
        try:
            self._shown = self._made(self._looked(), None)
        except Exception as error:  # noqa: BLE001 - whatever it is, the page says it and the next look comes
            self._shown = self._made(self._shown.board, describe(error).reason)

    def _looked(self) -> Dashboard:
        """Look, and have it be current until two more could have come, however long a machine that hangs makes one."""
        began = now_ms()
        board = self._look()
        took = now_ms() - began
        return replace(board, fresh_ms=max(board.fresh_ms, round(2 * (self._every_s * 1000 + took))))

    def _made(self, board: Dashboard, trouble: str | None) -> _Shown:
        key = f"{board.at_ms}-{zlib.crc32((trouble or '').encode('utf-8', 'replace')):08x}"
        return _Shown(board, key, fragment(board, self._style, live=True, trouble=trouble, key=key), trouble)

    def page(self, asked: SplitResult) -> tuple[HTTPStatus, str, str]:
        """Return what is answered to a path, as what."""
        shown = self._shown
        if asked.path == "/":
            return HTTPStatus.OK, document(shown.board, self._style, shown.content, live=True), _HTML
        if asked.path == "/live":
            if parse_qs(asked.query).get("key") == [shown.key]:
                return HTTPStatus.NO_CONTENT, "", _HTML
            return HTTPStatus.OK, shown.content, _HTML
        if asked.path == "/metrics":
            return HTTPStatus.OK, openmetrics(shown.board.validation) + "\n", TYPE
        if asked.path == "/healthz":
            age_ms, why = now_ms() - shown.board.at_ms, shown.trouble
            if why is None and age_ms > shown.board.fresh_ms:
                why = f"the last look was {age_ms // 1000} s ago"
            return HTTPStatus.SERVICE_UNAVAILABLE if why else HTTPStatus.OK, f"{safe(why or 'ok')}\n", _TEXT
        return HTTPStatus.NOT_FOUND, "no such page\n", _TEXT


@contextmanager
def serving(live: Live, port: int, every_s: float) -> Iterator[str]:
    """Serve on loopback for a block, looking again `every_s` s after each look; yields the address. Raises OSError."""
    server = _Server((LOOPBACK, port), _handler(live))
    stop = threading.Event()

    def look_again() -> None:
        while not stop.wait(every_s):
            live.again()

    for name, work in (("dashboard", server.serve_forever), ("look", look_again)):
        # Daemons: a look that hangs must not keep the program.
        threading.Thread(target=work, name=name, daemon=True).start()
    try:
        yield f"http://{LOOPBACK}:{server.server_port}/"
    finally:
        stop.set()
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no error."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type] # typeshed's own wish


def _handler(live: Live) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _REQUEST_S
        server_version = "roosync-ops"
        sys_version = ""

        def do_GET(self) -> None:
            port = self.connection.getsockname()[1]
            if self.headers.get("Host") not in [f"{name}:{port}" for name in (LOOPBACK, "localhost")]:
                self._answer(HTTPStatus.MISDIRECTED_REQUEST, "this serves 127.0.0.1 alone\n", _TEXT)
                return
            try:
                asked = urlsplit(self.path)
            except ValueError:  # a bracket that is not closed
                self._answer(HTTPStatus.BAD_REQUEST, "that is no address\n", _TEXT)
            else:
                self._answer(*live.page(asked))

        def _answer(self, status: HTTPStatus, text: str, kind: str) -> None:
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
