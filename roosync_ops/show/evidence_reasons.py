"""The facts of what a probe found, as texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from roosync_ops.judge import HERE

from .messages import words
from .text import clock, duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def name_of(machine_id: str, lang: str) -> str:
    """Return what an observer or a machine is called."""
    return words(lang)["fact.here"] if machine_id == HERE else machine_id


def off_said(off_ms: int, lang: str, brief: str = "") -> str:
    """Return `3 s ahead of`, or brief `3 s ahead`."""
    way = "behind" if off_ms < 0 else "ahead"
    return words(lang)[f"fact.clock_{way}{brief}"].format(off=duration(abs(off_ms), lang))


def facts(
    machine_id: str, given: Mapping[str, Any], since: str | None, lang: str, quote: Callable[[str], str]
) -> dict[str, str]:
    """Return the facts of a probe's reasons as texts; `since` is a time as the wire writes it."""
    word, off, back = words(lang), given.get("off"), given.get("back")
    found = {
        "name": name_of(machine_id, lang),
        "observer_name": name_of(str(given.get("observer") or ""), lang),
        "since_when": "" if since is None else word["fact.since"].format(since=clock(since)),
        "at": "" if since is None else word["fact.since"].format(since=f"{since[11:16]}Z"),
        "silent": "" if given.get("age") is None else word["fact.silent"].format(age=duration(given["age"], lang)),
        "detail": quote(str(given.get("detail") or "?")),
    }
    # The agent's own words are its user's language; only what its system said of a refusal has no word of ours.
    trouble = word.get(f"share.{given.get('state')}", word["share.refused"])
    found["trouble"] = trouble.format(detail=found["detail"])
    if isinstance(off, int):
        found["off_long"], found["off_short"] = off_said(off, lang), off_said(off, lang, "_brief")
    if isinstance(back, int):
        found["back"] = duration(back, lang)
    return found
