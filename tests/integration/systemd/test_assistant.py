"""What an assistant starts on a real systemd is a unit of the machine: it outlives the assistant, and a reboot."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.kits.hosts import wait_for
from tests.kits.nslab import SHARED, Fleet, Host, HostSpec
from tests.kits.nslab.library import SUITE, install
from tests.kits.product import sequence

pytestmark = [
    pytest.mark.systemd,
    pytest.mark.skipif(SUITE is None, reason="does not apply: no Debian here runs this CPython"),
    pytest.mark.timeout(600),  # the first run builds the base
]
NAME = "myia-po-2024"
INVENTORY = f"from roosync_ops.fleet import machine\nenroll = [machine({NAME!r})]\n"
#: An assistant on the host: the SDK's own client, our server as the process it starts, and the calls it was told.
ASSISTANT = f"""
import json, sys
import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters

server = ["-m", "roosync_ops", "mcp", "--inventory", "/srv/inventory.py", "--shared", {SHARED!r}]

async def converse(calls):
    async with Client(StdioServerParameters(command="python3", args=server)) as client:
        answers = [await client.call_tool(tool, arguments) for tool, arguments in calls]
    return [one.structured_content or {{"error": one.content[0].text}} for one in answers]

print(json.dumps(anyio.run(converse, json.loads(sys.argv[1]))))
"""


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Fleet([HostSpec(NAME, SUITE or "bookworm")]) as fleet:
        host = fleet[NAME]
        host.run("loginctl", "enable-linger", "fleet")
        install(host, "filelock", "mcp", "pydantic", "pyinfra", "typer")
        (host.disk.root / "srv/inventory.py").write_text(INVENTORY)
        (host.disk.root / "srv/assistant.py").write_text(ASSISTANT)
        yield host


def converse(host: Host, user: str, *actions: str) -> list[dict[str, Any]]:
    calls = [["roosync_heartbeat_service", {"action": action, "machineId": NAME}] for action in actions]
    done = host.ssh(f"python3 /srv/assistant.py '{json.dumps(calls)}'", user=user)
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


@pytest.mark.parametrize("user", ["root", "fleet"])
def test_start_is_a_unit_that_outlives_the_assistant_and_a_reboot(host: Host, user: str) -> None:
    registered, started = converse(host, user, "register", "start")
    assert registered["message"] == f"Heartbeat enregistré pour {NAME}", registered
    assert started["message"] == f"Service de heartbeat démarré pour {NAME}", started
    local = "/var/lib/roosync" if user == "root" else f"/home/{user}/.local/state/roosync"
    agent = f"ROOSYNC_SHARED_PATH={SHARED} python3 {local}/agent.pyz"
    status = json.loads(host.ssh(f"{agent} status --json", user=user).stdout)
    assert (status["running"], status["permanence"]["survivesReboot"]) == (True, True), status
    assert status["permanence"]["kind"].startswith("systemd"), status
    share = host.share
    before = sequence(share, NAME)
    host.reboot()
    host.wait_ready()
    wait_for("a beat after the reboot", lambda: sequence(share, NAME) > before)
    (stopped,) = converse(host, user, "stop")
    assert stopped["message"] == "Service de heartbeat arrêté avec succès", stopped
    host.ssh(f"{agent} uninstall --json", user=user)
    host.run("find", SHARED, "-mindepth", "1", "-delete")
