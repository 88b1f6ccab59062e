"""Every text that a person reads, by its code: one table a language, of which only the one that is asked for is loaded.

- `words(lang)[code]` is a word, a title or a line, `{fact}`s in it still to be filled in.
- `said(code, lang, facts)` is a reason's sentence with, apart from it, the command to type next.
- `brief(code, lang, facts)` is a reason in a few words.

To add a message: a line with its code in `en/` and in `fr/`, and where something is to be typed, one in `commands`.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

from roosync_ops import typed

from .commands import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Mapping


class Said(NamedTuple):
    """A sentence and the command it leads to; `command` is empty where there is nothing to type. Not escaped."""

    text: str
    command: str = ""

    def __str__(self) -> str:
        return f"{self.text} {self.command}" if self.command else self.text


def words(lang: str) -> Mapping[str, str]:
    """Return the words of `lang`: "fr", else English."""
    return _table(lang, "words", "WORDS")


def brief(code: str, lang: str, facts: Mapping[str, str]) -> str:
    """Return a few words for a table's cell. Not escaped."""
    return _table(lang, "reasons", "BRIEFS")[code].format_map(facts)


def said(code: str, lang: str, facts: Mapping[str, str]) -> Said:
    """Return the sentence of `code`, the bare word where it is not known, and the command that comes next."""
    text = _table(lang, "reasons", "SENTENCES").get(code)
    if text is None:
        return Said(code.rpartition(".")[2])
    found = command(code, facts["machine"])
    return Said(text.format_map(facts) + (words(lang)["colon"] if found else ""), found)


def command(code: str, machine_id: str) -> str:
    """Return what to type next about a machine, empty for nothing. No text that came from outside can become it."""
    following = COMMANDS.get(code)
    return typed.ours(*(word.format(machine=machine_id) for word in following.split())) if following else ""


@cache
def _table(lang: str, module: str, name: str) -> Mapping[str, str]:
    """Return one table of one language."""
    found: Mapping[str, str] = getattr(import_module(f".{'fr' if lang == 'fr' else 'en'}.{module}", __package__), name)
    return found


def headline(online: int, total: int, percent: int) -> str:
    """Return the procedure's own last line, the same in both languages."""
    return f"{online}/{total} machines online ({percent}%)"
