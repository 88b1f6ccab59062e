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
        length, way = duration(abs(off), lang), "behind" if off < 0 else "ahead"
        found["off_long"] = word[f"fact.clock_{way}"].format(off=length)
        found["off_short"] = word[f"fact.clock_{way}_brief"].format(off=length)
    if isinstance(back, int):
        found["back"] = duration(back, lang)
    return found
