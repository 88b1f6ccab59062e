"""The catalogue: every message is there in both languages, with the same facts, and none is there for nothing."""

from __future__ import annotations

import ast
import json
import re
import string
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops import show
from roosync_ops.judge import flip
from roosync_ops.show import messages
from roosync_ops.show.messages import commands

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOM = Path(show.__file__).parent
LANGUAGES = ("en", "fr")


def tables(lang: str) -> dict[str, Mapping[str, Any]]:
    """Return every table of a language, by its name; a code stands in it once."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs), [code for code, _ in pairs]
        return dict(pairs)

    text = (ROOM / "messages" / lang / "words.json").read_text(encoding="utf-8")
    found: dict[str, Mapping[str, Any]] = json.loads(text, object_pairs_hook=once)
    return found


def facts(text: str | list[str]) -> list[set[str]]:
    """Return the facts that a message, or each of its parts, has places for."""
    parts = [text] if isinstance(text, str) else text
    return [{name for _, name, _, _ in string.Formatter().parse(part) if name is not None} for part in parts]


def test_every_language_has_the_same_tables_codes_and_facts() -> None:
    english, *others = ({name: dict(table) for name, table in tables(lang).items()} for lang in LANGUAGES)
    assert len(english) > 1
    for other in others:
        assert english.keys() == other.keys()
        for name, table in english.items():
            assert list(table) == list(other[name]), name
            for code, text in table.items():
                assert facts(text) == facts(other[name][code]), (name, code)


def test_a_command_belongs_to_a_sentence_and_needs_the_machine_alone() -> None:
    assert commands().keys() == {"reasons", "flips"}
    for name, next_ in commands().items():
        assert next_.keys() <= tables("en")[name].keys()
        assert all(facts(words)[0] <= {"machine"} for words in next_.values())
        for lang in LANGUAGES:
            assert "roosync-ops" not in str(tables(lang)[name])


def test_every_reason_of_a_flip_has_a_sentence() -> None:
    kinds = [value for name, value in vars(flip).items() if name.isupper() and isinstance(value, str)]
    codes = tables("en")["flips"]
    ends = {flip.OK, flip.SUSPECT, flip.UNAVAILABLE, "online", "offline", "left", "unknown"}
    assert {kind for kind in kinds if kind not in ends} == codes.keys()


def asked() -> Iterator[str]:
    """Yield every code that our code names, whole or, where it ends in a fact, its beginning and a star."""
    for source in ROOM.parent.rglob("*.py"):
        if "messages" in source.parts[:-1]:
            continue
        nodes = list(ast.walk(ast.parse(source.read_text(encoding="utf-8"))))
        parts = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
                yield node.value
            elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                yield f"{node.values[0].value!s}*"


def test_every_word_that_is_looked_up_is_there_and_none_is_there_for_nothing() -> None:
    found, codes = set(asked()), tables("en")["words"]
    groups = {code.partition(".")[0] for code in codes if "." in code}
    named = {text for text in found if re.fullmatch(r"(\w+)\.\w+", text) and text.partition(".")[0] in groups}
    beginnings = tuple(text[:-1] for text in found if re.fullmatch(r"[\w]+\.\w*\*", text))
    assert named <= codes.keys()
    assert not [code for code in codes if code not in found and not code.startswith(beginnings)]


@pytest.mark.parametrize(("lang", "other"), [*pairwise(LANGUAGES), *pairwise(reversed(LANGUAGES))])
def test_only_the_language_that_is_asked_for_is_loaded(lang: str, other: str) -> None:
    program = (
        "import sys; from roosync_ops import show; from roosync_ops.judge import Reason\n"
        "from roosync_ops.show.text import Style; read = []\n"
        "sys.addaudithook(lambda event, told: read.append(str(told[0])) if event == 'open' else None)\n"
        f"show.sentence(Reason('never-seen', 'm'), Style({lang!r}))\n"
        "files = [name for name in read if name.endswith('words.json')]\n"
        f"assert [name.split('/')[-2] for name in files] == [{lang!r}] != [{other!r}], files"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_a_sentence_and_its_command_are_told_apart() -> None:
    said = messages.said("agent-gone", "fr", {"machine": "m 1", "name": "m 1", "since_when": ""})
    assert said.command == "roosync-ops restart --limit 'm 1'"
    assert said.text.endswith(" :")
    assert str(said) == f"{said.text} {said.command}"
    assert messages.flip_said("strange", "en", {"machine": ""}) == messages.Sentence("strange")
