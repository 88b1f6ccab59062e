"""The procedure's four checks after an enrolment, on the view that the older readers read."""

from __future__ import annotations

from typing import Any, Final

from . import verdict as v

IN_HEARTBEATS: Final = "heartbeats"
STATUS_ONLINE: Final = "status"
IN_ONLINE_MACHINES: Final = "onlineMachines"
ONLINE_COUNT_UP: Final = "statistics.onlineCount"


def enrolment_checks(before: object, after: object, machine_id: str) -> tuple[v.Check, v.Check, v.Check, v.Check]:
    """Compare the view before and after `machine_id` was enrolled (`heartbeat.json` parsed; None where there is none).

    The count must be up by at least one, or not down where the machine was online before; machines that went offline
    meanwhile are taken off what it was.
    """
    heartbeats, online = _part(after, "heartbeats", dict), _part(after, "onlineMachines", list)
    entry = heartbeats.get(machine_id)
    stored = entry.get("status") if isinstance(entry, dict) else None

    def check(name: str, kind: str, ok: bool, **facts: Any) -> v.Check:
        missing = v.NO_VIEW if not isinstance(after, dict) else kind
        return v.Check(name, ok, None if ok else v.Reason(missing, machine_id, facts))

    counts = _counts(before, after, machine_id)
    return (
        check(IN_HEARTBEATS, v.NOT_IN_HEARTBEATS, isinstance(entry, dict)),
        check(STATUS_ONLINE, v.STORED_STATUS, stored == "online", status=stored),
        check(IN_ONLINE_MACHINES, v.NOT_IN_LIST, machine_id in online),
        check(ONLINE_COUNT_UP, v.COUNT_NOT_UP, counts["after"] >= counts["wanted"], **counts),
    )


def _counts(before: object, after: object, machine_id: str) -> dict[str, int]:
    """Compare the counts; a machine that went meanwhile is no fault of the one that was enrolled."""
    known, now = _online(before), _online(after)
    was = _online_count(before)
    gone = len(known - now - {machine_id})
    return {"before": was, "after": _online_count(after), "wanted": was - gone + (machine_id not in known)}


def _online(view: object) -> set[str]:
    return {name for name in _part(view, "onlineMachines", list) if isinstance(name, str)}


def _online_count(view: object) -> int:
    count = _part(view, "statistics", dict).get("onlineCount")
    return count if type(count) is int else 0


def _part(view: object, key: str, kind: type) -> Any:
    """Return a part of the view, empty where the view has none of that type."""
    part = view.get(key) if isinstance(view, dict) else None
    return part if isinstance(part, kind) else kind()
