"""Is this stop the machine's own? A reboot or a power-off must not read as a machine that left on purpose."""

from __future__ import annotations

import os

#: Where systemd is PID 1, and nowhere else.
_SYSTEMD = "/run/systemd/system"
#: How long systemd may take to answer, in s; it is busy just then.
_ANSWER_S = 2.0


def system_goes_down() -> bool:
    """Return True if systemd is shutting the system down or rebooting it. False where there is no systemd to ask.

    On Windows a session's end kills without asking: an end was asked for.
    """
    return os.path.isdir(_SYSTEMD) and _state() == "stopping"


def _state() -> str:
    import subprocess  # noqa: PLC0415 - not carried for months

    try:
        done = subprocess.run(
            ["systemctl", "is-system-running"],  # noqa: S607 - where it lies differs between distributions
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_ANSWER_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("ascii", "replace").strip()
