"""What a test may need of the computer it runs on: a marker each, and the reason where that part is not there.

`pytest -m "not wine and not slow"` selects by them. A test skips where its part is missing, with that part's sentence;
in CI, where `.ci/run` has installed all of them, such a skip is a failure (tests/conftest.py).
"""

from __future__ import annotations

import os
import shutil
import sys
from functools import cache
from typing import TYPE_CHECKING, Final

import pytest

from tests.kits import browser, fuse, npm, nslab, shifted, sshd, winlab

if TYPE_CHECKING:
    from collections.abc import Callable


def _root() -> str | None:
    return None if sys.platform != "win32" and os.geteuid() == 0 else "needs root: mounts, users and owners of its own"


def _mounts() -> str | None:
    return None if sys.platform == "linux" else "mounts of one's own are Linux's"


def _openssh() -> str | None:
    return None if shutil.which("ssh") and shutil.which("sftp") else "no OpenSSH client (Debian: openssh-client)"


#: marker -> what it stands for, and the function that returns why it is not here, or None.
CAPABILITIES: Final[dict[str, tuple[str, Callable[[], str | None]]]] = {
    "root": ("another user's files, a file system of its own", _root),
    "mounts": ("a mount namespace of its own", _mounts),
    "fuse": ("a share that really hangs", fuse.why_not),
    "clock": ("processes with a wrong wall clock", shifted.why_not),
    "openssh": ("OpenSSH's own clients", _openssh),
    "sshd": ("machines of the sshd kit", sshd.why_not),
    "systemd": ("machines of the nslab kit: systemd in containers", nslab.why_not),
    "wine": ("machines of the winlab kit: Windows' Python under Wine", winlab.why_not),
    "browser": ("Chromium", browser.why_not),
    "npm": ("Node's packages that judge our MCP server", npm.why_not),
}
#: Markers that need nothing and select only.
SELECTING: Final = {"slow": "takes more than ten seconds on a quiet computer"}


@cache
def missing(name: str) -> str | None:
    """Return why the part that marker `name` stands for is not here, or None; other markers need none."""
    return CAPABILITIES[name][1]() if name in CAPABILITIES else None


def need(name: str) -> None:
    """Skip the test that asked, from a fixture, where that part is missing."""
    if reason := missing(name):
        pytest.skip(reason)


def markers() -> list[str]:
    """Return the lines that register all of them with pytest."""
    needed = {name: what for name, (what, _) in CAPABILITIES.items()}
    return [f"{name}: {what}" for name, what in (needed | SELECTING).items()]
