"""Debian packages of any suite, fetched and unpacked without touching what this machine has installed."""

import functools
import subprocess
from pathlib import Path

from tests.kits.hosts import CommandError, sh

_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def download(suite: str, package: str, scratch: Path) -> Path:
    """Fetch a package of `suite` with apt in a folder of its own, signatures checked. Raises CommandError."""
    folder = scratch / f"apt-{suite}"
    for part in ("lists/partial", "cache/archives/partial", "packages"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    options = _options(folder, suite)
    if not any((folder / "lists").glob("*Packages*")):
        sh("apt-get", *options, "update")
    sh("apt-get", *options, "download", package, cwd=folder / "packages")
    return next((folder / "packages").glob(f"{package}_*.deb"))


def extract(package: Path, target: Path, *members: str) -> None:
    """Unpack `members` (as tar names them: ./usr/...) of a package under `target`."""
    target.mkdir(parents=True, exist_ok=True)
    tar = target / "data.tar"
    with tar.open("wb") as out:
        done = subprocess.run(("dpkg-deb", "--fsys-tarfile", str(package)), stdout=out, check=False)
    if done.returncode != 0:
        raise CommandError(f"dpkg-deb could not read {package.name}")
    sh("tar", "-xf", str(tar), "-C", str(target), *members)
    tar.unlink()


@functools.cache
def mirror() -> str:
    """Return the Debian mirror this machine takes its own packages from. Raises CommandError where it takes none."""
    for line in sh("apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN)").splitlines():
        uri, _, origin = line.partition(" ")
        if origin == "Debian" and "security" not in uri:
            return uri
    raise CommandError("apt knows no Debian source; winlab takes a few of Wine 10's programs from that mirror")


def _options(folder: Path, suite: str) -> list[str]:
    sources, status = folder / "sources.list", folder / "status"
    sources.write_text(f"deb [signed-by={_KEYRING}] {mirror()} {suite} main\n", encoding="ascii")
    status.touch()
    settings = {
        "Dir::Etc::SourceList": sources,
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": folder / "lists",
        "Dir::State::status": status,
        "Dir::Cache": folder / "cache",
        # apt's own user may not reach into root's cache folder
        "APT::Sandbox::User": "root",
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
