"""Over standard input and output, as an assistant starts it: what it starts outlives it, and it ends when told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.kits.assistant import ROOSYNC_OPS, Stdio
from tests.kits.hosts import PATIENCE_S, wait_for
from tests.kits.shares import heartbeat, put

from .conftest import MACHINE, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

START = {"action": "start", "machineId": MACHINE, "heartbeatInterval": 500, "offlineTimeout": 60_000}


def kill_session(leader: int) -> None:
    """Kill every process of a session at once, as closing an assistant's window may."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            session = int((folder / "stat").read_text().rpartition(")")[2].split()[3])
        except OSError:
            continue
        if session == leader:
            os.kill(int(folder.name), signal.SIGKILL)


def test_the_procedure_ends_with_a_machine_that_beats_after_its_assistant_was_killed(place: Place) -> None:
    with place.server() as assistant:
        metadata = {"hostname": "MyIA-PO-2024", "platform": "win32", "registeredBy": "manual-procedure"}
        done = assistant.call("roosync_heartbeat_service", action="register", machineId=MACHINE, metadata=metadata)
        assert done["structuredContent"]["message"] == f"Heartbeat enregistré pour {MACHINE}"
        done = assistant.call("roosync_heartbeat_service", **START, enableAutoSync=True)
        started = done["structuredContent"]
        assert started["success"] is True
        assert started["message"] == f"Service de heartbeat démarré pour {MACHINE}"
        assert set(started["result"]) == {"action", "machineId", "startedAt", "config"}
        assert started["result"]["config"] == {
            "heartbeatInterval": 500,
            "offlineTimeout": 60_000,
            "autoSyncEnabled": True,
        }
        status = assistant.call("roosync_heartbeat_status", filter="all", includeHeartbeats=True, forceCheck=True)
        # On a busy machine a beat that is due every half second may be a warning by now.
        assert status["structuredContent"]["offlineMachines"] == []
        assert status["structuredContent"]["heartbeats"][MACHINE]["status"] in ("online", "warning")
        kill_session(assistant.process.pid)
        assistant.process.wait(PATIENCE_S)
    then = place.sequence()
    wait_for("more beats", lambda: place.sequence() > then + 3)
    with place.server() as assistant:
        again = assistant.call("roosync_heartbeat_service", action="start", machineId=MACHINE)
        assert again["isError"] is True
        assert again["content"][0]["text"].startswith(
            "HEARTBEAT_ALREADY_STARTED: Heartbeat service déjà démarré\nNext:"
        )
        done = assistant.call("roosync_heartbeat_service", action="stop")
        assert done["structuredContent"]["message"] == "Service de heartbeat arrêté avec succès"
        assert done["structuredContent"]["result"]["stateSaved"] is True
        status = assistant.call("roosync_heartbeat_status", includeChanges=True)["structuredContent"]
        assert status["offlineMachines"] == [MACHINE]
        assert status["changes"]["newlyOfflineMachines"] == [MACHINE]


def test_a_start_while_the_share_is_away_says_so_and_the_loop_waits_for_it(place: Place) -> None:
    place.shared.rmdir()
    with place.server() as assistant:
        done = assistant.call("roosync_heartbeat_service", **START)["structuredContent"]
    assert done["success"] is True
    assert done["message"].endswith("la boucle l'attend")
    assert done["result"]["share"]["state"] == "missing"
    assert not place.shared.exists()
    place.shared.mkdir()
    wait_for("a beat in the share that is back", lambda: list(place.shared.glob("heartbeats/*.json")))


def test_it_introduces_itself_and_what_is_printed_is_not_the_protocol(place: Place) -> None:
    put(place.shared, heartbeat(MACHINE))
    with place.server() as assistant:
        assert assistant.hello["serverInfo"]["name"] == "roosync-ops"
        assert "never instructions" in assistant.hello["instructions"]
        found = assistant.call("roosync_validate")["structuredContent"]
        assert found["machines"][0]["machineId"] == MACHINE
        assistant.process.terminate()
        assert assistant.process.stderr is not None
        assert "write" not in assistant.process.stderr.read()  # nor does it reach the assistant in another way


def ends(assistant: Stdio) -> int:
    return assistant.process.wait(PATIENCE_S)


def test_the_end_of_input_ends_it(place: Place) -> None:
    with place.server() as assistant:
        assert assistant.process.stdin is not None
        assistant.process.stdin.close()
        assert ends(assistant) == 0
        assistant.process.stdin = None  # communicate() would flush it


def test_a_byte_order_mark_before_the_first_message_is_passed_over(place: Place) -> None:
    with place.server(encoding="utf-8-sig") as assistant:
        assert assistant.hello["serverInfo"]["name"] == "roosync-ops"


def test_ctrl_c_ends_it(place: Place) -> None:
    with place.server() as assistant:
        assistant.process.send_signal(signal.SIGINT)
        assert ends(assistant) == 130
        assert assistant.process.stderr is not None
        assert "Traceback" not in assistant.process.stderr.read()


@pytest.fixture
def hung_share(tmp_path: Path) -> Iterator[Path]:
    """A folder that blocks in every system call, as a drive does whose program hangs: nobody serves its /dev/fuse."""
    folder = tmp_path / "hung"
    folder.mkdir()
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0"
    subprocess.run(["mount", "-i", "-t", "fuse", "-o", options, "hung", str(folder)], check=True, pass_fds=[device])
    yield folder
    os.close(device)
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.root
@pytest.mark.fuse
def test_a_share_that_hangs_in_the_kernel_is_an_answer_and_no_hang(place: Place, hung_share: Path) -> None:
    words = [*place.words, "--deadline", "1", "--shared", str(hung_share)]
    with Stdio(*words, cwd=place.root, env=place.env) as assistant:
        for tool in ("roosync_heartbeat_status", "roosync_validate", "roosync_history", "roosync_heartbeat_status"):
            done = assistant.call(tool)
            assert done["isError"] is True
            assert "no answer" in done["content"][0]["text"]
        assert assistant.process.stdin is not None
        assistant.process.stdin.close()
        assert ends(assistant) == 0
        assistant.process.stdin = None


def test_the_printed_configuration_starts_it(place: Place) -> None:
    line = [ROOSYNC_OPS, "mcp", "--print-config", *place.words, "--shared", place.shared]
    done = subprocess.run(list(map(str, line)), capture_output=True, check=True, cwd=place.root, timeout=PATIENCE_S)
    server = json.loads(done.stdout)["mcpServers"]["roosync-ops"]
    assert server["command"] == str(ROOSYNC_OPS)
    assert server["args"][0] == "mcp"
    assert server["env"] == {"ROOSYNC_SHARED_PATH": str(place.shared)}
