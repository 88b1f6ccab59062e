"""`roosync-ops mcp`: the tools an assistant calls."""

import json
import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from roosync_ops import errors, extras

from . import options, output

app = typer.Typer()

_FOLDERS: Final = ("--memory", "--agent-dir")
_NO_SDK: Final = "the assistant tools need the MCP SDK, which is not here"


@app.command()
@options.grouped
def mcp(  # noqa: PLR0913 - one argument an option
    *,
    at: options.HereOrVia,
    memory: Annotated[Path | None, options.opt("--memory DIR", "mcp")] = None,
    agent_dir: Annotated[str | None, options.opt("--agent-dir DIR")] = None,
    allow_changes: Annotated[bool, options.opt("--allow-changes")] = False,
    compat: Annotated[bool, options.opt("--compat")] = False,
    http: Annotated[int | None, options.opt("--http PORT", min=0, max=65_535)] = None,
    print_config: Annotated[bool, options.opt("--print-config")] = False,
) -> int:
    """Serve the tools of the procedure to an assistant: over standard input and output, or HTTP on loopback.

    roosync_heartbeat_service is about the machine that this runs on; its agent outlives the assistant. The other tools
    read. With --allow-changes two more plan a change of the fleet, and apply that plan.
    """
    if print_config:
        typed = {"--via": at.via, "--deadline": at.deadline, "--memory": memory, "--agent-dir": agent_dir}
        typed |= {"--allow-changes": allow_changes or None, "--compat": compat or None}
        output.write(json.dumps(_config(at.inventory, at.shared, typed), indent=2))
        if find_spec("mcp") is None:
            output.note(f"What it starts cannot serve yet: {_NO_SDK}\nNext:  {extras.install('mcp')}")
        return errors.OK
    if http is not None and allow_changes:
        raise errors.usage(
            "--http with --allow-changes would let every user of this computer change the fleet",
            "roosync-ops mcp --allow-changes",
        )
    if find_spec("mcp") is None:
        raise errors.CommandError("EXTRA_MISSING", _NO_SDK, extras.install("mcp"))
    from roosync_ops.mcp import desk, server  # noqa: PLC0415 - they bring the SDK

    inventory = at.inventory.absolute()
    built = server.build(
        desk.ServerSettings(inventory, at.shared, at.via, at.deadline, allow_changes, agent_dir, memory, compat)
    )
    if http is None:
        server.stdio(built)
    try:
        server.http(built, http, output.note)
    except OSError as error:
        reason = f"port {http} of loopback cannot be listened on: {error.strerror or error}"
        raise errors.CommandError("PORT_TAKEN", reason, "roosync-ops mcp --http 0") from None
    return errors.OK


def _config(inventory: Path, shared: str | None, typed: Mapping[str, object]) -> dict[str, Any]:
    """Return a project's .mcp.json. Every path is whole: an assistant starts servers wherever it likes.

    Raises CommandError for a text with ${ in it: clients put a variable there, and none of them knows an escape.
    """
    words = ["mcp", "--inventory", str(inventory.absolute())]
    for flag, value in typed.items():
        if value is True:
            words.append(flag)
        elif value is not None:
            words += [flag, os.path.abspath(str(value)) if flag in _FOLDERS else str(value)]  # noqa: PTH100 - no resolve()
    program = Path(sys.argv[0]).absolute()
    command = [str(program)] if program.stem == "roosync-ops" else [sys.executable, "-m", "roosync_ops"]
    server: dict[str, Any] = {"type": "stdio", "command": command[0], "args": [*command[1:], *words]}
    if shared:
        server["env"] = {"ROOSYNC_SHARED_PATH": os.path.abspath(shared)}  # noqa: PTH100 - as above
    for text in (server["command"], *server["args"], *server.get("env", {}).values()):
        if "${" in text:
            raise errors.usage(f"{text}: clients read ${{...}} in a .mcp.json as a variable; use a path without it")
    return {"mcpServers": {"roosync-ops": server}}
