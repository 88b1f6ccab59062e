"""One more line in an inventory file: into a list that is written out, and nothing else of the file is touched."""

from __future__ import annotations

import ast
import codecs
import difflib
import json
import re
from typing import TYPE_CHECKING, Any, Final

from .machine import FleetError

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMMENT: Final = re.compile(rb"#[^\n]*")
#: Where a machine goes that is expected online, or off, and nobody says where.
USUAL: Final = {"online": "enroll", "offline": "off"}


def line_of(name: str, fields: Mapping[str, Any]) -> str:
    """Return the line that defines a machine, as a person would write it."""
    literals = {
        key: json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
        for key, value in fields.items()
    }
    return f"machine({', '.join([json.dumps(name), *(f'{key}={value}' for key, value in literals.items())])})"


def with_machine(source: bytes, group: str, line: str) -> bytes:
    """Return an inventory's source with `line` at the end of the list of `group`. Raises FleetError where it cannot."""
    mark = codecs.BOM_UTF8 if source.startswith(codecs.BOM_UTF8) else b""
    text = source.removeprefix(mark)
    lists = _lists(text)
    if group not in lists:
        close = difflib.get_close_matches(group, lists, 1)
        said = f"; did you mean {close[0]}?" if close else f"; there are {', '.join(lists) or 'none'}"
        raise FleetError(f"{group!s:.80}: no group whose list is written out in the inventory{said}")
    ends = b"\r\n" if b"\r\n" in text else b"\n"
    lines = text.splitlines(keepends=True)
    found = lists[group]
    close_at = _offset(lines, found.end_lineno or 1, found.end_col_offset or 1) - 1
    last = found.elts[-1] if found.elts else None
    open_at = _offset(lines, found.lineno, found.col_offset) + 1
    from_at = open_at if last is None else _offset(lines, last.end_lineno or 1, last.end_col_offset or 0)
    between = text[from_at:close_at]
    comma = b"," if last is not None and b"," not in _COMMENT.sub(b"", between) else b""
    kept = between.rstrip(b" \t\r\n")
    new = text[:from_at] + comma + kept + ends + b"    " + line.encode() + b"," + ends + text[close_at:]
    return mark + new


def _lists(text: bytes) -> dict[str, ast.List]:
    """Return the public names of a file that hold a list written out, or such a list with data."""
    found = {}
    for node in ast.parse(text).body:
        value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if isinstance(value, ast.Tuple) and value.elts:
            value = value.elts[0]
        if isinstance(value, ast.List) and isinstance(targets[0], ast.Name) and not targets[0].id.startswith("_"):
            found[targets[0].id] = value
    return found


def _offset(lines: list[bytes], line: int, column: int) -> int:
    """Return where a place of the syntax tree is, in bytes: its lines begin at 1, its columns are UTF-8's."""
    return sum(map(len, lines[: line - 1])) + column
