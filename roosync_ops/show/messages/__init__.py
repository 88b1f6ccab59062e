"""Every text that a person reads, by its code: a folder a language, of which only the one that is asked for is loaded.

`words(lang)[code]` is a word, a title or a line; `said` and `brief` are a reason as a sentence, with the command that
comes next apart from it, and in a few words. To add a message: a line with its code in `en/words.json` and
`fr/words.json` (every run reads one: JSON takes a thirtieth of TOML's time) and, where something is to be typed, one
in `commands.json`. What goes wrong is worded where it arises: see `sentences`.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from roosync_ops import typed


class Sentence(NamedTuple):
    """A sentence and the command it leads to; `command` is empty where there is nothing to type. Not escaped."""

    text: str
    command: str = ""

    def __str__(self) -> str:
        return f"{self.text} {self.command}" if self.command else self.text


def words(lang: str) -> Mapping[str, str]:
    """Return the words of `lang`: "fr", else English."""
    found: Mapping[str, str] = catalogue(lang)["words"]
    return found


def brief(code: str, lang: str, facts: Mapping[str, str]) -> str:
    """Return a reason in a few words, for a table's cell. Not escaped."""
    text: str = catalogue(lang)["reasons"][code][0]
    return text.format_map(facts)


def said(code: str, lang: str, facts: Mapping[str, str]) -> Sentence:
    """Return a reason as a sentence, a sign of life before its next step, and the command that comes next."""
    why, step, what = catalogue(lang)["reasons"][code][1].rpartition(" ;" if lang == "fr" else ";")
    sign = facts.get("sign_said", "")
    text = f"{why}{sign}{step}{what}" if step else f"{what}{sign}"
    return _said(text, command(code, facts["machine"]), lang, facts)


def flip_said(code: str, lang: str, facts: Mapping[str, str]) -> Sentence:
    """Return why something flipped; the bare code where it is not known."""
    text = catalogue(lang)["flips"].get(code)
    return (
        Sentence(code)
        if text is None
        else _said(text, _ours(commands()["flips"].get(code), facts["machine"]), lang, facts)
    )


def cause(code: str, lang: str) -> str:
    """Return the sentence of a diagnosis' cause, its facts still to be filled in."""
    text: str = catalogue(lang)["causes"][code]
    return text


def command(code: str, machine_id: str) -> str:
    """Return what to type next for a reason, empty for nothing. No text that came from outside can become it."""
    return _ours(commands()["reasons"].get(code), machine_id)


def headline(online: int, total: int, percent: int) -> str:
    """Return the procedure's own last line, the same in both languages."""
    return f"{online}/{total} machines online ({percent}%)"


def _said(text: str, following: str, lang: str, facts: Mapping[str, str]) -> Sentence:
    return Sentence(text.format_map(facts) + (words(lang)["colon"] if following else ""), following)


def _ours(following: str | None, machine_id: str) -> str:
    return typed.ours(*(word.format(machine=machine_id) for word in following.split())) if following else ""


@cache
def commands() -> dict[str, dict[str, str]]:
    """Return what to type next, by the code of a reason or a flip: the words behind `roosync-ops`, in any language."""
    found: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("commands.json").read_text("utf-8"))
    return found


@cache
def catalogue(lang: str) -> dict[str, Any]:
    """Return every message of a language by its code, in the tables words, reasons, flips and causes."""
    file = Path(__file__).parent / ("fr" if lang == "fr" else "en") / "words.json"
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found
