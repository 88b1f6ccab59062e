"""`roosync-ops agent build`, `deploys`: the agent as one file, and the pyinfra deploys to run or to build upon."""

from pathlib import Path
from typing import Annotated

import typer

from roosync_ops import errors, show
from roosync_ops.pyinfra_ops.run import deploy_file
from roosync_ops.remote_script import bundle
from roosync_ops.show.document import keyed

from . import options, output

app = typer.Typer()
#: The callback makes it a group, of one command so far.
_agent = typer.Typer(no_args_is_help=True, callback=lambda: None, help="Build the agent.")
app.add_typer(_agent, name="agent")


@_agent.command()
def build(
    target: Annotated[Path, options.opt("--output -o FILE", "agent build")] = Path("agent.pyz"),
    as_json: options.Json = False,
) -> int:
    """Build the agent: one file that any CPython 3.9 or later runs."""
    try:
        made = bundle.build(target)
    except bundle.BundleError as error:
        raise errors.CommandError("NOT_BUILT", str(error)) from None
    except OSError as error:
        reason = f"{target}: cannot be written: {error.strerror or error}"
        raise errors.CommandError("NOT_WRITTEN", reason, "name another place with -o FILE") from None
    facts = {"ok": True, "file": str(target), **keyed(made, "version buildId sha256"), "bytes": len(made.data)}
    said = f"{target}: agent {made.version}, build {made.build_id}, {len(made.data)} bytes"
    output.write(show.json_text(facts) if as_json else f"{said}\nsha256 {made.sha256}")
    return errors.OK


@app.command()
def deploys(path: Annotated[bool, options.opt("--path")] = False) -> int:
    """Return where the pyinfra deploys of this installation are: ordinary files, a few operations each."""
    folder = deploy_file("rollout").parent
    names = [] if path else [f"  {file.name}" for file in sorted(folder.glob("[a-z]*.py"))]
    output.write("\n".join([str(folder), *names]))
    return errors.OK
