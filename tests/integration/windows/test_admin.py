"""The admin machine is a Windows one: our own commands on Windows CPython, with the Windows builds of what they import.

Under Wine, not on Windows. Two libraries that the kit's CPython or Wine 8 lack are compiled here: python3.dll (the
stable interface, which passes every call on to python311.dll) and bcryptprimitives.dll (random numbers).
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

from roosync_ops.remote import bundle
from tests.kits.winlab import WinFleet, WinHost, WinHostSpec, base, why_not
from tests.kits.winlab.cache import forget_all_but, obtain

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.timeout(600),  # the first run builds the kit, and downloads 30 MB of wheels
]
ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
#: What only Windows needs, which pip leaves out when it is asked on Linux.
ONLY_THERE = ("colorama", "cffi")
COMPILER = ("x86_64-w64-mingw32-gcc-win32", "-shared", "-O2", "-s", "-o")
RANDOM = """
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG); /* RtlGenRandom */
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) { return SystemFunction036(data, (ULONG)size); }
"""
START = r"""
import os, sys
sys.path.insert(0, r"C:\admin\site")
os.environ["PYTHONPATH"] = r"C:\admin\site"
os.chdir(r"C:\admin")
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
            done.returncode, *(said.decode("cp1252").replace("\r\n", "\n") for said in (done.stdout, done.stderr))
        )


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Admin]:
    wheels = windows_packages()
    libraries = tmp_path_factory.mktemp("libraries")
    compile_libraries(libraries)
    with WinFleet([WinHostSpec("MYIA-AI-01", drive=False)]) as fleet:
        found = Admin(fleet["MYIA-AI-01"])
        shutil.copytree(wheels, found.folder / "site")
        for library in libraries.glob("*.dll"):
            shutil.copy(library, found.host.prefix / "drive_c" / "windows" / "system32")
        install_ours(found.folder / "site")
        (found.folder / "start.py").write_text(START)
        shutil.copy(fleet.key, found.folder / "id")
        shutil.copy(fleet.known_hosts, found.folder / "known_hosts")
        (found.folder / "inventory.py").write_text(inventory(found.host), encoding="utf-8")
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


def compile_libraries(folder: Path) -> None:
    """Make the two libraries that are missing."""
    (folder / "random.c").write_text(RANDOM)
    names = ("bcryptprimitives.dll", "random.c", "-ladvapi32")
    subprocess.run((*COMPILER, *names), check=True, timeout=60, cwd=folder)
    dump = ("x86_64-w64-mingw32-objdump", "-p", str(base.build() / "python" / "python311.dll"))
    listing = subprocess.run(dump, check=True, capture_output=True, text=True, timeout=60).stdout
    exported = listing.partition("[Ordinal/Name Pointer] Table")[2].split("\n\n")[0].split()
    calls = [name for name in exported if name.startswith(("Py", "_Py"))]
    passed_on = "".join(f"  {name} = python311.{name}\n" for name in calls)
    (folder / "python3.def").write_text(f"LIBRARY python3.dll\nEXPORTS\n{passed_on}")
    (folder / "nothing.c").write_text("int nothing;\n")
    forwarder = ("python3.dll", "nothing.c", "python3.def", "-nostdlib", "-Wl,--entry=0")
    subprocess.run((*COMPILER, *forwarder), check=True, timeout=60, cwd=folder)


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
    assert admin("machines", "check").out == "inventory.py: 1 machines (enroll 1); all sound\n"
    table = admin("validate", "--shared", admin.host.shared)
    assert table.code == 1, table
    assert "0/1 machines online (0%)" in table.out


def test_the_agent_that_is_built_there_is_the_one_that_is_built_here(admin: Admin) -> None:
    built = admin("agent", "build", "-o", "agent.pyz")
    assert built.code == 0, built
    assert (admin.folder / "agent.pyz").read_bytes() == bundle.build().data


def test_a_machine_with_another_host_key_is_refused(admin: Admin) -> None:
    known = admin.folder / "known_hosts"
    right = known.read_text()
    known.write_text(
        right.split(" ")[0] + " ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
    )
    try:
        looked = admin("rollout", "--dry", "--json", "--shared", admin.host.shared)
    finally:
        known.write_text(right)
    assert looked.code == 1, looked
    assert "HOST_KEY" in looked.out


def test_the_admin_machine_enrols_itself_and_is_taken_off_again(admin: Admin) -> None:
    """Over SSH to itself, its host key checked; the kit's stand-in for the task service keeps the agent."""
    shared = ("--shared", admin.host.shared)
    done = admin("rollout", *shared)
    assert done.code == 0, done
    table = admin("validate", "--wait", "20", *shared)
    assert table.code == 0, table
    assert "1/1 machines online (100%)" in table.out
    gone = admin("uninstall")
    assert gone.code == 0, gone
