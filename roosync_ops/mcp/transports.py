"""How an assistant reaches the server: standard input and output, or HTTP on this computer alone."""

import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, Final, NoReturn

import anyio
import uvicorn
from mcp.server import Server
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings

LOOPBACK: Final = "127.0.0.1"
PATH: Final = "/mcp"
_INTERRUPTED: Final = 130
#: How long calls under way may go on once the server is told to end, in s.
_GRACE_S: Final = 2


def stdio(server: Server[Any]) -> NoReturn:
    """Serve until standard input ends or Ctrl-C, and end the process: nothing but the protocol is on standard output.

    The process is left at once. A thread that waits for input, or for a share that hangs, would hold a tidy end up for
    as long as it pleases; what was answered is written, and what agents and commands were started ends by itself.
    """

    async def serve() -> None:
        # While it serves, the SDK has descriptor 1 lead to stderr: no other output gets between the messages.
        async with stdio_server(_wire()) as (read, write):
            await server.run(read, write, server.create_initialization_options())

    signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
    anyio.run(serve)
    sys.stderr.flush()
    os._exit(0)


def _wire() -> anyio.AsyncFile[str]:
    """Return standard input without the byte-order mark that some clients begin with; what is started here reads none.

    The SDK would keep the mark, and take the first message for none.
    """
    own, nothing = os.dup(0), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return anyio.wrap_file(os.fdopen(own, encoding="utf-8-sig", errors="replace"))


def http(server: Server[Any], port: int, tell: Callable[[str], None]) -> None:
    """Serve on loopback until Ctrl-C or SIGTERM; `tell` hears the address. Raises OSError where the port is taken.

    A page in a browser reaches loopback too: a request that names another host or origin is refused.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        if sys.platform != "win32":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((LOOPBACK, port))
        own = listening.getsockname()[1]
        names = [f"{LOOPBACK}:{own}", f"localhost:{own}"]
        only_here = TransportSecuritySettings(
            enable_dns_rebinding_protection=True,
            allowed_hosts=names,
            allowed_origins=[f"http://{name}" for name in names],
        )
        app = server.streamable_http_app(streamable_http_path=PATH, host=LOOPBACK, transport_security=only_here)
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, timeout_graceful_shutdown=_GRACE_S, lifespan="on"
        )
        _Announced(config, lambda: tell(f"http://{LOOPBACK}:{own}{PATH}")).run(sockets=[listening])


class _Announced(uvicorn.Server):
    """Tells its address once it takes connections and hears of Ctrl-C, and not before."""

    def __init__(self, config: uvicorn.Config, tell: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell = tell

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tell()
