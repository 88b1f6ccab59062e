"""A Windows-like host without a Python gets one from the real uv.exe: pushed, run, and installing from a local mirror.

Under Wine, not on Windows, and with the library that libraries.py says is missing. What uv installs is the kit's
CPython in an archive of the shape of python-build-standalone's.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
from typing import TYPE_CHECKING

import pytest

from roosync_ops.fleet import Machine
from roosync_ops.remote_script.windows import uv
from roosync_ops.transport.link import Finished, Patience
from roosync_ops.transport.sftp import WindowsSsh
from tests.kits.product import roosync_ops
from tests.kits.winlab import WinFleet, WinHost, WinHostSpec, base
from tests.kits.winlab.cache import cache

from .libraries import random_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.wine
#: The kit's CPython; in the field it is uv.PYTHON.
SERIES = "3.11"
KEYS = {"ssh_key": "id_ed25519", "ssh_known_hosts_file": "known_hosts"}
VERSION = "3.11.9"
#: What no CPython needs to start and to answer uv.
LEFT_OUT = ("asyncio", "email", "http", "multiprocessing", "sqlite3", "unittest", "xml", "xmlrpc", "wsgiref", "lib2to3")


class Reach(WindowsSsh):
    """The way to the host by SSH and SFTP, and what went over it."""

    def __init__(self, host: WinHost, machine: Machine) -> None:
        super().__init__(machine, Patience(30, 60, 60))
        self.host = host
        self.lines: list[str] = []
        self.uploads: list[str] = []

    def put(self, data: bytes, path: str) -> None:
        self.uploads.append(path)
        super().put(data, path)

    def execute(self, line: str, stdin: bytes = b"", timeout_s: float | None = None) -> Finished:
        self.lines.append(line)
        return super().execute(line, stdin, timeout_s)


@pytest.fixture(scope="module")
def host() -> Iterator[WinHost]:
    spec = WinHostSpec("BARE", drive=False, user_profile="Élodie Dupont", python=None)
    with WinFleet([spec]) as fleet:
        yield fleet["BARE"]


@pytest.fixture(scope="module")
def environment(host: WinHost, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The admin machine's: where its pip puts the wheel, and the mirror that the host sees."""
    settings = {"XDG_CACHE_HOME": str(cache())}
    try:
        uv.locate(uv.PINNED, settings)
    except uv.UvError as error:
        pytest.skip(str(error))
    library = random_numbers(tmp_path_factory.mktemp("random"))
    shutil.copy(library, host.prefix / "drive_c" / "windows" / "system32")
    add_mirror(host.prefix / "drive_c" / "mirror")
    return {**settings, uv.DOWNLOADS_VARIABLE: "C:\\mirror\\downloads.json"}


def add_mirror(folder: Path) -> None:
    """Lay out the archive, and the list of downloads that names it: uv checks its hash as it does its own."""
    folder.mkdir()
    archive = folder / "python.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        tar.add(base.build() / "python", "python", filter=_needed)
    download = {
        "name": "cpython",
        "arch": {"family": "x86_64", "variant": None},
        "os": "windows",
        "libc": "none",
        **dict(zip(("major", "minor", "patch"), map(int, VERSION.split(".")), strict=True)),
        "prerelease": "",
        "variant": None,
        "build": "20240814",
        "url": "file:///C:/mirror/python.tar.gz",
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
    }
    key = f"cpython-{VERSION}-windows-x86_64-none"
    (folder / "downloads.json").write_text(json.dumps({key: download}))


def _needed(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    parts = member.name.split("/")
    return None if "__pycache__" in parts or (parts[1:2] == ["Lib"] and parts[2:3] and parts[2] in LEFT_OUT) else member


@pytest.fixture
def reach(host: WinHost) -> Reach:
    ssh = {"ssh_config_file": str(host.ssh_config)}
    fields = {"host": host.address, "port": host.port, "user": host.user, "system": "windows", "ssh": ssh}
    keys = {name: str(host.ssh_config.with_name(file)) for name, file in KEYS.items()}
    machine = Machine.of(host.name.lower(), {**fields, "ssh": {**ssh, **keys}})
    return Reach(host, machine)


def test_a_host_without_a_python_gets_one_and_a_second_time_nothing_is_pushed(
    reach: Reach, environment: dict[str, str]
) -> None:
    path = uv.bootstrap(reach, python=SERIES, environment=environment)
    assert path.startswith("C:\\users\\Élodie Dupont\\AppData\\Roaming\\uv\\python\\cpython-3.11.9-")
    assert reach.uploads == ["AppData/Local/roosync-ops/uv.exe"]
    asked = reach.host.run(path, "-I", "-S", "-c", "import sys; print(sys.executable, sys.version_info[:2])")
    assert asked.stdout.decode("cp1252").strip() == f"{path} (3, 11)", asked

    reach.lines.clear()
    reach.uploads.clear()
    assert uv.bootstrap(reach, python=SERIES, environment=environment) == path
    assert len([line for line in reach.lines if "uv.exe" in line]) == 1
    assert reach.uploads == []


def test_every_later_command_finds_that_python_without_uv(
    reach: Reach, environment: dict[str, str], tmp_path: Path
) -> None:
    """Whatever does not install one, `stop` say, asks the discovery alone: uv notes it in the registry (PEP 514)."""
    uv.bootstrap(reach, python=SERIES, environment=environment)
    inventory = tmp_path / "inventory.py"
    fields = {
        "system": "windows",
        "host": reach.host.address,
        "port": reach.host.port,
        "user": reach.host.user,
        "shared": reach.host.shared,
        "ssh": {"ssh_config_file": str(reach.host.ssh_config)},
    }
    inventory.write_text(f"from roosync_ops.fleet import machine\nall = [machine('bare', **{fields!r})]\n")
    looked = roosync_ops("rollout", "--dry", "--inventory", inventory, "--shared", tmp_path)
    assert looked.code == 0, looked


def test_a_version_that_no_mirror_has_is_uvs_own_error(reach: Reach, environment: dict[str, str]) -> None:
    reason = r"could not install a Python on the machine: error: .*3\.12.*"
    with pytest.raises(uv.UvError, match=reason + uv.MIRROR_VARIABLE):
        uv.bootstrap(reach, python="3.12", environment=environment)
