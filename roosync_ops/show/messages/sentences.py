"""A sentence that is worded where it arises, in the language that is asked for.

What goes wrong is worded once, in English, where it is raised; an agent of any version words its own in French, as
the protocol has it. `<lang>/sentences.toml` holds the other language's words for each: a template whose facts, in
braces, are taken from the sentence as it came, and are themselves put into that language where they are sentences.
"""

import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from string import Formatter
from typing import Final, NamedTuple

#: A sentence in a sentence, and so on; a longer text is no sentence of ours.
_MOST_DEEP: Final = 6
_MOST_CHARACTERS: Final = 4_096


class _Template(NamedTuple):
    """`literals` surround the `facts`, in order: always one more of them."""

    literals: tuple[str, ...]
    facts: tuple[str, ...]
    other: str

    @property
    def joins(self) -> bool:
        """Return True if it has no word of its own."""
        return not any(map(str.isalpha, "".join(self.literals)))

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
    exact, _ = _catalogue(lang)
    return exact.get(text, text)


@lru_cache(4_096)
def _translated(text: str, lang: str, depth: int) -> str:
    said = text.strip()
    if not said or depth > _MOST_DEEP or len(said) > _MOST_CHARACTERS:
        return text
    exact, templates = _catalogue(lang)
    known = exact.get(said)
    for template in templates if known is None else ():
        facts = template.match(said)
        if facts is not None:
            others = {name: _translated(value, lang, depth + 1) for name, value in facts.items()}
            if others != facts or not template.joins:
                known = template.other.format_map(others)
                break
    return text if known is None else text.replace(said, known, 1)


@cache
def _catalogue(lang: str) -> tuple[Mapping[str, str], tuple[_Template, ...]]:
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
