"""What a fleet needs of this machine."""

import os
import shutil
from pathlib import Path

#: program -> the Debian package that brings it; tests/kits/provision.sh installs these.
PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "nsenter": "util-linux",
    "unshare": "util-linux",
}


def why_not() -> str | None:
    """Return why a fleet cannot run here, as one sentence; None where it can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "nslab needs root: it boots containers"
    missing = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    if missing:
        return f"nslab needs {', '.join(missing)}: tests/kits/provision.sh installs them"
    if "overlay" not in Path("/proc/filesystems").read_text(encoding="ascii").split():
        return "nslab needs a kernel with overlayfs"
    return None
