"""Whom another machine reaches that this computer does not: the indirect probe of SWIM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roosync_ops.remote_script.facts_model import parse_knocked
from roosync_ops.transport.failure import Failure
from roosync_ops.transport.reach import host_of, port_of

from . import asking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roosync_ops.fleet import Machine


def knock(
    witnesses: Sequence[Machine], targets: Sequence[Machine], timeout_s: float, connect_timeout_s: float
) -> dict[str, frozenset[str]]:
    """Have each of `witnesses` connect to the ports of `targets`; return whose took it, of who answered in time.

    What a witness says keeps a machine from being called dead, and does nothing else.
    """
    ports = {machine.machine_id: [host_of(machine), port_of(machine)] for machine in targets}
    request = {"do": "knock", "targets": list(ports.values()), "limit": min(connect_timeout_s, timeout_s / 2)}

    def one(machine: Machine) -> frozenset[str] | Failure:
        with asking.way_to(machine, timeout_s, connect_timeout_s) as link:
            return asking.answer(
                machine, link, request, timeout_s, lambda lines, _, __: _names(parse_knocked(lines).open)
            )

    def _names(open_ports: Sequence[bool]) -> frozenset[str]:
        return frozenset(name for name, is_open in zip(ports, open_ports, strict=False) if is_open)

    found = asking.each(witnesses, one)
    return {name: those for name, those in found.items() if not isinstance(those, Failure)}
