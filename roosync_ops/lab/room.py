"""What may be asked of a running lab from elsewhere, in the words of control.py: its faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .console import machine_named
from .fault_words import fault_said
from .fleet import ADMIN, LabError

if TYPE_CHECKING:
    from .fleet import LabFleet


def answer(lab: LabFleet, request: dict[str, Any]) -> dict[str, Any]:
    """Do what a request asks, and return the answer; what cannot be done is an answer too."""
    try:
        if "fault" in request:
            return _fault(lab, str(request["fault"]), str(request.get("machine")), on=request.get("on") is not False)
    except LabError as error:
        return {"ok": False, "error": str(error)}
    return {"ok": True, "active": lab.faults()}


def _fault(lab: LabFleet, name: str, text: str, *, on: bool) -> dict[str, Any]:
    machine = machine_named(text, (*lab.names, ADMIN))
    changed = lab.fault(name, machine, on=on)
    said = fault_said(name, machine, on=on, changed=changed)
    return {"ok": True, "machine": machine, "fault": name, "on": on, "changed": changed, "said": said}
