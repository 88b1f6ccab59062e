from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.lab.fleet import LabFleet
from roosync_ops.lab.play import activate
from tests.kits.assistant import Stdio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from roosync_ops.lab.host import LabHost


@dataclass(frozen=True)
class Said:
    """What a tool answered: its result object, or, where it `failed`, what is read of its error."""

    failed: bool
    text: str
    result: dict[str, Any]


@dataclass(frozen=True)
class Assistant:
    """An assistant on a machine. Each conversation starts the server there, and kills it at its end."""

    host: LabHost
    inventory: Path

    def converse(self, *calls: tuple[str, dict[str, Any]]) -> list[Said]:
        with Stdio("--inventory", self.inventory, cwd=self.host.home, env=self.host.environment()) as server:
            return [_said(server.call(tool, **arguments)) for tool, arguments in calls]

    def ask(self, tool: str, **arguments: Any) -> Said:
        return self.converse((tool, arguments))[0]


def _said(answer: dict[str, Any]) -> Said:
    text = "\n".join(part.get("text", "") for part in answer["content"])
    return Said(bool(answer.get("isError")), text, answer.get("structuredContent") or {})


@pytest.fixture(scope="module")
def lab() -> Iterator[LabFleet]:
    """The fleet on the day the procedure was written: one machine has a heartbeat already, two are off."""
    with LabFleet() as fleet:
        activate(fleet)
        for part in fleet.parts:
            local = fleet.host(part.name).local_dir
            local.mkdir(parents=True, exist_ok=True)
            if not (local / "config.json").exists():  # never a unit of this computer's own systemd
                (local / "config.json").write_text(json.dumps({"permanence": "process"}))
        yield fleet


@pytest.fixture(scope="module")
def inventory(lab: LabFleet) -> Path:
    """The lab's machines with the field's thresholds: the procedure says 30 s and 2 minutes."""
    text = re.sub(r"^ +(heartbeat_interval|offline_timeout)=.*\n", "", lab.inventory.read_text(), flags=re.MULTILINE)
    path = lab.root / "field.py"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def assistant(lab: LabFleet, inventory: Path) -> Callable[[str], Assistant]:
    return lambda name: Assistant(lab.host(name), inventory)
