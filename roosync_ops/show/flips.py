"""A flip as one line, in either language; whatever came from outside leaves it escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import messages
from .messages import Said, words
from .text import clock, duration, safe

if TYPE_CHECKING:
    from collections.abc import Mapping


def flip_text(flip: Mapping[str, Any], lang: str = "en") -> str:
    """Return one line for a flip in its JSON form (`Flip.as_dict`, or an entry of the history)."""
    who = _word(flip, "machineId") or words(lang)["fact.share"]
    return safe(
        f"{clock(_word(flip, 'at'))}  {who}  {_word(flip, 'from')} -> {_word(flip, 'to')}  {reason(flip, lang)}"
    )


def reason(flip: Mapping[str, Any], lang: str = "en") -> str:
    """Return what is said, the command at its end."""
    return str(said(flip, lang))


def said(flip: Mapping[str, Any], lang: str = "en") -> Said:
    """Return why, as a sentence; the bare word of a reason that is not known. Not escaped."""
    detail, silence = _word(flip, "detail"), flip.get("silentMs")
    length = duration(silence, lang) if type(silence) is int else None
    facts = {
        "machine": _word(flip, "machineId"),
        "detail": detail,
        "detail_after": f": {detail}" if detail else "",
        "since": "" if length is None else words(lang)["fact.for"].format(length=length),
    }
    return messages.flip_said(_word(flip, "reason"), lang, facts)


def _word(flip: Mapping[str, Any], key: str) -> str:
    value = flip.get(key)
    return value if isinstance(value, str) else ""
