"""The admin machine is a Windows one: our own commands on Windows CPython, with the Windows builds of what they import.

Under Wine, not on Windows. What libraries.py says is missing is compiled first.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from roosync_ops.remote_script import bundle
from tests.kits.winlab import WinFleet, WinHost, WinHostSpec, base
from tests.kits.winlab.cache import forget_all_but, obtain

from .libraries import random_numbers, stable_interface

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.wine,
    pytest.mark.timeout(600),  # the first run builds the kit, and downloads 30 MB of wheels
]
ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
#: What only Windows needs, which pip leaves out when it is asked on Linux.
ONLY_THERE = ("colorama", "cffi")
START = r"""
import os, sys
sys.path.insert(0, r"C:\admin\site")
os.environ["PYTHONPATH"] = r"C:\admin\site"
os.chdir(r"C:\admin")
if __name__ == "__main__":
    from roosync_ops.cli import main
    sys.exit(main(sys.argv[1:]))
"""


class Done(NamedTuple):
    code: int
    out: str
    err: str


class Admin:
    """The host as an admin machine."""

    def __init__(self, host: WinHost) -> None:
        self.host = host
        self.folder = host.prefix / "drive_c" / "admin"

    def __call__(self, *words: str) -> Done:
        done = self.host.run(r"C:\Python311\python.exe", "-I", r"C:\admin\start.py", *words, timeout=170)
        return Done(
            done.returncode, *(said.decode("utf-8").replace("\r\n", "\n") for said in (done.stdout, done.stderr))
        )


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Admin]:
    wheels = windows_packages()
    libraries = tmp_path_factory.mktemp("libraries")
    missing = (random_numbers(libraries), stable_interface(libraries, base.build() / "python" / "python311.dll"))
    with WinFleet([WinHostSpec("MYIA-AI-01", drive=False)]) as fleet:
        found = Admin(fleet["MYIA-AI-01"])
        shutil.copytree(wheels, found.folder / "site")
        for library in missing:
            shutil.copy(library, found.host.prefix / "drive_c" / "windows" / "system32")
        install_ours(found.folder / "site")
        (found.folder / "start.py").write_text(START)
        shutil.copy(fleet.key, found.folder / "id")
        shutil.copy(fleet.known_hosts, found.folder / "known_hosts")
        (found.folder / "inventory.py").write_text(inventory(found.host), encoding="utf-8")
        (found.host.share / "dashboards").mkdir(exist_ok=True)  # a shared state nobody has beaten in yet
        yield found


def windows_packages() -> Path:
    """Return a folder with what the project needs, as pip installs it on Windows; kept in the kit's cache."""
    locked = (ROOT / "requirements.lock").read_bytes()
    recipe = hashlib.sha256(locked + json.dumps([PROJECT["dependencies"], ONLY_THERE]).encode()).hexdigest()[:16]

    def make(folder: Path) -> None:
        pip = (sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder))
        there = ("--platform", "win_amd64", "--python-version", "3.11", "--only-binary=:all:")
        wanted = (*PROJECT["dependencies"], *ONLY_THERE)
        subprocess.run((*pip, *there, "-c", str(ROOT / "requirements.lock"), *wanted), check=True, timeout=400)

    folder = obtain(f"windows-packages-{recipe}", make)
    forget_all_but(folder, "windows-packages-*[0-9a-f]")
    return folder


def install_ours(site: Path) -> None:
    """Lay our package out as pip does, entry points included."""
    shutil.copytree(ROOT / "roosync_ops", site / "roosync_ops")
    shutil.copytree(ROOT / "deploys", site / "roosync_ops" / "deploys")
    about = site / f"roosync_ops-{PROJECT['version']}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {PROJECT['name']}\nVersion: {PROJECT['version']}\n")
    groups = PROJECT["entry-points"].items()
    lines = [f"[{group}]\n" + "".join(f"{name} = {place}\n" for name, place in each.items()) for group, each in groups]
    (about / "entry_points.txt").write_text("\n".join(lines))


def inventory(host: WinHost) -> str:
    """The admin machine is itself in the fleet, as myia-ai-01 is."""
    ssh = {"ssh_key": r"C:\admin\id", "ssh_known_hosts_file": r"C:\admin\known_hosts", "ssh_allow_agent": False}
    place = {"host": host.address, "port": host.port, "user": host.user, "shared": host.shared, "ssh": ssh}
    line = f"machine({host.name.lower()!r}, system='windows', why='l\u2019été', **{place!r})"
    return f"from roosync_ops.fleet import machine\n\nenroll = [{line}]\n"


def test_an_inventory_is_read_and_a_fleet_judged(admin: Admin) -> None:
    assert admin("machines", "check").out == "inventory.py: 1 machine (enroll 1); all sound\n"
    table = admin("validate", "--shared", admin.host.shared)
    assert table.code == 1, table
    assert "0/1 machines online (0%)" in table.out


def test_the_agent_that_is_built_there_is_the_one_that_is_built_here(admin: Admin) -> None:
    built = admin("agent", "build", "-o", "agent.pyz")
    assert built.code == 0, built
    assert (admin.folder / "agent.pyz").read_bytes() == bundle.build().data


def test_without_an_ssh_program_each_machine_is_told_what_to_install_here(admin: Admin) -> None:
    """Wine brings no ssh.exe, and none can be had from where packages come from: SSH from Windows never ran."""
    looked = admin("rollout", "--dry", "--json", "--shared", admin.host.shared)
    assert looked.code == 1, looked
    (row,) = json.loads(looked.out)["machines"]
    assert (row["outcome"], row["code"]) == ("unreachable", "NO_SSH_CLIENT")
    assert "OpenSSH Client" in row["reason"]
