"""`--lang fr` is French: no sentence of the English catalogue is in what a command prints that takes it."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import pytest
import typer

from roosync_ops.cli import COMMANDS, LazyCommand, acting, output
from roosync_ops.fleet import Machine
from roosync_ops.show.messages import catalogue
from tests.component.show.test_sentences import tables

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
    "watch": [(*SHARED, "--for", "0.1"), ("--shared", "nowhere", "--for", "0.1")],
    "schedule": [SHARED, (*SHARED, "--mechanism", "cron"), (*SHARED, "--status"), (*SHARED, "--uninstall")],
}
#: What goes wrong, in each way that a command line can.
WRONG: dict[str, list[tuple[str, ...]]] = {
    "validate": [("--shared", "nowhere"), ("--limit", ","), ("c*", "!c", *SHARED), (*SHARED, "--patience", "x")],
    "status": [("--wat",), ("--format", "x", *SHARED)],
    "logs": [("nobody",)],
    "diagnose": [("--dry",), ("nobody",)],
    "stop": [(), ("--dry", "nobody")],
    "report": [("--post", "x", *SHARED), ("--dry", *SHARED), ("--rollout", "nothing.json")],
    "rollout": [("--resume",), ("--failed",), ("a", "--batch", "x"), ("nobody",)],
    "watch": [(*SHARED, "--exec", "/nowhere/at-all"), (*SHARED, "--exec", "'"), ("nobody",)],
    "schedule": [(), (*SHARED, "--install", "--status")],
    "machines": [("silence", "a"), ("silence", "a", "--for", "9y", "--why", "x")],
    "dashboard": [("--baseline", "!", *SHARED)],
    "nonsense": [()],
}
SENTENCES = tables("fr")
INVENTORY = """
from roosync_ops.fleet import machine
enroll = [machine("a", host="127.0.0.1", port=9), machine("c", host="127.0.0.1", port=9)]
off = [machine("b", expected="offline", why="x")]
"""


def english() -> Iterator[str]:
    """Yield the longest piece between two facts of each sentence that has one long enough to be nothing else."""
    found, french = catalogue("en"), catalogue("fr")["words"]
    texts = [text for code, text in found["words"].items() if text != french[code]]
    texts += [text for pair in found["reasons"].values() for text in pair] + [*found["flips"].values()]
    texts += [text for table in SENTENCES.values() for text, other in table.items() if text != other]
    for text in [*texts, *found["causes"].values()]:
        piece = max(re.split(r"\{[^}]*\}", text), key=len).strip()
        if len(piece.split()) > 2 and not piece.startswith("roosync-ops"):
            yield piece


def test_every_command_that_takes_a_language_is_asked() -> None:
    known = set()
    for name in COMMANDS:
        command: Any = LazyCommand(name).load()
        each = [command, *getattr(command, "commands", {}).values()]
        known |= {name for one in each if any(option.name == "lang" for option in one.params)}
    assert known == TAKE_IT.keys()


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


@pytest.mark.parametrize(("command", "more"), [(name, more) for name, ways in WRONG.items() for more in ways])
def test_what_goes_wrong_is_told_in_french_and_in_json_as_ever(
    run: Callable[..., Done], command: str, more: tuple[str, ...]
) -> None:
    done = run(command, *more, "--lang", "fr")
    assert done.code in (2, 3), done
    assert done.err.startswith("Erreur : ")
    said = " ".join((done.out + done.err).split())
    assert [piece for piece in english() if piece in said] == []
    told = run(command, *more, "--lang", "fr", "--json")
    assert run(command, *more, "--lang", "en", "--json").document == told.document


def test_the_settings_language_is_that_of_errors_and_what_is_typed_holds_before_it(run: Callable[..., Done]) -> None:
    with open("roosync-ops.toml", "w", encoding="utf-8") as file:  # noqa: PTH123 - of the working folder
        file.write('lang = "fr"')
    assert run("validate", "nobody").err.startswith("Erreur : nobody : ni machine ni groupe")
    assert run("nonsense").err.startswith("Erreur : Commande inconnue")
    assert run("validate", "nobody", "--lang", "en").err.startswith("Error: nobody: no such machine")
    assert run("validate", "nobody", "--lang=en").err.startswith("Error: nobody: no such machine")


def test_progress_and_questions_are_in_the_language_that_is_spoken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output.speak("fr")
    monkeypatch.setattr("sys.stdin", type("Terminal", (io.StringIO,), {"isatty": lambda _: True})("n\n"))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    chosen = (Machine.of("a", {}),)
    with pytest.raises(typer.Abort):
        acting.confirm("Stop the agent on {count} machine{s} ({names})?", chosen, asked_for=False)
    with output.Progress() as progress:
        progress.show("asking 3 machines")
    output.speak("en")
    said = capsys.readouterr().err
    assert "Arrêter l'agent sur 1 machine (a) ?" in said
    assert "3 machines à interroger" in said
