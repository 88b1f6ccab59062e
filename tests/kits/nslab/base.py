"""The tree the hosts of one Debian suite start from: kept in the user's cache while its recipe is the same."""

import contextlib
import fcntl
import functools
import hashlib
import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.kits.hosts import CommandError, sh

from .mounts import remove_tree

#: suite -> the CPython its hosts run.
SUITES = {"bullseye": "3.9", "bookworm": "3.11", "trixie": "3.13"}

PACKAGES = "systemd,systemd-sysv,libpam-systemd,libnss-systemd,dbus,openssh-server,python3,sudo,iproute2"
#: With polkit a user may let its own services linger, as on most machines. Debian 11 stays without: such machines
#: exist too, and there root has to allow it.
MORE_PACKAGES = {"bookworm": ",polkitd", "trixie": ",polkitd"}
FILES = {
    "etc/ssh/sshd_config.d/nslab.conf": (
        "PermitRootLogin prohibit-password\nPasswordAuthentication no\nUseDNS no\nMaxStartups 100\nMaxSessions 100\n"
    ),
    "etc/sudoers.d/fleet": "fleet ALL=(ALL) NOPASSWD:ALL\n",
    # a host's own come with its first boot
    "etc/machine-id": "",
    "etc/hostname": "",
}
COMMANDS = (
    "useradd --create-home --shell /bin/bash --uid 1000 fleet",
    "chmod 440 /etc/sudoers.d/fleet",
    # an overlay has no block device, so these only make noise
    "systemctl mask e2scrub_all.timer e2scrub_reap.service apt-daily.timer apt-daily-upgrade.timer",
    "systemctl enable systemd-networkd ssh",
    "install -d /srv/roosync",
    "rm -rf /etc/ssh/ssh_host_* /var/lib/apt/lists/* /var/cache/apt/archives/*.deb",
)


def cache() -> Path:
    """Return the kit's folder in the user's cache."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "roosync-ops" / "nslab"


def recipe(suite: str) -> str:
    """Return the hash of everything that decides what a base of `suite` holds."""
    return hashlib.sha256(repr((suite, _packages(suite), sorted(FILES.items()), COMMANDS)).encode()).hexdigest()


def _packages(suite: str) -> str:
    return PACKAGES + MORE_PACKAGES.get(suite, "")


def build(suite: str) -> Path:
    """Return the base tree of `suite`, building it (about 50 s) where the cache has none of this recipe.

    Raises CommandError with debootstrap's last words. Safe against other processes that build the same.
    """
    if suite not in SUITES:
        raise ValueError(f"no such suite: {suite!r}; there are {', '.join(SUITES)}")
    folder = cache() / suite
    with _locked(folder):
        stamp = folder / "recipe"
        if stamp.is_file() and stamp.read_text(encoding="ascii") == recipe(suite):
            return folder / "base"
        remove_tree(folder)
        tree = folder / "base"
        tree.mkdir(parents=True)
        _bootstrap(suite, tree, folder / "debootstrap.log")
        _furnish(tree)
        stamp.write_text(recipe(suite), encoding="ascii")
        return tree


def build_all(suites: Iterable[str]) -> dict[str, Path]:
    """Build the bases of `suites`, two at a time."""
    names = list(dict.fromkeys(suites))
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(names, pool.map(build, names), strict=True))


@functools.cache
def mirror() -> str:
    """Return the mirror this machine takes its own packages from, as apt itself tells it."""
    release = dict(line.split("=", 1) for line in _lines(Path("/etc/os-release").read_text("utf-8")) if "=" in line)
    codename = release.get("VERSION_CODENAME", "").strip('"')
    for line in _lines(sh("apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)")):
        suite, _, uri = line.partition(" ")
        if suite == codename:
            return uri
    raise CommandError(f"apt knows no source for {codename or 'this system'}; nslab builds its hosts from that mirror")


def _bootstrap(suite: str, tree: Path, log: Path) -> None:
    # in a mount namespace of its own: what debootstrap mounts in the tree goes when it goes, however it goes
    argv: Sequence[str] = ("unshare", "--mount", "debootstrap", "--variant=minbase", f"--include={_packages(suite)}")
    with log.open("w") as out:
        done = subprocess.run(
            (*argv, suite, str(tree), mirror()), stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False
        )
    if done.returncode != 0:
        raise CommandError(f"debootstrap {suite} exited {done.returncode}: {log.read_text('utf-8')[-2000:]}")


def _furnish(tree: Path) -> None:
    for name, text in FILES.items():
        (tree / name).write_text(text, encoding="ascii")
    for command in COMMANDS:
        sh("chroot", str(tree), "/bin/sh", "-c", command)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
