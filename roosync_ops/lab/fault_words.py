"""What is said about faults, at the lab's prompt and in a second terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .faults import FAULTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def fault_list() -> str:
    """Return each fault and what it does to its machine, a line each."""
    width = max(map(len, FAULTS))
    return "\n".join(f"  {name:<{width}}  {text}" for name, text in FAULTS.items())


def fault_said(name: str, machine: str, *, on: bool, changed: bool) -> str:
    """Return the sentence about a fault that has been switched."""
    if not changed:
        return f"{machine}: {name} {'was on already' if on else 'was not on'}."
    return f"{machine}: {name}: {FAULTS[name]}." if on else f"{machine}: {name} is over."


def faults_text(active: Mapping[str, Sequence[str]]) -> str:
    """Return the faults that are on, a machine a line."""
    return "\n".join(f"{machine}: {', '.join(names)}" for machine, names in active.items()) or "No fault is on."
