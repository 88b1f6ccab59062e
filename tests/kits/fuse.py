"""What a share that really hangs takes of this machine."""

import os


def why_not() -> str | None:
    """Return why no share can hang here, or None."""
    return None if os.access("/dev/fuse", os.R_OK | os.W_OK) else "takes a /dev/fuse that this user may open"
