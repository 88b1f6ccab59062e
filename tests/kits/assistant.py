"""An assistant: it calls our tools in this process, through the SDK's own client, or over standard input and output."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import anyio
from mcp import Client
from mcp.shared.exceptions import MCPError

from roosync_ops.mcp.server import build

if TYPE_CHECKING:
    from mcp.shared.dispatcher import ProgressFnT
    from mcp.types import CallToolResult, Tool

    from roosync_ops.mcp.desk import ServerSettings

ROOSYNC_OPS = Path(sys.executable).with_name("roosync-ops")


class Assistant:
    """One server in this process, whatever it keeps between calls included."""

    def __init__(self, settings: ServerSettings) -> None:
        self._server = build(settings)

    def tools(self) -> dict[str, Tool]:
        async def ask() -> dict[str, Tool]:
            async with Client(self._server) as client:
                return {tool.name: tool for tool in (await client.list_tools()).tools}

        return anyio.run(ask)

    def call(self, tool: str, *, hear: ProgressFnT | None = None, **arguments: Any) -> CallToolResult:
        """Call a tool; the client checks the answer against the tool's own output schema. `hear` takes its progress."""

        async def ask() -> CallToolResult | MCPError:
            async with Client(self._server) as client:
                try:
                    return await client.call_tool(tool, arguments, progress_callback=hear)
                except MCPError as error:  # the client's task group would wrap it
                    return error

        result = anyio.run(ask)
        if isinstance(result, MCPError):
            raise result
        return result

    def document(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Return what a tool answered, which must be no error, and the same as text."""
        result = self.call(tool, **arguments)
        assert not result.is_error, result
        assert json.loads(text(result)) == result.structured_content
        return dict(result.structured_content)

    def error(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Return the code, message and hint of a refusal, which are also what is to be read."""
        result = self.call(tool, **arguments)
        assert result.is_error, result
        assert result.meta is not None
        said = dict(result.meta["roosync-ops/error"])
        assert text(result) == f"{said['code']}: {said['message']}\nNext: {said['hint']}"
        return said


def text(result: CallToolResult, at: int = 0) -> str:
    content = result.content[at]
    assert content.type == "text"
    return content.text


class Stdio:
    """`roosync-ops mcp` as an assistant starts it: a process in a session of its own, and lines of JSON."""

    def __init__(self, *words: str | Path, cwd: Path, env: dict[str, str], encoding: str = "utf-8") -> None:
        self.process = subprocess.Popen(
            [str(ROOSYNC_OPS), "mcp", *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding=encoding,
            cwd=cwd,
            env={**os.environ, **env},
            start_new_session=True,
        )
        self._said: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()
        self._next = 0
        hello = {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        }
        self.hello = self.request("initialize", hello)
        self._write({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def request(self, method: str, params: dict[str, Any], seconds: float = 90.0) -> dict[str, Any]:
        """Ask, and return the result. Every line on standard output must be a message of the protocol."""
        self._next += 1
        self._write({"jsonrpc": "2.0", "id": self._next, "method": method, "params": params})
        while True:
            message = json.loads(self._said.get(timeout=seconds))
            assert message["jsonrpc"] == "2.0"
            if message.get("id") == self._next:
                return dict(message["result"])

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        return self.request("tools/call", {"name": tool, "arguments": arguments})

    def _write(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._said.put(line)
