"""A fleet of Windows-like hosts on loopback ports, each with its own replica of the share."""

import os
import subprocess
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from tests.kits.hosts import PATIENCE_S, Hosts, free_ports, new_key

from . import base, tools
from .cache import hold, new_folder
from .disk import Disk
from .host import WinHost
from .spec import WinHostSpec

#: Waits until the fleet's process lets go of it, then removes its folder; hosts that end just then may still write.
_JANITOR = 'cat >/dev/null; for again in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$1" && exit; sleep 0.5; done; exit 1'


class WinFleet(Hosts[WinHost]):
    """Boots its hosts on entry, all at once, and leaves nothing behind, whether it is left, crashes or is killed."""

    def __init__(self, hosts: Iterable[WinHostSpec]) -> None:
        super().__init__()
        self._specs = tuple(hosts)

    def __enter__(self) -> Self:
        self._layers = (tools.build(), base.build())
        self._held = [hold(layer) for layer in self._layers]
        self.folder, self._lock = new_folder("fleets")
        # in a session of its own, so that neither Ctrl-C nor a crash of the tests reaches it
        self._janitor = subprocess.Popen(
            ("sh", "-c", _JANITOR, "winlab-janitor", str(self.folder)),
            stdin=subprocess.PIPE,
            pass_fds=(self._lock,),
            start_new_session=True,
        )
        try:
            self._assemble()
            self.each(WinHost.power_on)
            for host in self:
                host.disk.remember_first_boot()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _assemble(self) -> None:
        public_key = new_key(self.key)
        known = []
        for number, (spec, port) in enumerate(zip(self._specs, free_ports(len(self._specs)), strict=True), os.getpid()):
            disk = Disk(spec, self.folder / "hosts" / spec.name, self._layers)
            known.append(f"[127.0.0.1]:{port} {disk.assemble(number, port, public_key)}\n")
            self.hosts[spec.name] = WinHost(disk, port, self.ssh_config)
        blocks = [f"Host {host.name}\n  HostName {host.address}\n  Port {host.port}\n" for host in self]
        self.configure_ssh(known, blocks, f"  User {WinHost.user}\n")

    def _close(self) -> None:
        try:
            self.each(WinHost.power_cut)
        finally:
            self._janitor.communicate(timeout=PATIENCE_S)
            for descriptor in (*self._held, self._lock):
                os.close(descriptor)
