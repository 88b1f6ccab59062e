from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from roosync_ops.mcp.desk import ServerSettings
from roosync_ops.wire.identity import LAB_HOSTNAME_VARIABLE
from tests.kits.assistant import Assistant

if TYPE_CHECKING:
    from pathlib import Path

INVENTORY = """
from roosync_ops.fleet import machine
enroll = [machine("a", host="a.local"), machine("b", host="b.local")]
off = [machine("c", expected="offline", why="éteinte")]
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ServerSettings:
    """A server on the machine `a`, with an inventory, an empty share and local folders of its own."""
    monkeypatch.setenv(LAB_HOSTNAME_VARIABLE, "A")
    (tmp_path / "inventory.py").write_text(INVENTORY, encoding="utf-8")
    (tmp_path / "shared" / "heartbeats").mkdir(parents=True)
    return ServerSettings(
        tmp_path / "inventory.py",
        str(tmp_path / "shared"),
        agent_dir=str(tmp_path / "agent"),
        memory=tmp_path / "memory",
    )


@pytest.fixture
def shared(tmp_path: Path, settings: ServerSettings) -> Path:
    assert settings.shared
    return tmp_path / "shared"


@pytest.fixture
def assistant(settings: ServerSettings) -> Assistant:
    return Assistant(settings)
