"""What the network says on the way to each machine, as this computer sees it: does its name resolve, does it answer.

Asked beside the look itself, of all machines at once, and only for the words: a machine that lets us in was reached,
however it was (an alias or a jump host of the SSH configuration is nothing that is known here).
"""

from __future__ import annotations

import errno
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from roosync_ops.fleet.machine import WINRM_PORTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roosync_ops.fleet import Machine

OPEN: Final = "open"
REFUSED: Final = "refused"
SILENT: Final = "silent"
NO_ROUTE: Final = "no-route"
_SSH_PORT: Final = 22
_NO_ROUTE: Final = frozenset([errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN])


@dataclass(frozen=True)
class Reach:
    """`addresses` the name stands for, or `resolving`, why there are none; `answers` is what its port did."""

    host: str
    port: int
    addresses: tuple[str, ...] = ()
    resolving: str | None = None
    answers: str | None = None


class Reaching:
    """Asks every machine from the start on; `found` waits for at most what is left of `timeout_s`."""

    def __init__(self, machines: Sequence[Machine], timeout_s: float) -> None:
        self._end = time.monotonic() + timeout_s
        self._found = {machine.machine_id: Reach(host_of(machine), port_of(machine)) for machine in machines}
        self._threads = [
            # Daemons: a resolver that hangs must not keep this process from ending.
            threading.Thread(target=self._ask, args=(machine.machine_id,), daemon=True)
            for machine in machines
        ]
        for thread in self._threads:
            thread.start()

    def found(self) -> dict[str, Reach]:
        """Return what is known of each machine by now, or when the time is over."""
        for thread in self._threads:
            thread.join(max(0.0, self._end - time.monotonic()))
        return dict(self._found)

    def _ask(self, name: str) -> None:
        reach = self._found[name]
        try:
            infos = socket.getaddrinfo(reach.host, reach.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            said = getattr(error, "strerror", None) or str(error)
            self._found[name] = Reach(reach.host, reach.port, (), said)
            return
        addresses = tuple(dict.fromkeys(str(info[4][0]) for info in infos))
        self._found[name] = Reach(reach.host, reach.port, addresses)
        self._found[name] = Reach(reach.host, reach.port, addresses, None, self._knock(infos))

    def _knock(self, infos: Sequence[tuple[socket.AddressFamily, int, int, str, tuple[object, ...]]]) -> str:
        """Return the best that any of the addresses did: one that answers is enough."""
        answers = [self._connect(family, address) for family, _, _, _, address in infos]
        return next((word for word in (OPEN, REFUSED, SILENT) if word in answers), NO_ROUTE)

    def _connect(self, family: socket.AddressFamily, address: tuple[object, ...]) -> str:
        left = self._end - time.monotonic()
        if left <= 0:
            return SILENT
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.settimeout(left)
            try:
                connection.connect(address)
            except ConnectionError:
                return REFUSED
            except OSError as error:
                return NO_ROUTE if error.errno in _NO_ROUTE else SILENT
        return OPEN


def host_of(machine: Machine) -> str:
    """Return the name or address that a machine is reached by."""
    return machine.host or machine.machine_id


def port_of(machine: Machine) -> int:
    """Return the port that a machine is reached at."""
    default = WINRM_PORTS.get(str(machine.winrm.get("winrm_transport")), WINRM_PORTS["https"])
    return machine.port or (default if machine.transport == "winrm" else _SSH_PORT)


def known_hosts_of(machine: Machine) -> str | None:
    """Return the known_hosts file that the inventory names; None for the user's own."""
    named = machine.ssh.get("ssh_known_hosts_file")
    return str(Path(named).expanduser()) if isinstance(named, str) else None
