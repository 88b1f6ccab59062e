"""What a command need not be told: where the inventory is, and the one settings file beside it.

The inventory is `--inventory`, else ROOSYNC_INVENTORY, else inventory.py of this folder or of the nearest one above it.
Beside it, `roosync-ops.toml` or `[tool.roosync-ops]` of pyproject.toml holds what would be typed again and again; what
is typed, and a variable, hold before it. Paths in it are from its own folder.
"""

import difflib
import os
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from roosync_ops import errors

FILE: Final = "roosync-ops.toml"
VARIABLE: Final = "ROOSYNC_INVENTORY"
_SHARED_VARIABLE: Final = "ROOSYNC_SHARED_PATH"
_NAME: Final = "inventory.py"
_MAX_BYTES: Final = 1_048_576
#: What may be set, and what its value must look like.
_KEYS: Final = {
    "shared": r"[^\0\n]+",
    "via": r"[A-Za-z0-9-]+",
    "lang": r"en|fr",
    "parallel": r"[1-9][0-9]{0,4}",
    "patience": r"auto|[0-9]+(\.[0-9]+)?",
}


def inventory() -> Path:
    """Return the inventory of this folder, or of the nearest one above it that is this user's; else this folder's.

    An inventory is run: a folder above that another user may write would have us run theirs.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    above, here = Path(), _here()
    while not (above / _NAME).is_file() and here.parent != here:
        above, here = above / "..", here.parent
    found = above / _NAME
    return found if above == Path() or (found.is_file() and _is_ours(above) and _is_ours(found)) else Path(_NAME)


def _here() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise errors.usage("the folder this was started in is gone", "cd") from None


def _is_ours(path: Path) -> bool:
    """Return True if only this user or root can have written what is there."""
    if os.name != "posix":
        return True
    found = path.stat()
    return found.st_uid in (0, os.geteuid()) and not found.st_mode & 0o022


def defaults(typed: Mapping[str, str], words: Sequence[str]) -> dict[str, Any]:
    """Return what stands for the options that are not typed, by parameter. Raises CommandError for a bad file."""
    _here()
    place = Path(typed.get("--inventory") or inventory())
    found = {"inventory": place, **_of_folder(place.parent)}
    if "--probe=always" in words or "--shared" in typed or os.environ.get(_SHARED_VARIABLE):
        found.pop("via", None)  # the closer word says where to look
    return found


def language(words: Sequence[str], known: Mapping[str, Any] | None = None) -> str:
    """Return the language that is typed, else the one that the settings `known` say, else English."""
    asked = [after for before, after in pairwise(words) if before == "--lang"]
    asked += [word.partition("=")[2] for word in words if word.startswith("--lang=")]
    return "fr" if [(known or {}).get("lang"), *asked][-1] == "fr" else "en"


def _of_folder(folder: Path) -> dict[str, Any]:
    for name, table in ((FILE, ()), ("pyproject.toml", ("tool", "roosync-ops"))):
        path = folder / name
        if path.is_file():
            import tomllib  # noqa: PLC0415 - 5 ms where there is no file

            try:
                with path.open("rb") as file:
                    found: Any = tomllib.loads(file.read(_MAX_BYTES).decode("utf-8-sig"))
            except (OSError, ValueError, RecursionError) as error:
                raise errors.usage(f"{path}: {error}", "roosync-ops init --help") from None
            for key in table:
                found = found.get(key) if isinstance(found, dict) else None
            if found is not None:
                return {key: _checked(path, key, value) for key, value in found.items()}
    return {}


def _checked(path: Path, key: str, value: Any) -> Any:
    if key not in _KEYS:
        close = difflib.get_close_matches(key, _KEYS, 1)
        said = f"; did you mean {close[0]}?" if close else f"; known are {', '.join(_KEYS)}"
        raise errors.usage(f"{path}: {key!s:.80}: no such setting{said}", "roosync-ops init --help")
    if isinstance(value, bool) or not isinstance(value, (str, int, float)) or not re.fullmatch(_KEYS[key], str(value)):
        raise errors.usage(f"{path}: {key}: {value!r:.80} does not fit", "roosync-ops init --help")
    return os.path.normpath(path.parent / str(value)) if key == "shared" else str(value)
