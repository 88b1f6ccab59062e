"""Answers of a bounded size, whatever the fleet and the share hold: what is left out is counted, and never silently."""

import json
from typing import Any, Final

from roosync_ops.errors import CommandError
from roosync_ops.show.text import safe

#: The JSON of one answer, in characters: some 12,000 tokens. Assistants warn at 10,000 and cut at 25,000.
MAX_CHARACTERS: Final = 40_000
#: The longest text in an answer, in characters.
MAX_TEXT: Final = 600
#: What `truncated` itself takes.
_ROOM: Final = 600


def bounded(document: dict[str, Any], whole: str, most: int = MAX_CHARACTERS) -> dict[str, Any]:
    """Return `document` with texts made harmless and cut, and with `truncated` where lists had to be shortened.

    Machines that are not as expected are kept before those that are. `whole` is the command that shows everything.
    Raises CommandError where it is still too long.
    """
    found: dict[str, Any] = _harmless(document)
    omitted: dict[str, int] = {}
    size = _size(found)
    while size > most - _ROOM:
        longest = max(_containers(found, ""), key=lambda each: (len(each[1]) > 1, each[2]), default=None)
        if longest is None or not longest[1]:
            raise CommandError("ANSWER_TOO_LARGE", f"{size} characters that are no list, so nothing is shown", whole)
        path, container, own = longest
        keep = min(len(container) - 1, max(1, len(container) * max(0, own - (size - most + _ROOM)) // own))
        omitted[path] = omitted.get(path, 0) + len(container) - keep
        if isinstance(container, dict):
            for key in list(container)[keep:]:
                del container[key]
        else:
            container.sort(key=lambda item: isinstance(item, dict) and item.get("ok") is True)
            del container[keep:]
        size = _size(found)
    if omitted:
        told = ", ".join(f"{count} of {path}" for path, count in omitted.items())
        note = f"too long for one answer: {told} left out"[:MAX_TEXT]
        found["truncated"] = {"omitted": omitted, "note": note, "whole": whole}
    return found


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False))


def _harmless(value: Any) -> Any:
    """Return `value` with no text in it that hides or steers: controls, bidi and format marks as escapes."""
    if isinstance(value, str):
        text = safe(value[: MAX_TEXT + 1])
        return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}… ({len(value)} characters)"
    if isinstance(value, dict):
        return {_harmless(key): _harmless(item) for key, item in value.items()}
    return [_harmless(item) for item in value] if isinstance(value, list) else value


def _containers(value: Any, path: str) -> list[tuple[str, Any, int]]:
    """Return (where, which, how large) of each list below `value`, and of each object that is a list by machineId."""
    found: list[tuple[str, Any, int]] = []
    if isinstance(value, dict):
        for key, item in value.items():
            below = f"{path}.{key}" if path else key
            if key == "heartbeats" and isinstance(item, dict) and item:
                found.append((below, item, _size(item)))
                found += [each for entry in item.values() for each in _containers(entry, below)]
            else:
                found += _containers(item, below)
    elif isinstance(value, list) and value:
        found.append((path, value, _size(value)))
        found += [each for item in value for each in _containers(item, path)]
    return found
