"""What a verb prints: one JSON document, or a readable line or few; never a control character from a file."""

from __future__ import annotations

import json
import sys

from roosync_ops.wire.small import suppress
from roosync_ops.wire.typed import Answer, Any, Json

from .errors import AgentError


def printable(text: str) -> str:
    """Return `text` with everything a terminal would act on written as an escape."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def document(value: Json) -> str:
    """Return `value` as one JSON document that any terminal's or pipe's encoding can carry.

    A whole state has no indents: they take four times as long.
    """
    return json.dumps(value, indent=None if "evidence" in value else 2, default=str)


def lines(value: Json, indent: str = "") -> list[str]:
    """Return `value` as `name: value` lines, objects indented."""
    found = []
    for key, item in value.items():
        name = printable(str(key))
        if isinstance(item, dict) and item:
            found.append(f"{indent}{name}:")
            found.extend(lines(item, indent + "  "))
        else:
            found.append(f"{indent}{name}: {printable(_word(item))}")
    return found


def _word(item: Any) -> str:
    if item is None:
        return "-"
    if isinstance(item, bool):
        return "yes" if item else "no"
    return json.dumps(item, ensure_ascii=False) if isinstance(item, (list, dict)) else str(item)


def result(message: str, line: str, **parts: Any) -> Answer:
    """Return a verb's answer as the protocol has it, and the line a person reads."""
    return {"message": message, "result": parts}, [line]


def give(value: Json, human: list[str], *, as_json: bool) -> None:
    """Print a verb's answer on stdout."""
    _print(document(value) if as_json else "\n".join(human), sys.stdout)


def give_error(error: AgentError, *, as_json: bool) -> None:
    """Print a failure: the JSON document on stdout, or a line and what to do on stderr."""
    if as_json:
        _print(document(error.as_dict()), sys.stdout)
        return
    extra = [f"  {key}: {printable(_word(value))}" for key, value in error.extra.items() if value is not None]
    _print("\n".join([f"{error.code}: {printable(error.message)}", *extra]), sys.stderr)


def _print(text: str, stream: Any) -> None:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    with suppress(BrokenPipeError):  # the caller has gone; the work is done
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()
