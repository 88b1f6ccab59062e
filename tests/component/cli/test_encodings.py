"""Whatever encoding stdout has, JSON says the same in it, and people are shown signs that it has.

In this process; one encoding of each command is in a process of its own, in tests/integration/cli/test_streams.py.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from roosync_ops.cli import main
from tests.integration.cli.test_streams import FOR_PEOPLE, IN_JSON, holds_the_machines, place

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[[list[str], str], tuple[int, str]]

__all__ = ["place"]


@pytest.fixture
def run(place: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command whose stdout is a file of an encoding; return its exit code and what is in the file."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("COLUMNS", "200")
    written = place / "written"

    def run(words: list[str], encoding: str) -> tuple[int, str]:
        with written.open("w", encoding=encoding) as stdout, monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", stdout)
            code = main(words)
            sys.stdout.flush()
        return code, written.read_bytes().decode(encoding)

    return run


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp850", "cp437", "utf-8"])
@pytest.mark.parametrize(("words", "code"), IN_JSON)
def test_json_says_the_same_in_every_encoding(
    words: list[str], code: int, encoding: str, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    ended, out = run(words, encoding)
    assert (ended, capsys.readouterr().err) == (code, "")
    holds_the_machines(words, out)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp850"])
@pytest.mark.parametrize(("words", "code"), FOR_PEOPLE)
def test_what_a_stdout_cannot_show_is_written_in_signs_it_has(
    words: list[str], code: int, encoding: str, run: Run
) -> None:
    ended, out = run(words, encoding)
    assert ended == code
    assert out
