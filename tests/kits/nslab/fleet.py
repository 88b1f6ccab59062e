"""A fleet: hosts on a bridge of their own, with one share in common or a replica each."""

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.kits.hosts import Hosts, new_key

from .base import build_all
from .host import Host, HostSpec
from .janitor import Janitor
from .slot import Slot

_FIRST_OCTET = 11


class Fleet(Hosts[Host]):
    """Boots its hosts on entry (2 to 4 s) and leaves nothing behind, whether it is left, crashes or is killed.

    `share` is "common" (one folder in all hosts) or "each" (a folder per host, to be replicated by somebody).
    """

    def __init__(self, hosts: Iterable[HostSpec], *, share: str = "common") -> None:
        if share not in ("common", "each"):
            raise ValueError(f"share is 'common' or 'each', not {share!r}")
        super().__init__()
        self._specs = tuple(hosts)
        self._share = share

    def __enter__(self) -> Self:
        bases = build_all(spec.suite for spec in self._specs)
        self._slot = Slot.acquire()
        self._janitor = Janitor(self._slot)
        try:
            self.folder = self._slot.folder or Path()
            self._assemble(bases)
            self.each(Host.power_on)
            self.each(Host.wait_ready)
        except BaseException:
            self._janitor.dismiss()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.each(Host.power_cut)
        self._janitor.dismiss()

    @property
    def share(self) -> Path:
        """The common share's folder on this machine. With a replica each, see Host.share."""
        return self._share_of("common")

    def _assemble(self, bases: dict[str, Path]) -> None:
        public_key = new_key(self.key)
        known = []
        for octet, spec in enumerate(self._specs, start=_FIRST_OCTET):
            host = self.hosts[spec.name] = self._make(spec, octet)
            host_key = host.disk.assemble(bases[spec.suite], host.name, host.address, public_key)
            known.append(f"{host.address},{host.name} {host_key}\n")
        blocks = [f"Host {host.name}\n  HostName {host.address}\n" for host in self]
        self.configure_ssh(known, blocks, "  ConnectTimeout 10\n")

    def _make(self, spec: HostSpec, octet: int) -> Host:
        share = self._share_of(spec.name if self._share == "each" else "common")
        if not share.exists():
            share.mkdir(parents=True)
            # root's agents and users' agents alike write in it, as a sync product would let them
            share.chmod(0o777)
        return Host(spec, octet, self._slot, self.folder / "hosts" / spec.name, share)

    def _share_of(self, owner: str) -> Path:
        return self.folder / "shares" / owner / ".shared-state"
