"""The protocol's side: a call comes in, is checked, answered in bounded time and size, or refused with a way out."""

import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NoReturn

import anyio
import anyio.to_thread
import uvicorn
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
)
from pydantic import ValidationError

from roosync_ops import __version__, show
from roosync_ops.agent.errors import UNKNOWN_ACTION
from roosync_ops.errors import INTERNAL, INTERRUPTED, CommandError, describe
from roosync_ops.show.text import safe

from .arguments import Arguments
from .bounds import MAX_TEXT, bounded
from .desk import ServerContext, ServerSettings, ToolAnswer
from .tools import TEXTS, Entry, entries

#: So many calls are worked on at once; what hangs keeps its place until it gives up by itself.
_WORKERS: Final = 8
#: How often a call that takes its time says so, in s.
TELL_S: Final = 5.0
#: So many faults of one call are told.
_MAX_FAULTS: Final = 3
LOOPBACK: Final = "127.0.0.1"
PATH: Final = "/mcp"
#: How long calls under way may go on once the server is told to end, in s.
_GRACE_S: Final = 2


class _Tools:
    def __init__(self, settings: ServerSettings) -> None:
        self._entries = entries(allow_changes=settings.allow_changes, compat=settings.compat)
        self._desk = ServerContext(settings)
        self._workers = anyio.CapacityLimiter(_WORKERS)

    async def list(self, _: ServerRequestContext[Any], __: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[entry.described() for entry in self._entries.values()])

    async def call(self, ctx: ServerRequestContext[Any], params: CallToolRequestParams) -> CallToolResult:
        entry = self._entries.get(params.name)
        if entry is None:
            raise MCPError(INVALID_PARAMS, f"Unknown tool: {safe(params.name[:80])}")
        try:
            answer = await self._answer(ctx, entry, parse(entry, params.arguments or {}))
            document = bounded(answer.document, entry.whole)
            # A client refuses what is not as the tool's schema says, and could not tell the assistant why.
            entry.result.validate_python({key: value for key, value in document.items() if key != "truncated"})
            notes = [f"Note: {safe(note)}" for note in answer.notes]
            if "truncated" in document:
                cut = document["truncated"]
                notes.append(f"Note: {cut['note']}. All of it: {cut['whole']}")
            texts = [TextContent(type="text", text=text) for text in (show.json_text(document), *notes)]
            return CallToolResult(content=texts, structured_content=document)
        except Exception as error:  # noqa: BLE001 - whatever it is, the assistant is told, and told what to do
            return _refused(entry, error)

    async def _answer(self, ctx: ServerRequestContext[Any], entry: Entry, arguments: Arguments) -> ToolAnswer:
        """Work in a thread, which is left behind where it does not come back in time."""
        outcome: ToolAnswer | Exception = CommandError(
            "TIMEOUT", f"{entry.name} gave no answer within {entry.limit_s:g} s", entry.whole
        )
        with anyio.move_on_after(entry.limit_s):
            async with anyio.create_task_group() as beside:
                beside.start_soon(_tell, ctx, entry)
                work = partial(entry.run, self._desk, arguments)
                try:
                    outcome = await anyio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=self._workers)
                except Exception as error:  # noqa: BLE001 - raised below: one that left the task group would be wrapped
                    outcome = error
                beside.cancel_scope.cancel()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def build(settings: ServerSettings) -> Server[Any]:
    """Return a server of these settings; what transport it speaks over is the caller's business."""
    tools = _Tools(settings)
    return Server(
        "roosync-ops",
        version=__version__,
        title="RooSync fleet",
        instructions=TEXTS["instructions"],
        on_list_tools=tools.list,
        on_call_tool=tools.call,
    )


async def _tell(ctx: ServerRequestContext[Any], entry: Entry) -> None:
    """Tell a client that asked for progress that the work goes on: many clients give up after a minute of silence."""
    began = anyio.current_time()
    while True:
        await anyio.sleep(TELL_S)
        seconds = anyio.current_time() - began
        await ctx.session.report_progress(round(seconds, 1), None, f"{entry.name}: {seconds:.0f} s")


def parse(entry: Entry, given: dict[str, Any]) -> Arguments:
    """Return the arguments, checked. Raises CommandError that names each fault and what is accepted."""
    try:
        return entry.takes.model_validate(given)
    except ValidationError as error:
        way_out = f"call {entry.name} with, say, {entry.example}"
        faults = error.errors(include_url=False, include_context=False)
    unknown = [str(fault["loc"][0]) for fault in faults if fault["type"] == "extra_forbidden"]
    if unknown:
        known = ", ".join(field.alias or name for name, field in entry.takes.model_fields.items())
        what = ", ".join(repr(name[:80]) for name in unknown[:_MAX_FAULTS])
        raise CommandError("INVALID_ARGUMENT", f"{entry.name} takes no argument {what}; it takes {known}", way_out)
    action = next((fault for fault in faults if fault["loc"] == ("action",)), None)
    if action is not None and action["type"] == "literal_error" and isinstance(action["input"], str):
        raise CommandError(UNKNOWN_ACTION, f"Action inconnue: {action['input'][:80]}", way_out)
    told = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults[:_MAX_FAULTS])
    raise CommandError("INVALID_ARGUMENT", told, way_out)


def _refused(entry: Entry, error: Exception) -> CallToolResult:
    """Return a tool error: the code, one sentence, and what to do. The same is in `_meta` for programs."""
    failure = describe(error)
    if failure.exit_code == INTERNAL:
        traceback.print_exception(error, file=sys.stderr)
        failure.hint = "report it with what this server wrote to stderr"
    said = {
        "code": failure.code,
        "message": safe(failure.reason)[:MAX_TEXT],
        "hint": safe(failure.hint or entry.whole)[:MAX_TEXT],
    }
    return CallToolResult(
        content=[TextContent(type="text", text=f"{said['code']}: {said['message']}\nNext: {said['hint']}")],
        is_error=True,
        _meta={"roosync-ops/error": said},
    )


def stdio(server: Server[Any]) -> NoReturn:
    """Serve until standard input ends or Ctrl-C, and end the process: nothing but the protocol is on standard output.

    The process is left at once. A thread that waits for input, or for a share that hangs, would hold a tidy end up for
    as long as it pleases; what was answered is written, and what agents and commands were started ends by itself.
    """

    async def serve() -> None:
        # While it serves, the SDK has descriptor 1 lead to stderr: no other output gets between the messages.
        async with stdio_server(_wire()) as (read, write):
            await server.run(read, write, server.create_initialization_options())

    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
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
