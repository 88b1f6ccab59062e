"""A host's disk: an overlay over the kit's programs and the installation, and beside it the replica of the share."""

import contextlib
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from roosync_ops import lab
from roosync_ops.lab import mounts
from tests.kits.hosts import QUICK_KEYS, new_key

from . import base, tools, wine
from .spec import ON_DISK, ON_DRIVE, WinHostSpec

_INSIDE = Path(__file__).with_name("inside")
_BESIDE_WINDOWS = ("init.py", "session.py")
#: The kit's own folder, and what Wine keeps in C: of its own accord.
_NOT_THE_HOSTS = ("drive_c/winlab",)
_PYTHON_KEY = r"Software\Python\PythonCore\3.11\InstallPath"
_SSHD = """\
Port {port}
ListenAddress 127.0.0.1
HostKey /srv/kit/host_key
PidFile none
AuthorizedKeysFile /srv/kit/authorized_keys
StrictModes no
UsePAM no
UseDNS no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
PermitTTY no
AllowTcpForwarding no
AllowAgentForwarding no
X11Forwarding no
PrintMotd no
MaxStartups 100
MaxSessions 100
Subsystem sftp winlab-sftp
ForceCommand exec {python} -IS /srv/kit/session.py ssh
{keys}"""


class Disk:
    """`changes` is what of the host's files differs from the layers under it, on this machine."""

    def __init__(self, spec: WinHostSpec, folder: Path, layers: tuple[Path, Path]) -> None:
        self.spec = spec
        self.folder = folder
        self.kit = folder / "kit"
        self.changes = folder / "upper"
        self._tools, self._base = layers
        self._first: dict[str, str] = {}

    @property
    def share(self) -> Path:
        """The replica of the share, on this machine."""
        return self.folder / "drive" / (f"g/{ON_DRIVE}" if self.spec.drive else ON_DISK)

    def assemble(self, port: int, public_key: str) -> str:
        """Make the disk; returns the host's public key for known_hosts."""
        for part in ("kit", "upper/drive_c", "upper/dosdevices", "work", "root"):
            (self.folder / part).mkdir(parents=True)
        self.share.mkdir(parents=True)
        for name in _BESIDE_WINDOWS:
            shutil.copy(_INSIDE / name, self.kit)
        (self.kit / "lab").mkdir()
        for module in (lab, mounts):
            shutil.copy(str(module.__file__), self.kit / "lab")
        self._describe(port)
        (self.kit / "authorized_keys").write_text(public_key, encoding="ascii")
        self._set_registry()
        if self.spec.drive:
            self.map_drive()
        if self.spec.user != wine.USER:
            # overlayfs's mark of a folder that is not there
            (self.changes / "drive_c/users").mkdir()
            os.mknod(self.changes / "drive_c/users" / wine.USER, stat.S_IFCHR, os.makedev(0, 0))
        if self.spec.py:
            (self.changes / "drive_c/windows").mkdir()
            shutil.copy(self._tools / "drive_c/winlab/py.exe", self.changes / "drive_c/windows/py.exe")
        return new_key(self.kit / "host_key", self.spec.name)

    def map_drive(self) -> None:
        """Map G: on a host that is off."""
        (self.changes / "dosdevices" / "g:").symlink_to("/srv/drive/g")

    def unmap_drive(self) -> None:
        """Take G: from a host that is off."""
        (self.changes / "dosdevices" / "g:").unlink(missing_ok=True)

    def set_logon(self, there: bool) -> None:
        """Say whether the user of a host that is off is logged on from its boot (see tasks/taskd.py)."""
        state = self.changes / "drive_c/winlab/tasks/state"
        state.mkdir(parents=True, exist_ok=True)
        if there:
            (state / "session").touch()
        else:
            (state / "session").unlink(missing_ok=True)

    def remember_first_boot(self) -> None:
        """Take what the first boot made for the host's own: files() then tells what came after it."""
        self._first = self._all_changes()

    def files(self) -> dict[str, str]:
        r"""Return every file and folder beyond a first boot: `C:\path` -> SHA-256, "folder" or "deleted"."""
        first, now = self._first, self._all_changes()
        gone = dict.fromkeys(first.keys() - now.keys(), "deleted")
        return gone | {name: what for name, what in now.items() if first.get(name) != what}

    def _all_changes(self) -> dict[str, str]:
        found = {}
        for path in self._walk(self.changes / "drive_c"):
            with contextlib.suppress(FileNotFoundError):
                what = self._what(path)
                if what:
                    found["C:\\" + str(path.relative_to(self.changes / "drive_c")).replace("/", "\\")] = what
        return found

    def _walk(self, folder: Path) -> Iterator[Path]:
        for place, folders, files in os.walk(folder):
            here = Path(place)
            folders[:] = [
                name for name in folders if str((here / name).relative_to(self.changes)) not in self._others()
            ]
            yield from (here / name for name in (*folders, *files))

    def _others(self) -> set[str]:
        return {*_NOT_THE_HOSTS, *(target.removeprefix("prefix/") for _, target, _ in self._binds())}

    def _what(self, path: Path) -> str:
        status = path.lstat()
        if stat.S_ISCHR(status.st_mode):  # overlayfs's mark of a file that is no more
            return "deleted"
        if stat.S_ISDIR(status.st_mode):
            name = path.relative_to(self.changes)
            return "" if any((layer / name).is_dir() for layer in (self._tools, self._base / "prefix")) else "folder"
        return hashlib.sha256(path.read_bytes()).hexdigest()

    def _describe(self, port: int) -> None:
        plan = {
            "name": self.spec.name,
            "port": port,
            "layers": f"{self._tools}:{self._base / 'prefix'}",
            "binds": self._binds(),
            "drive_in_ssh": self.spec.drive_in_ssh,
            "tasks": tools.has_tasks(),
        }
        self._write("plan.json", json.dumps(plan))
        variables = wine.environment("/srv/prefix", "/srv/home")
        self._write("environment", "".join(f"{name}={value}\n" for name, value in variables.items()))
        self._write("passwd", wine.passwd(self.spec.user))
        self._write("sshd_config", _SSHD.format(port=port, python=base.interpreter(), keys=QUICK_KEYS))

    def _binds(self) -> list[tuple[str, str, str]]:
        python = str(self._base / "python")
        binds = [(python, "prefix/drive_c/winlab/python", "ro"), (str(self.folder / "drive"), "drive", "rw")]
        if self.spec.python:
            binds.append((python, f"prefix/drive_c/{self.spec.python[3:].replace(chr(92), '/')}", "ro"))
        if not self.spec.drive:
            binds.append((str(self.folder / "drive"), "prefix/drive_c/Drive", "rw"))
        return binds

    def _set_registry(self) -> None:
        machine = {}
        if self.spec.python:
            folder = self.spec.python
            machine = {"@": f"{folder}\\", "ExecutablePath": rf"{folder}\python.exe"}
        for name, key, values in (
            ("system.reg", _PYTHON_KEY, machine),
            ("user.reg", "Environment", dict(self.spec.environment)),
        ):
            text = wine.renamed((self._base / "prefix" / name).read_text("ascii"), self.spec.user)
            added = wine.registry_section(key, values) if values else ""
            (self.changes / name).write_text(text + added, encoding="ascii")

    def _write(self, name: str, text: str) -> None:
        (self.kit / name).write_text(text, encoding="utf-8")
