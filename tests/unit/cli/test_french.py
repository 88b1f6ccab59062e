"""`--lang fr` is French: no sentence of the English catalogue is in what a command prints that takes it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.cli import COMMANDS, LazyCommand
from roosync_ops.show.messages.en import diagnosis, reasons, words
from roosync_ops.show.messages.fr.words import WORDS as FRENCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.unit.cli.conftest import Done

SHARED = ("--shared", "shared")
#: Every command that takes --lang, in the ways that run without a machine.
TAKE_IT: dict[str, list[tuple[str, ...]]] = {
    "validate": [SHARED, (*SHARED, "-f", "markdown"), (*SHARED, "-f", "junit"), (*SHARED, "--patience", "5")],
    "status": [SHARED],
    "history": [SHARED],
    "report": [SHARED],
    "matrix": [SHARED],
    "diagnose": [SHARED],
    "dashboard": [(*SHARED, "--probe", "never", "--output", ".")],
    "machines": [("list",), ("silence", "a", "--for", "1h", "--why", "x"), ("silence", "a", "--end")],
    "rollout": [("a", "--dry"), ("a", *SHARED, "--wait", "0"), ("a", *SHARED, "-f", "junit", "--wait", "0")],
    "rollback": [("a", "--dry")],
    "restart": [("a", *SHARED, "--wait", "0")],
    "stop": [("a", "--dry")],
    "uninstall": [("a", "--dry")],
    "logs": [("a",)],
}
#: These run until they are ended; watch and the live page are seen in tests/integration.
ELSEWHERE = {"watch", "schedule"}
INVENTORY = """
from roosync_ops.fleet import machine
enroll = [machine("a", host="127.0.0.1", port=9), machine("c", host="127.0.0.1", port=9)]
off = [machine("b", expected="offline", why="x")]
"""


def english() -> Iterator[str]:
    """Yield the longest piece between two facts of each sentence that has one long enough to be nothing else."""
    texts = [text for code, text in words.WORDS.items() if text != FRENCH[code]]
    texts += [text for pair in reasons.REASONS.values() for text in pair] + [*reasons.FLIPS.values()]
    for text in [*texts, *diagnosis.CAUSES.values()]:
        piece = max(re.split(r"\{[^}]*\}", text), key=len).strip()
        if len(piece.split()) > 2:
            yield piece


def test_every_command_that_takes_a_language_is_asked() -> None:
    known = set()
    for name in COMMANDS:
        command: Any = LazyCommand(name).load()
        each = [command, *getattr(command, "commands", {}).values()]
        known |= {name for one in each if any(option.name == "lang" for option in one.params)}
    assert known == TAKE_IT.keys() | ELSEWHERE


@pytest.mark.parametrize(("command", "more"), [(name, more) for name, ways in TAKE_IT.items() for more in ways])
def test_what_is_printed_in_french_has_no_english_sentence(
    run: Callable[..., Done], beat: Callable[..., None], command: str, more: tuple[str, ...]
) -> None:
    with open("inventory.py", "w", encoding="utf-8") as file:  # noqa: PTH123 - of the working folder
        file.write(INVENTORY)
    beat("a", 900_000)
    beat("b")
    beat("stranger")
    done = run(command, *more, "--lang", "fr")
    assert done.code in (0, 1, 3), done
    said = " ".join((done.out + done.err).split())
    assert [piece for piece in english() if piece in said] == []
