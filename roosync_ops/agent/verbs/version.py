"""`version`: which agent this is, and on which Python."""

from __future__ import annotations

import sys

from roosync_ops.agent.build import BUILD, VERSION, bundle_sha256
from roosync_ops.agent.flags import Flags
from roosync_ops.wire.typed import Answer


def answer(_flags: Flags) -> Answer:
    """Needs no configuration and no share."""
    sha256 = bundle_sha256()
    python = ".".join(str(part) for part in sys.version_info[:3])
    value = {"version": VERSION, "buildId": BUILD, "sha256": sha256, "python": python}
    return value, [f"roosync-ops agent {VERSION}, build {BUILD}, sha256 {sha256 or '-'}, Python {python}"]
