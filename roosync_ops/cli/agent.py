"""`roosync-ops agent build`: the agent as one file."""

from pathlib import Path
from typing import Annotated

import typer

from roosync_ops import errors, show
from roosync_ops.remote_script import bundle

from . import options, output

app = typer.Typer(no_args_is_help=True, help="Build the agent, or tell which one a file is.")


@app.command("build")
def build(
    target: Annotated[Path, options.opt("--output -o FILE", "Where to write it.")] = Path("agent.pyz"),
    as_json: options.Json = False,
) -> int:
    """Build the agent: one file that any CPython 3.9 or later runs."""
    try:
        return _tell(bundle.build(target), as_json=as_json)
    except bundle.BundleError as error:
        raise errors.CommandError("NOT_BUILT", str(error)) from None
    except OSError as error:
        reason = f"{target}: cannot be written: {error.strerror or error}"
        raise errors.CommandError("NOT_WRITTEN", reason, "name another place with -o FILE") from None


@app.command("identify")
def identify(file: Annotated[Path, typer.Argument(metavar="FILE")], as_json: options.Json = False) -> int:
    """Tell which build of the agent a file is, without running it."""
    try:
        return _tell(bundle.identify(file), as_json=as_json)
    except bundle.BundleError as error:
        raise errors.CommandError("NOT_OUR_AGENT", str(error), "roosync-ops agent build --help") from None


def _tell(found: bundle.Bundle, *, as_json: bool) -> int:
    facts = {
        "ok": True,
        "file": str(found.path),
        "version": found.version,
        "buildId": found.build_id,
        "sha256": found.sha256,
        "bytes": len(found.data),
    }
    said = f"{found.path}: agent {found.version}, build {found.build_id}, {len(found.data)} bytes"
    output.write(show.json_text(facts) if as_json else f"{said}\nsha256 {found.sha256}")
    return errors.OK
