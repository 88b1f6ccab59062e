"""A fleet: hosts on a bridge of their own, with one share in common or a replica each."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from .base import build_all
from .host import Host, HostSpec
from .janitor import Janitor
from .shell import sh
from .slot import Slot

_FIRST_OCTET = 11


class Fleet:
    """Boots its hosts on entry (2 to 4 s) and leaves nothing behind, whether it is left, crashes or is killed.

    `share` is "common" (one folder in all hosts) or "each" (a folder per host, to be replicated by somebody).
    """

    def __init__(self, hosts: Iterable[HostSpec], *, share: str = "common") -> None:
        if share not in ("common", "each"):
            raise ValueError(f"share is 'common' or 'each', not {share!r}")
        self._specs = tuple(hosts)
        self._share = share
        self.hosts: dict[str, Host] = {}

    def __enter__(self) -> Self:
        bases = build_all(spec.suite for spec in self._specs)
        self._slot = Slot.acquire()
        self._janitor = Janitor(self._slot)
        try:
            self.folder = self._slot.folder or Path()
            self._assemble(bases)
            self._each(Host.power_on)
            self._each(Host.wait_ready)
        except BaseException:
            self._janitor.dismiss()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._each(Host.power_cut)
        self._janitor.dismiss()

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    def __iter__(self) -> Iterator[Host]:
        return iter(self.hosts.values())

    def mend(self) -> None:
        """End every fault and switch on what is off, so that a test that failed half-way spoils no other."""
        self._each(Host.mend)

    @property
    def key(self) -> Path:
        """The private key that logs in as root and as `fleet` (who may sudo without a password) on every host."""
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def ssh_config(self) -> Path:
        """A configuration in which every host answers to its name, its key known and strictly checked."""
        return self.folder / "ssh_config"

    @property
    def share(self) -> Path:
        """The common share's folder on this machine. With a replica each, see Host.share."""
        return self._share_of("common")

    def _assemble(self, bases: dict[str, Path]) -> None:
        sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "nslab", "-f", str(self.key))
        public_key = self.key.with_suffix(".pub").read_text("ascii")
        known = []
        for octet, spec in enumerate(self._specs, start=_FIRST_OCTET):
            host = self.hosts[spec.name] = self._make(spec, octet)
            host_key = host.disk.assemble(bases[spec.suite], host.name, host.address, public_key)
            known.append(f"{host.address},{host.name} {host_key}\n")
        self.known_hosts.write_text("".join(known), encoding="ascii")
        self.ssh_config.write_text(self._configuration(), encoding="ascii")

    def _make(self, spec: HostSpec, octet: int) -> Host:
        share = self._share_of(spec.name if self._share == "each" else "common")
        if not share.exists():
            share.mkdir(parents=True)
            # root's agents and users' agents alike write in it, as a sync product would let them
            share.chmod(0o777)
        return Host(spec, octet, self._slot, self.folder / "hosts" / spec.name, share)

    def _share_of(self, owner: str) -> Path:
        return self.folder / "shares" / owner / ".shared-state"

    def _configuration(self) -> str:
        names = "".join(f"Host {host.name}\n  HostName {host.address}\n" for host in self)
        return (
            f"{names}Host *\n  IdentityFile {self.key}\n  IdentitiesOnly yes\n  UserKnownHostsFile {self.known_hosts}\n"
            "  StrictHostKeyChecking yes\n  BatchMode yes\n  ConnectTimeout 3\n  LogLevel ERROR\n"
        )

    def _each(self, do: Callable[[Host], object]) -> None:
        with ThreadPoolExecutor(max(len(self.hosts), 1)) as pool:
            list(pool.map(do, self.hosts.values()))
