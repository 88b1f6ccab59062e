"""Every text that a person reads, by its code: a folder a language, of which only the one that is asked for is loaded.

What is where, and how a message is added: show/README.md. Every run reads one `words.json`, for which JSON takes a
thirtieth of TOML's time.
"""

import json
import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from string import Formatter
from typing import Any, Final, NamedTuple

from roosync_ops import typed

#: A sentence in a sentence, and so on; a longer text is no sentence of ours.
_MOST_DEEP: Final = 6
_MOST_CHARACTERS: Final = 4_096


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


def said(code: str, lang: str, facts: Mapping[str, str]) -> Sentence:
    """Return a reason as a sentence, a sign of life before its next step, and the command that comes next."""
    why, step, what = catalogue(lang)["reasons"][code][1].rpartition(" ;" if lang == "fr" else ";")
    sign = facts.get("sign_said", "")
    text = f"{why}{sign}{step}{what}" if step else f"{what}{sign}"
    return _said(text, command(code, facts["machine"]), lang, facts)


def flip_said(code: str, lang: str, facts: Mapping[str, str]) -> Sentence:
    """Return why something flipped; the bare code where it is not known."""
    text = catalogue(lang)["flips"].get(code)
    if text is None:
        return Sentence(code)
    return _said(text, _ours(commands()["flips"].get(code), facts["machine"]), lang, facts)


def command(code: str, machine_id: str) -> str:
    """Return what to type next for a reason, empty for nothing. No text that came from outside can become it."""
    return _ours(commands()["reasons"].get(code), machine_id)


def headline(online: int, total: int) -> str:
    """Return the procedure's own last line, the same in both languages."""
    return f"{online}/{total} machines online ({online * 100 // total if total else 0}%)"


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


class _Template(NamedTuple):
    """`literals` surround the `facts`, in order: always one more of them."""

    literals: tuple[str, ...]
    facts: tuple[str, ...]
    other: str

    def match(self, text: str) -> dict[str, str] | None:
        """Return the facts of `text`, each as short as it can be; None where it is not of this template."""
        first, *between, last = self.literals
        end = len(text) - len(last)
        if not (text.startswith(first) and text.endswith(last)) or end < len(first):
            return None
        found, at = [], len(first)
        for literal in between:
            there = text.find(literal, at, end)
            if there < 0:
                return None
            found.append(text[at:there])
            at = there + len(literal)
        return dict(zip(self.facts, [*found, text[at:end]], strict=True))


def translated(text: str, lang: str) -> str:
    """Return each line of `text` in `lang`; one that is no sentence of the catalogue stays as it is. Not escaped."""
    return "\n".join(_translated(line, lang, 0) for line in text.split("\n"))


def check_words(text: str, lang: str) -> str:
    """Return a check's name, or what it saw, which the judge says in English; its facts are still to be filled in."""
    exact, _ = _sentences(lang)
    return exact.get(text, text)


@lru_cache(4_096)
def _translated(text: str, lang: str, depth: int) -> str:
    said = text.strip()
    if not said or depth > _MOST_DEEP or len(said) > _MOST_CHARACTERS:
        return text
    exact, templates = _sentences(lang)
    known = exact.get(said)
    for template in templates if known is None else ():
        facts = template.match(said)
        if facts is not None:
            others = {name: _translated(value, lang, depth + 1) for name, value in facts.items()}
            if others != facts or any(map(str.isalpha, "".join(template.literals))):  # one of words of its own
                known = template.other.format_map(others)
                break
    return text if known is None else text.replace(said, known, 1)


@cache
def _sentences(lang: str) -> tuple[Mapping[str, str], tuple[_Template, ...]]:
    """Return every sentence by its text, and the templates of those with facts, the most telling one first."""
    file = Path(__file__).parent / ("fr" if lang == "fr" else "en") / "sentences.toml"
    tables = tomllib.loads(file.read_text("utf-8"))
    exact = {text: other for table in tables.values() for text, other in table.items()}
    found = []
    for text in (text for name, table in tables.items() if name != "checks" for text in table if "{" in text):
        parts = list(Formatter().parse(text))
        facts = tuple(name for _, name, _, _ in parts if name is not None)
        literals = [literal for literal, _, _, _ in parts]
        found.append(_Template((*literals, *([""] if len(literals) == len(facts) else [])), facts, exact[text]))
    return exact, tuple(sorted(found, key=lambda one: -sum(map(len, one.literals))))
