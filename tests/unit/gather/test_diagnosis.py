"""From what a machine answered to what the judge takes: POSIX and Windows alike."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.gather.diagnosis import compared, with_witnesses
from roosync_ops.gather.probe import result_of
from roosync_ops.judge.diagnose import diagnose
from roosync_ops.judge.diagnose_model import DiagnosisInput
from roosync_ops.judge.probes import Builds
from roosync_ops.transport.reach import Reach
from roosync_ops.wire.record import OF_A_TWIN
from tests.kits.shares import NOW
from tests.unit.pyinfra_ops.builders import BUNDLE, a_machine, a_report, a_share, a_status

if TYPE_CHECKING:
    from roosync_ops.judge import ProbeResult

WINDOWS = {"system": "windows", "shared": "G:/Mon Drive/.shared-state"}


def seen(machine: Machine, **fields: Any) -> ProbeResult:
    told = a_report(machine, **fields)
    return compared(machine, result_of(machine, told, Reach("127.0.0.1", 2222)), BUNDLE)


def cause(machine: Machine, **fields: Any) -> str:
    scene = DiagnosisInput(Fleet([machine]), NOW, {machine.machine_id: seen(machine, **fields)})
    return diagnose(scene).machines[0].cause


def test_a_machine_as_a_rollout_leaves_it_has_nothing_wrong_with_it() -> None:
    found = seen(a_machine())
    assert found.builds == Builds(agent=True, config=True, loop=True)
    assert (found.share, found.login) == (None, ("ssh", "-p", "2222", "me@127.0.0.1"))


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"agentSha256": "b" * 64}, "agent-outdated"),
        ({"agentSha256": None, "status": None}, "not-enrolled"),
        ({"status": None}, "agent-broken"),
        ({"status": a_status(loopBuildId="f" * 16)}, "loop-outdated"),
        ({"config": {}}, "config-differs"),
        ({"status": {"success": False, "code": "LOCAL_ERROR", "message": "journal"}}, "agent-broken"),
        ({"status": a_status(machineId="another")}, "wrong-name"),
        ({"status": a_status(running=False, permanence={"installed": True, "enabled": True})}, "agent-dead"),
        ({"status": a_status(now="2026-02-13T09:15:30.000Z")}, "zombie"),
        ({"status": a_status(share={"state": "hung", "since": "2026-02-12T10:15:26.000Z"})}, "share-hung"),
        (
            {
                "status": a_status(
                    ownFile={
                        "rewrites": 1,
                        "lastKind": OF_A_TWIN,
                        "lastDetail": "in whatever words",
                        "lastAt": "2026-02-12T10:15:00.000Z",
                    }
                )
            },
            "twin-identity",
        ),
        ({"share": a_share(readOnly=True)}, "share-read-only"),
        ({"share": a_share(writable=False)}, "share-refused"),
        ({"share": a_share(freeBytes=10)}, "share-full"),
        ({"share": None}, "no-shared-path"),
    ],
)
def test_what_it_answers_leads_to_a_cause(fields: dict[str, Any], word: str) -> None:
    assert cause(a_machine(), **fields) == word


@pytest.mark.parametrize(
    ("share", "word"),
    [
        ({"code": "NO_LOGON_SESSION", "problem": "nobody", "exists": False}, "no-logon-session"),
        ({"code": "DRIVE_NOT_MOUNTED", "problem": "no G:", "exists": False}, "drive-not-mounted"),
        ({"session": "logon", "exists": True}, "well"),
        ({"exists": False, "isDirectory": False}, "well"),
    ],
    ids=["logged-off", "no-drive", "logon-session", "this-session-sees-nothing"],
)
def test_on_windows_the_agents_own_session_is_what_counts(share: dict[str, Any], word: str) -> None:
    assert cause(a_machine(**WINDOWS), share=a_share(**share)) == word


def test_few_machines_of_many_are_looked_at_with_witnesses() -> None:
    fleet = Fleet(Machine.of(f"m{number}", {}) for number in range(50))
    found = with_witnesses(fleet, fleet.select(["m40"]))
    assert found[0].machine_id == "m40"
    assert 2 < len(found) < 20
    assert with_witnesses(fleet, tuple(fleet)) == tuple(fleet)


LAUNCHER = r"C:\Program Files\Google\Drive File Stream\launch.bat"
LOGIN = "ssh -p 2222 me@127.0.0.1"
MADE = (
    "schtasks /create /f /it /sc once /st 00:00 /tn roosync-restart-drive "
    f"/tr \"cmd /c taskkill /f /im GoogleDriveFS.exe & '{LAUNCHER}'\""
)


@pytest.mark.parametrize(
    ("drive", "command"),
    [
        pytest.param(
            {"watchdog": "GDrive-Watchdog", "launcher": LAUNCHER},
            f"{LOGIN} 'schtasks /run /tn GDrive-Watchdog'",
            id="the watchdog is named",
        ),
        pytest.param(
            {"launcher": LAUNCHER},
            f"{LOGIN} {shlex.quote(MADE)} && {LOGIN} 'schtasks /run /tn roosync-restart-drive'",
            id="without one, Drive is restarted in the user's session",
        ),
        pytest.param(
            {},
            "roosync-ops diagnose myia-po-2024",
            id="another sync product",
        ),
        pytest.param(
            {"watchdog": 'Drive watchdog $(evil)`"'},
            "roosync-ops diagnose myia-po-2024",
            id="a task's name is nobody's command",
        ),
    ],
)
def test_a_drive_that_hangs_is_restarted_by_what_the_machine_has_for_that(drive: dict[str, str], command: str) -> None:
    machine = a_machine(**WINDOWS)
    fields = {"share": a_share(hung=True, session="logon"), "drive": drive}
    scene = DiagnosisInput(Fleet([machine]), NOW, {machine.machine_id: seen(machine, **fields)})
    [found] = diagnose(scene).machines
    assert (found.cause, found.command) == ("share-hung", command)


def test_what_is_typed_over_ssh_is_not_named_for_a_machine_that_has_none() -> None:
    machine = a_machine(**{**WINDOWS, "transport": "winrm", "port": None})
    found = seen(
        machine,
        share=a_share(hung=True, session="logon"),
        drive={"watchdog": "GDrive-Watchdog", "launcher": LAUNCHER},
    )
    [row] = diagnose(DiagnosisInput(Fleet([machine]), NOW, {machine.machine_id: found})).machines
    assert (row.cause, row.command) == ("share-hung", "roosync-ops diagnose myia-po-2024")
