from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.agent.permanence.systemd import SYSTEM_UNITS
from roosync_ops.wire.identity import LAB_HOSTNAME_VARIABLE
from tests.kits.assistant import Stdio
from tests.kits.hosts import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MACHINE = "myia-po-2024"
INVENTORY = f"""
import os
from roosync_ops.fleet import machine
print("an inventory may print")
os.write(1, b"and what it calls may write")
enroll = [machine({MACHINE!r}, host="127.0.0.1", port=1)]
"""


@dataclass(frozen=True)
class Place:
    """A machine of its own on this computer: a name, a share, and the folders of its user."""

    root: Path

    @property
    def shared(self) -> Path:
        return self.root / "shared folder"

    @property
    def agent_dir(self) -> Path:
        return self.root / "agent"

    @property
    def env(self) -> dict[str, str]:
        return {LAB_HOSTNAME_VARIABLE: MACHINE.upper(), "XDG_STATE_HOME": str(self.root / "state")}

    @property
    def words(self) -> list[str]:
        return ["--inventory", str(self.root / "inventory.py"), "--agent-dir", str(self.agent_dir)]

    def server(self, *words: str, encoding: str = "utf-8") -> Stdio:
        """Start a server as an assistant does."""
        return Stdio(*self.words, "--shared", self.shared, *words, cwd=self.root, env=self.env, encoding=encoding)

    def sequence(self) -> int:
        record: dict[str, Any] = json.loads((self.shared / "heartbeats" / f"{MACHINE}.json").read_bytes())
        return int(record["agent"]["sequence"])


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """The machine's agent is a supervised process: no test leaves a unit in this computer's systemd."""
    place = Place(tmp_path)
    place.shared.mkdir()
    place.agent_dir.mkdir()
    (place.agent_dir / "config.json").write_text(json.dumps({"permanence": "process"}))
    (tmp_path / "inventory.py").write_text(INVENTORY)
    yield place
    agent = place.agent_dir / "agent.pyz"
    if agent.exists():
        line = [sys.executable, str(agent), "stop", "--no-save-state", "--local-dir", str(place.agent_dir)]
        where = ["--shared", str(place.shared), "--machine-id", MACHINE]
        subprocess.run([*line, *where], check=False, capture_output=True, timeout=PATIENCE_S)
    assert not os.path.isdir(SYSTEM_UNITS) or not any("roosync" in name for name in os.listdir(SYSTEM_UNITS))  # noqa: PTH112, PTH208 - a str
