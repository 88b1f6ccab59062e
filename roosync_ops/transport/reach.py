"""How far it is to a machine, from what was met on the way to it: its name, its addresses, the machine itself."""

from dataclasses import dataclass
from typing import Final

from roosync_ops.fleet import Machine
from roosync_ops.fleet.machine import WINRM_PORTS

from .link import Link
from .ssh import OpenSsh

_SSH_PORT: Final = 22


@dataclass(frozen=True)
class Reach:
    """`addresses` the name stands for; `met`: it took a connection itself; `hint` is what mends here that it failed."""

    host: str
    port: int
    addresses: tuple[str, ...] = ()
    met: bool = False
    hint: str = ""


def reach_of(machine: Machine, link: Link) -> Reach:
    """Return what the last attempt met; nothing of what it did not meet. An alias stands for what ssh says it does."""
    host, port = machine.address, port_of(machine)
    addresses: tuple[str, ...] = ()
    if isinstance(link, OpenSsh) and link.log.address is not None:
        host, address, port = link.log.address
        addresses = (address,)
    if (error := link.failed) is None:
        return Reach(host, port, addresses, met=True)
    return Reach(host, port, addresses, error.met, error.hint)


def port_of(machine: Machine) -> int:
    """Return the port that a machine is reached at, as far as the inventory says."""
    default = WINRM_PORTS.get(str(machine.winrm.get("winrm_transport")), WINRM_PORTS["https"])
    return machine.port or (default if machine.transport == "winrm" else _SSH_PORT)
