"""A host's disk: an overlay over its suite's base, with the host's own name, address and keys."""

import contextlib
import hashlib
import os
import re
import secrets
import stat
from pathlib import Path

from tests.kits.hosts import QUICK_KEYS, new_key, sh

_NETWORK = "[Match]\nName=host0\n[Network]\nAddress={address}/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\nLLMNR=no\n"
_FLEET_UID = 1000


class Disk:
    """`root` is the disk as the host sees it, `changes` what of it differs from the base."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.changes = folder / "upper"

    def assemble(self, base: Path, name: str, address: str, public_key: str) -> str:
        """Make the disk over `base`; returns the host's public key for known_hosts."""
        for part in ("upper", "work", "root"):
            (self.folder / part).mkdir(parents=True)
        layers = f"lowerdir={base},upperdir={self.changes},workdir={self.folder / 'work'}"
        sh("mount", "-t", "overlay", "overlay", "-o", layers, str(self.root))
        self._write("etc/hostname", f"{name}\n")
        self._write("etc/machine-id", f"{secrets.token_hex(16)}\n")
        self._write("etc/ssh/sshd_config.d/keys.conf", QUICK_KEYS)
        self._write("etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {name}\n")
        self._write("etc/systemd/network/10-host0.network", _NETWORK.format(address=address))
        self._authorize("root", 0, public_key)
        self._authorize("home/fleet", _FLEET_UID, public_key)
        return new_key(self.root / "etc/ssh/ssh_host_ed25519_key", name)

    def files(self, *without: str) -> dict[str, str]:
        """Return a line for every file beyond the base: mode, owner, time of change, contents.

        Left out are paths that one of the regular expressions `without` matches (on the path from /).
        """
        skip = re.compile("|".join(without)) if without else None
        found = {}
        for path in sorted(self.changes.rglob("*")):
            name = f"/{path.relative_to(self.changes)}"
            if skip is None or not skip.search(name):
                with contextlib.suppress(FileNotFoundError):
                    found[name] = _describe(path)
        return found

    def _write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text, encoding="ascii")

    def _authorize(self, home: str, uid: int, public_key: str) -> None:
        folder = self.root / home / ".ssh"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o700)
        keys = folder / "authorized_keys"
        keys.write_text(public_key, encoding="ascii")
        for path in (folder, keys):
            os.chown(path, uid, uid)


def _describe(path: Path) -> str:
    status = path.lstat()
    contents = ""
    if stat.S_ISLNK(status.st_mode):
        contents = str(path.readlink())
    elif stat.S_ISREG(status.st_mode):
        contents = hashlib.sha256(path.read_bytes()).hexdigest()
    # a folder's time moves with what comes and goes in it, which is listed itself
    changed = 0 if stat.S_ISDIR(status.st_mode) else status.st_mtime_ns
    return f"{status.st_mode:o} {status.st_uid}:{status.st_gid} {changed} {contents}"
