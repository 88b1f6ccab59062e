"""A fleet of two, its inventory, and a share; the command line runs in this process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from roosync_ops.cli import main
from roosync_ops.wire.times import now_ms
from tests.kits.shares import ours, put

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

INVENTORY = """
from roosync_ops.fleet import machine
enroll = [machine("a", host="a.local", user="me", port=2222)]
off = [machine("b", expected="offline", why="éteinte")]
"""


class Done(NamedTuple):
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def next(self) -> str:
        """The command that it says is next."""
        return self.err.rpartition("Next:  ")[2].strip()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with `inventory.py` and an empty share `shared` in it."""
    (tmp_path / "inventory.py").write_text(INVENTORY, encoding="utf-8")
    (tmp_path / "shared" / "heartbeats").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(place: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    assert place.is_dir()

    def run(*arguments: str) -> Done:
        code = main(arguments)
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return run


@pytest.fixture
def beat(place: Path) -> Callable[..., None]:
    """Write a heartbeat into the share, `age_ms` old by the real clock."""

    def beat(machine_id: str, age_ms: int = 1_000) -> None:
        put(place / "shared", ours(machine_id, age_ms, now_ms()))

    return beat
