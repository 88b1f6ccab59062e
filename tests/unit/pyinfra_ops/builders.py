"""A machine of the inventory and what it answered, enrolled and well unless a test says otherwise."""

from __future__ import annotations

from typing import Any

from roosync_ops.fleet import Machine
from roosync_ops.pyinfra_ops import plan
from roosync_ops.remote_script.bundle import Bundle
from roosync_ops.remote_script.facts_model import ProbeReport

NOW_MS = 1_770_891_330_000
STARTED = "2026-02-12T10:00:00.000Z"
BUNDLE = Bundle("0.1.0", "0123456789abcdef", "a" * 64, b"the agent")


def a_machine(**fields: Any) -> Machine:
    return Machine.of(
        "myia-po-2024", {"host": "127.0.0.1", "port": 2222, "user": "me", "shared": "/srv/share", **fields}
    )


def a_share(**fields: Any) -> dict[str, Any]:
    good = {"path": "/srv/share", "exists": True, "isDirectory": True, "readable": True, "writable": True}
    return {**good, "readOnly": False, "freeBytes": 10**9, **fields}


def a_status(**fields: Any) -> dict[str, Any]:
    return {
        "success": True,
        "running": True,
        "startedAt": STARTED,
        "loopBuildId": BUNDLE.build_id,
        "permanence": {"kind": "systemd-user", "installed": True, "enabled": True, "survivesReboot": True},
        "config": {"heartbeatInterval": 30_000, "offlineTimeout": 120_000, "autoSyncEnabled": True},
        "lastBeat": {"sequence": 7, "lastHeartbeat": "2026-02-12T10:15:25.000Z", "readBack": True},
        "now": "2026-02-12T10:15:30.000Z",
        **fields,
    }


def an_answer(**fields: Any) -> dict[str, Any]:
    """Return a probe's answer, as JSON has it, of a machine that is as the inventory says."""
    return {
        "hostname": "MyIA-PO-2024",
        "platform": "linux",
        "user": "me",
        "uid": 1000,
        "home": "/home/me",
        "python": {"executable": "/usr/bin/python3", "version": "3.11.2"},
        "systemd": True,
        "localDir": "/home/me/.local/state/roosync",
        "agentSha256": BUNDLE.sha256,
        "config": None,
        "configModifiedMs": 0,
        "status": a_status(),
        "share": a_share(),
        "clock": {"startMs": NOW_MS, "endMs": NOW_MS},
        **fields,
    }


def a_report(machine: Machine | None = None, **fields: Any) -> ProbeReport:
    """Return the report of a machine whose config.json is what `machine` wants, unless `fields` say otherwise."""
    report = ProbeReport.model_validate(an_answer(**fields))
    if "config" in fields:
        return report
    return report.model_copy(update={"config": plan.wanted_config(machine or a_machine(), report)})


def a_new_machine() -> ProbeReport:
    """Return the report of a machine nothing was ever rolled out to."""
    return a_report(agentSha256=None, status=None, config=None, configModifiedMs=None)
