"""`roosync-ops init`: an inventory to begin with, the shared folder written down, and what comes next."""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import typer

from roosync_ops import errors, typed
from roosync_ops.show.text import safe
from roosync_ops.wire import local
from roosync_ops.wire.deadline import BoundedShare, ShareHungError

from . import options, output, settings

app = typer.Typer()

#: What is written: new_inventory.txt as it is, new_settings.txt with the shared folder.
_TEXTS: Final = Path(__file__).parent
_STATE: Final = ".shared-state"
#: How far below this folder, the one above, the home folder, a mount or a drive of Windows' it is looked for.
_BELOW: Final = ("", "*/", "*/*/", "*/*/*/")
_LOOK_S: Final = 3.0


@app.command()
def init(inventory: options.Inventory = options.DEFAULT_INVENTORY, shared: options.Shared = None) -> int:
    """Write an inventory to begin with, and the shared folder beside it, so that no command needs to be told.

    Without --shared a .shared-state nearby is looked for, and on a terminal you are asked.
    """
    path, beside = Path(inventory), Path(inventory).parent / settings.FILE
    for each in (path, beside):
        if os.path.lexists(each):
            raise errors.usage(f"{each} is there already, and is not overwritten", "roosync-ops machines list")
    named = shared or _asked(_found())
    place = named and str(Path(named).expanduser().absolute())
    told = f"shared = {json.dumps(place, ensure_ascii=False)}" if place else '# shared = "/path/to/.shared-state"'
    try:
        for each, name in ((path, "new_inventory.txt"), (beside, "new_settings.txt")):
            local.write(str(each), (_TEXTS / name).read_bytes().replace(b"{shared}", told.encode()), 0o644)
    except (OSError, UnicodeError) as error:
        raise errors.usage(f"not written: {error}", "roosync-ops init --help") from None
    output.write(f"{path}: the machines, one line each\n{beside}: {safe(told)}")
    with suppress(OSError, ShareHungError):  # what hangs is there
        if place and not BoundedShare(_LOOK_S).call(Path(place).is_dir, f"looking at {place}"):
            output.note(f"Note: {safe(place)} is no folder yet: mount it, or correct it in {beside}")
    output.note(f"Next:  {typed.ours('machines', 'add', '--help')}")
    return errors.OK


def _asked(found: str | None) -> str | None:
    """Return the shared folder: what is answered on a terminal, else what was found."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return found
    question = "The shared folder (.shared-state), empty if it is not on this computer"
    return str(typer.prompt(question, found or "", err=True))


def _found() -> str | None:
    """Return the one shared state that is nearest; a drive that hangs is not waited for."""

    def look() -> set[str]:
        roots = [Path.cwd(), Path.cwd().parent, Path.home(), Path("/mnt"), Path("/media")]
        roots += [Path(f"{chr(letter)}:/") for letter in range(68, 91) if os.name == "nt"]
        for root in roots:
            if found := {str(each) for below in _BELOW for each in root.glob(below + _STATE) if each.is_dir()}:
                return found
        return set()

    found = set[str]()
    with suppress(OSError, ShareHungError):
        found = BoundedShare(_LOOK_S).call(look, "looking for the shared folder")
    for each in sorted(found):
        output.note(f"Found: {safe(each)}")
    return found.pop() if len(found) == 1 else None
