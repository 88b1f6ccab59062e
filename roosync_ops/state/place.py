"""A folder that is no shared state, and where the right one is: one level off, or misspelt in its setting."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from roosync_ops.wire.names import HEARTBEATS, USUAL_NAME, VIEW_NAME
from roosync_ops.wire.signs import FOLDERS

from .doubles import double_of

#: What other services of the fleet keep in the shared state: with one of these it is one, though nobody has beaten yet.
_ITS_OWN: Final = frozenset([*FOLDERS, ".machine-registry.json", ".identity-registry.json"])
#: So many folders are looked into for the right one.
_MAX_CHILDREN: Final = 64


def wrong_place(shared: str) -> tuple[str, str | None] | None:
    """Tell why `shared` is no shared state, and where one is; None where it is one. OSError passes through."""
    place = Path(shared).absolute()
    names = [item.name for item in place.iterdir()]
    if any(name in (HEARTBEATS, VIEW_NAME) or double_of(name) for name in names):
        return None
    if place.name == HEARTBEATS or double_of(place.name) == HEARTBEATS:
        return f"it is the {HEARTBEATS} folder of one", str(place.parent)
    for name in [USUAL_NAME, *sorted(names)[:_MAX_CHILDREN]]:
        for within in (place / name, place / name / USUAL_NAME):
            if _is_shared_state(within):
                return "the right one lies in it", str(within)
    if _ITS_OWN.intersection(names):
        return None
    if _is_shared_state(place.parent):
        return "it lies in the right one", str(place.parent)
    return ("nothing in it is RooSync's" if names else "it is empty"), None


def meant(shared: str) -> str | None:
    """Return the folder a setting names once quotes, what is not seen, `;`, `~` or `file://` are taken off; or None.

    What names a file of the shared state means its folder.
    """
    bare = "".join(char for char in shared if char.isprintable()).strip().rstrip(";,").strip("\"'").strip()
    if bare.startswith("file://"):
        bare = unquote(bare[len("file://") :])
    with suppress(OSError, RuntimeError, ValueError):  # no home, no such user, a NUL
        place = Path(bare).expanduser()
        if bare and place.is_file():
            place = next((folder for folder in place.absolute().parents[:2] if _is_shared_state(folder)), place)
        return str(place) if bare and str(place) != shared and place.is_dir() else None
    return None


def _is_shared_state(place: Path) -> bool:
    try:
        return not place.is_symlink() and any(item.name in (HEARTBEATS, VIEW_NAME) for item in place.iterdir())
    except OSError:
        return False
