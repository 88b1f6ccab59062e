"""What others wrote to judge MCP servers: the inspector's command line, and the published conformance suite."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.kits import npm
from tests.kits.assistant import ROOSYNC_OPS
from tests.kits.hosts import PATIENCE_S

from .conftest import MACHINE
from .test_http import Served, served

if TYPE_CHECKING:
    from .conftest import Place

__all__ = ["served"]

pytestmark = [
    pytest.mark.npm,
    pytest.mark.timeout(900),  # the first use installs it
]
BASELINE = Path(npm.__file__).with_name("conformance-baseline.yml")


@pytest.fixture
def config(place: Place) -> Path:
    """The .mcp.json that the command prints."""
    line = [ROOSYNC_OPS, "mcp", "--print-config", *place.words]
    done = subprocess.run(
        [*map(str, line), "--shared", str(place.shared)],
        capture_output=True,
        check=True,
        timeout=PATIENCE_S,
        env={**os.environ, **place.env},
    )
    path = place.root / ".mcp.json"
    path.write_bytes(done.stdout)
    return path


def test_the_inspector_starts_it_from_the_printed_configuration_and_lists_its_tools(config: Path, place: Place) -> None:
    found = npm.inspect(config, "tools/list", env=place.env)
    assert [tool["name"] for tool in found["tools"]] == [
        "roosync_heartbeat_service",
        "roosync_heartbeat_status",
        "roosync_refresh_dashboard",
        "roosync_validate",
        "roosync_who_sees_whom",
        "roosync_diagnose",
        "roosync_history",
    ]


def test_the_procedure_through_the_inspector_is_as_it_is_written(config: Path, place: Place) -> None:
    def call(tool: str, **arguments: Any) -> dict[str, Any]:
        return npm.call(config, tool, arguments, place.env)

    done = call("roosync_heartbeat_service", action="register", machineId=MACHINE, metadata={"hostname": "X"})
    assert done["isError"] is False
    assert done["structuredContent"]["result"]["isNewMachine"] is True
    assert json.loads(done["content"][0]["text"]) == done["structuredContent"]
    status = call("roosync_heartbeat_status", filter="all", includeHeartbeats=True, forceCheck=True)
    assert status["structuredContent"]["onlineMachines"] == [MACHINE]
    refused = call("roosync_heartbeat_service", action="register")
    assert refused["isError"] is True
    said = "HEARTBEAT_MISSING_MACHINE_ID: machineId est requis pour l'action register\nNext: "
    assert refused["content"][0]["text"].startswith(said)


def test_the_conformance_suite_finds_what_its_baseline_says(served: Served, tmp_path: Path) -> None:
    done = npm.conformance(served.url, BASELINE, tmp_path)
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr
    for scenario in ("server-initialize", "ping", "tools-list", "dns-rebinding-protection"):
        assert f"✓ {scenario}" in done.stdout
