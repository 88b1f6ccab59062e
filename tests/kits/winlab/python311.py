"""Where the pure-Python library of the Windows CPython comes from: a CPython 3.11 of this machine, or Debian's package.

The wheel that brings the DLLs has no library; the .py files are the same on every system.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from . import debian

_ASK = "import sys, sysconfig; print(sys.version_info[:2] == (3, 11) and sysconfig.get_path('stdlib') or '')"
#: What no agent and no test imports, and what belongs to the machine it was built on.
_LEFT_OUT = (
    *("site-packages", "dist-packages", "lib-dynload", "config-*", "_sysconfigdata*", "__pycache__"),
    *("test", "idlelib", "tkinter", "turtledemo", "lib2to3", "ensurepip"),
)
#: What Debian adds to a library: no Windows has it.
_DEBIAN_S_OWN = ("sitecustomize.py", "EXTERNALLY-MANAGED", "_distutils_system_mod.py")
_DEBIAN = (("bookworm", "libpython3.11-minimal"), ("bookworm", "libpython3.11-stdlib"))


def local_library() -> Path | None:
    """Return the folder of a CPython 3.11's library on this machine, the running one's if it is a 3.11."""
    candidates = [sys.executable, shutil.which("python3.11"), "/usr/bin/python3.11"]
    for program in dict.fromkeys(one for one in candidates if one and Path(one).exists()):
        # a version manager's shim answers for versions that are not there
        done = subprocess.run((program, "-ISc", _ASK), capture_output=True, text=True, check=False)
        folder = Path(done.stdout.strip() or "/nowhere")
        if done.returncode == 0 and (folder / "zipfile.py").is_file():
            return folder
    return None


def copy_library(target: Path, scratch: Path) -> None:
    """Copy the library to `target`; without a local 3.11, from Debian's packages (about 5 MB)."""
    source = local_library()
    if source is None:
        for suite, package in _DEBIAN:
            debian.extract(debian.download(suite, package, scratch), scratch / "library", "./usr/lib/python3.11")
        source = scratch / "library" / "usr" / "lib" / "python3.11"
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*_LEFT_OUT), dirs_exist_ok=True)
    for name in _DEBIAN_S_OWN:
        (target / name).unlink(missing_ok=True)
    if not re.search(r"^def walk", (target / "os.py").read_text("utf-8"), re.MULTILINE):
        raise RuntimeError(f"{source} is no CPython library")
