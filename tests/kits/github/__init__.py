"""GitHub as `gh` shows it: a stand-in for the command on PATH, and what it was asked.

`gh.py` is what runs as `gh`; this is the side of the tests. Known and refused is what the manual of `gh api` (gh 2.x)
and GitHub's REST pages on issue comments say; the words on stderr are those of gh's source (`gh: … (HTTP 404)`).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


class GitHub:
    """One issue, `o/r#460`, its comments, and faults to order: see `gh.py` for the settings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._state = folder / "state.json"
        folder.mkdir()
        self.set(login="me", comments=[], next_id=1)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put the stand-in, and nothing else, on PATH."""
        script = self.folder / "bin" / "gh"
        script.parent.mkdir()
        script.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {Path(__file__).parent / "gh.py"} "$@"\n')
        script.chmod(0o755)
        monkeypatch.setenv("PATH", str(script.parent))
        monkeypatch.setenv("STAND_IN_GH", str(self.folder))

    def set(self, **settings: Any) -> None:
        """Change settings: login, comments, next_id, and the faults."""
        self._state.write_text(json.dumps({**self.state, **settings}))

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._state.read_text()) if self._state.exists() else {}
        return found

    @property
    def comments(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.state["comments"]
        return found

    @property
    def asked(self) -> list[dict[str, Any]]:
        """What was asked, in order: `words`, and `given` on standard input."""
        path = self.folder / "log.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def methods(self) -> list[str]:
        """Which requests were made: `GET user`, `POST repos/o/r/issues/460/comments`."""
        return [f"{each['words'][2]} {each['words'][-1].partition('?')[0]}" for each in self.asked]

    def write(self, author: str | None, body: str) -> int:
        """Have somebody comment; None is a deleted account. Return the comment's id."""
        state = self.state
        number: int = state["next_id"]
        entry = comment(number, author, body)
        self.set(comments=[*state["comments"], entry], next_id=number + 1)
        return number


def comment(number: int, author: str | None, body: str) -> dict[str, Any]:
    """Return a comment as GitHub's API has it, as far as anybody here reads it."""
    return {
        "id": number,
        "html_url": f"https://github.example/o/r/issues/460#issuecomment-{number}",
        "user": None if author is None else {"login": author},
        "body": body,
    }
