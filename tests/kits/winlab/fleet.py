"""A fleet of Windows-like hosts on loopback ports, each with its own replica of the share."""

import os
import socket
import subprocess
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from . import base, tools
from .cache import hold, new_folder
from .disk import Disk
from .host import WinHost
from .shell import sh
from .spec import WinHostSpec

#: Waits until the fleet's process lets go of it, then removes its folder; hosts that end just then may still write.
_JANITOR = 'cat >/dev/null; for again in 1 2 3 4 5 6 7 8 9 10; do rm -rf -- "$1" && exit; sleep 0.5; done; exit 1'


class WinFleet:
    """Boots its hosts on entry, all at once, and leaves nothing behind, whether it is left, crashes or is killed."""

    def __init__(self, hosts: Iterable[WinHostSpec]) -> None:
        self._specs = tuple(hosts)
        self.hosts: dict[str, WinHost] = {}

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
            self._each(WinHost.power_on)
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

    def __getitem__(self, name: str) -> WinHost:
        return self.hosts[name]

    def __iter__(self) -> Iterator[WinHost]:
        return iter(self.hosts.values())

    def mend(self) -> None:
        """Mend every host, so that a test that failed half-way spoils no other."""
        self._each(WinHost.mend)

    @property
    def key(self) -> Path:
        """The private key that logs in on every host."""
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def ssh_config(self) -> Path:
        """A configuration in which every host answers to its name, its key known and strictly checked."""
        return self.folder / "ssh_config"

    def _assemble(self) -> None:
        sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "winlab", "-f", str(self.key))
        public_key = self.key.with_suffix(".pub").read_text("ascii")
        known = []
        for spec, port in zip(self._specs, _free_ports(len(self._specs)), strict=True):
            disk = Disk(spec, self.folder / "hosts" / spec.name, self._layers)
            known.append(f"[127.0.0.1]:{port} {disk.assemble(port, public_key)}\n")
            self.hosts[spec.name] = WinHost(disk, port, self.ssh_config)
        self.known_hosts.write_text("".join(known), encoding="ascii")
        self.ssh_config.write_text(self._configuration(), encoding="utf-8")

    def _configuration(self) -> str:
        names = "".join(f"Host {host.name}\n  HostName {host.address}\n  Port {host.port}\n" for host in self)
        return (
            f"{names}Host *\n  User {WinHost.user}\n  IdentityFile {self.key}\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {self.known_hosts}\n  StrictHostKeyChecking yes\n  BatchMode yes\n  LogLevel ERROR\n"
        )

    def _each(self, do: Callable[[WinHost], object]) -> None:
        with ThreadPoolExecutor(max(len(self.hosts), 1)) as pool:
            list(pool.map(do, self.hosts.values()))

    def _close(self) -> None:
        try:
            self._each(WinHost.power_cut)
        finally:
            self._janitor.communicate(timeout=60)
            for descriptor in (*self._held, self._lock):
                os.close(descriptor)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports
