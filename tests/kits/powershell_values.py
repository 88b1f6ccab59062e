"""What PowerShell's values do: members, truth, comparison, addition; for powershell_lines."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable


class Thrown(Exception):  # noqa: N818 - as PowerShell calls it
    """A `throw`, or a cmdlet that failed."""


def plain(value: Any) -> str:
    """Return a value as PowerShell writes it into a string."""
    if value is None:
        return ""
    return " ".join(map(plain, value)) if isinstance(value, list) else str(value)


def is_true(value: Any) -> bool:
    if isinstance(value, (list, bytes)):
        return bool(value) if len(value) != 1 else bool(value[0])
    return bool(value)


def listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, (list, bytes)) else [value]


def unwrapped(values: list[Any]) -> Any:
    return None if not values else values[0] if len(values) == 1 else values


def member(value: Any, name: str) -> Any:
    """Return a property or a method (`GetOwner` is a stub's `get_owner`); of a list, that of each."""
    if isinstance(value, list) and name.lower() not in ("count", "length"):
        return [member(each, name) for each in value]
    if isinstance(value, dict):
        return value[name]
    builtin = _OF_LISTS if isinstance(value, (list, bytes)) else _OF_TEXTS if isinstance(value, str) else {}
    if name.lower() in builtin:
        return builtin[name.lower()](value)
    for found in dir(value):
        if found.replace("_", "") == name.lower():
            return getattr(value, found)
    raise Thrown(f"The property '{name}' cannot be found on {value!r}.")


_OF_LISTS: Final[dict[str, Callable[[Any], Any]]] = {"count": len, "length": len}
_OF_TEXTS: Final[dict[str, Callable[[Any], Any]]] = {
    "length": len,
    "split": lambda value: value.split,
    "trim": lambda value: value.strip,
    "trimstart": lambda value: value.lstrip,
    "substring": lambda value: lambda start: value[start:],
    "replace": lambda value: value.replace,
    "tolowerinvariant": lambda value: value.lower,
    "startswith": lambda value: (
        lambda part, how: (
            value.lower().startswith(part.lower()) if how == "OrdinalIgnoreCase" else value.startswith(part)
        )
    ),
}


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _equal(left: Any, right: Any) -> bool:
    return bool(_folded(left) == _folded(type(left)(right) if isinstance(left, str) else right))


def _replaced(left: Any, right: Any) -> str:
    pattern, instead = right if isinstance(right, list) else (right, "")
    return re.sub(pattern, re.sub(r"\$(\d)", r"\\\1", instead), plain(left), flags=re.IGNORECASE)


COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "-eq": _equal,
    "-ne": lambda left, right: not _equal(left, right),
    "-lt": lambda left, right: left < right,
    "-gt": lambda left, right: left > right,
    "-contains": lambda left, right: any(_equal(each, right) for each in listed(left)),
    "-notcontains": lambda left, right: not any(_equal(each, right) for each in listed(left)),
    "-ccontains": lambda left, right: right in listed(left),
    "-like": lambda left, right: fnmatchcase(plain(left).lower(), right.lower()),
    "-match": lambda left, right: re.search(right, plain(left), re.IGNORECASE) is not None,
    "-notmatch": lambda left, right: re.search(right, plain(left), re.IGNORECASE) is None,
    "-replace": _replaced,
    "-split": lambda left, right: re.split(right, plain(left)),
    "-join": lambda left, right: right.join(map(plain, listed(left))),
}


def added(left: Any, right: Any) -> Any:
    if isinstance(left, list):
        return left + listed(right)
    return left + (plain(right) if isinstance(left, str) else right)
