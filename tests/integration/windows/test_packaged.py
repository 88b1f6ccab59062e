"""The agent started from a packaged program, whose writes under AppData nobody else sees."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.remote_script import bundle
from tests.kits.hosts import wait_for
from tests.kits.windows_agent import WindowsAgent
from tests.kits.winlab import WinFleet, WinHost, WinHostSpec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.wine
NAME = "MYIA-PO-2025"
PRIVATE = r"AppData\Local\Packages\Kit.Parent_1abcdefghjkmn\LocalCache\Local"


@pytest.fixture
def host() -> Iterator[WinHost]:
    with WinFleet([WinHostSpec(NAME)]) as fleet:
        yield fleet[NAME]


def on_disk(host: WinHost, folder: str) -> Path:
    return host.prefix / "drive_c" / f"{host.user_profile}\\{folder}"[3:].replace("\\", "/")


def packaged(host: WinHost, *words: str, code: int = 0) -> Any:
    """Run a verb of the shipped agent, wherever it lies, as a child of a packaged program."""
    path = rf"{host.user_profile}\Assistant\agent.pyz"
    target = on_disk(host, "Assistant")
    if not (target / "agent.pyz").exists():
        target.mkdir(exist_ok=True)
        bundle.build(target / "agent.pyz")
    line = ["python", "-I", "-S", "-B", r"C:\winlab\packaged.py", path, *words, "--shared", host.shared, "--json"]
    done = host.run(*line)
    assert done.returncode == code, done
    return json.loads(done.stdout)


def test_what_a_packaged_program_starts_lives_where_everybody_sees_it_and_beats(host: WinHost) -> None:
    installed = packaged(host, "install", "--heartbeat-interval", "1000")
    assert installed["permanence"]["installed"] is True
    packaged(host, "start")
    own = host.share / "heartbeats" / f"{NAME.lower()}.json"
    wait_for("a beat", own.exists)
    assert not on_disk(host, PRIVATE).exists(), "nothing is written where the task does not see it"
    assert on_disk(host, r".roosync").is_dir()
    line = ["python", "-I", "-S", "-B", rf"{host.user_profile}\Assistant\agent.pyz", "status"]
    status = json.loads(host.run(*line, "--shared", host.shared, "--json").stdout)
    assert (status["running"], status["localDir"]) == (True, rf"{host.user_profile}\.roosync"), "every console finds it"
    packaged(host, "stop")


def test_one_that_is_installed_keeps_its_folder_and_a_packaged_program_is_told_where_to_type(host: WinHost) -> None:
    agent = WindowsAgent(host, heartbeatInterval=1_000, offlineTimeout=120_000)
    agent.over_ssh("install")
    refused = packaged(host, "start", code=1)
    assert (refused["code"], agent.loops()) == ("PACKAGED_PROCESS", [])
    assert r"Assistant\agent.pyz start --local-dir" in refused["hint"]
    assert packaged(host, "status")["localDir"] == agent.local
    assert not on_disk(host, PRIVATE).exists()
    agent.at_console("start")
    assert packaged(host, "status")["running"] is True
