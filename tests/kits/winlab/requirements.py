"""What a fleet needs of this machine."""

import importlib.util
import os
import shutil
from pathlib import Path

#: program -> the Debian package that brings it; tests/kits/provision.sh installs these.
PROGRAMS = {
    "/usr/lib/wine/wine64": "wine64",
    "x86_64-w64-mingw32-gcc-win32": "gcc-mingw-w64-x86-64-win32",
    "sshd": "openssh-server",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "dpkg-deb": "dpkg",
    "apt-get": "apt",
}
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"


def why_not() -> str | None:
    """Return why a fleet cannot run here, as one sentence; None where it can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "winlab needs root: each of its hosts has namespaces of its own"
    missing = sorted({package for program, package in PROGRAMS.items() if shutil.which(program, path=_PATH) is None})
    if missing:
        return f"winlab needs {', '.join(missing)}: tests/kits/provision.sh installs them"
    if importlib.util.find_spec("pip") is None:
        return "winlab needs pip beside the Python that runs the tests: it fetches a wheel of Windows' Python"
    if "overlay" not in Path("/proc/filesystems").read_text(encoding="ascii").split():
        return "winlab needs a kernel with overlayfs"
    return None
