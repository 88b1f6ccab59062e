"""`roosync-ops bootstrap windows`: what makes a bare machine reachable over SSH."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from roosync_ops import errors
from roosync_ops.bootstrap import keys, windows

from . import options, output

#: The callback makes it a group, of one command so far.
app = typer.Typer(
    no_args_is_help=True, callback=lambda: None, help="Print what makes a bare machine reachable over SSH."
)


@app.command("windows")
def for_windows(  # noqa: PLR0913 - one argument an option
    *,
    key: Annotated[
        str | None, options.opt("--key FILE", "The public key to let in; - is stdin. Default: the one in ~/.ssh.")
    ] = None,
    port: Annotated[int, options.opt("--port N", "Where the SSH server listens.", min=1, max=65_535)] = 22,
    lan: Annotated[
        list[str] | None,
        options.opt("--lan CIDR", "Who may connect (repeated). Default: the machine's own subnets."),
    ] = None,
    user: Annotated[str, options.opt("--user NAME", "The account to be reached. Default: who runs the script.")] = "",
    admin: Annotated[
        bool | None,
        options.opt("--admin/--standard", "Whether that account is an administrator. Default: looked up there."),
    ] = None,
    as_json: options.Json = False,
) -> int:
    """Print the PowerShell script for a bare Windows machine.

    It adds OpenSSH Server, starts it with Windows, lets one public key in and the local network alone, and prints the
    line for inventory.py. A second run changes nothing. It was never run on real Windows yet.
    """
    # What no Windows account is called is refused here, so that the mistake does not show on the machine.
    if user and (user != user.strip() or any(sign in '"/[]:;|=,+*?<>' or not sign.isprintable() for sign in user)):
        raise errors.usage(f"--user {user!r} cannot be the name of a Windows account")
    public = _public_key(key)
    kind: windows.Kind = "auto" if admin is None else "administrator" if admin else "standard"
    text = windows.script(public, port=port, lan=lan or (), account=user, kind=kind)
    if as_json:
        output.write(json.dumps({"ok": True, "script": text, "key": str(public)}))
    else:
        output.write(text.rstrip("\n"))
        output.note(f"# lets in: {public}")
    return errors.OK


def _public_key(key: str | None) -> keys.PublicKey:
    if key == "-":
        return keys.parse(sys.stdin.buffer.read(keys.MAX_BYTES + 1), "stdin")
    path = keys.find(Path.home() / ".ssh") if key is None else Path(key).expanduser()
    try:
        with path.open("rb") as file:
            return keys.parse(file.read(keys.MAX_BYTES + 1), str(path))
    except OSError as error:
        raise errors.usage(
            f"{path}: cannot be read: {error.strerror or error}", "name a public key: --key FILE"
        ) from None
