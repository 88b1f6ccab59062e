"""`roosync-ops deploys`: where the pyinfra deploys are, to run or to build upon."""

from typing import Annotated

import typer

from roosync_ops import errors
from roosync_ops.pyinfra_ops.run import deploy_file

from . import options, output

app = typer.Typer()


@app.command()
def deploys(path: Annotated[bool, options.opt("--path", "Print the folder alone.")] = False) -> int:
    """Return where the pyinfra deploys of this installation are: ordinary files, a few operations each."""
    folder = deploy_file("rollout").parent
    names = [] if path else [f"  {file.name}" for file in sorted(folder.glob("[a-z]*.py"))]
    output.write("\n".join([str(folder), *names]))
    return errors.OK
