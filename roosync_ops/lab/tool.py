"""`roosync-ops` itself, run on the lab in a process of its own: pyinfra replaces its process's sockets and threads."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import roosync_ops

from .fleet import LabError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .fleet import LabFleet

#: How long one command may take, in seconds; on two cores a rollout takes a few.
TIMEOUT_S = 120.0
#: The operator's own share and keys are none of the lab's business.
_NOT_OURS = frozenset({"ROOSYNC_SHARED_PATH", "SSH_AUTH_SOCK"})


def run(lab: LabFleet, words: Sequence[str], *, capture: bool = False) -> subprocess.CompletedProcess[bytes]:
    """Run `roosync-ops WORDS` with the lab's inventory and shared state as the defaults. Raises LabError.

    Its words go where this process's go, or with `capture` its standard output comes back.
    """
    try:
        return subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "roosync_ops", *words],
            cwd=lab.root,
            env=_environment(lab),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if capture else None,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LabError(f"roosync-ops {shlex.join(words)} took longer than {TIMEOUT_S:g} s") from None


def paste_lines(lab: LabFleet) -> str:
    """Return what to type in a second terminal. After the first line every command means the lab and nothing else."""
    machine = next(part.name for part in lab.parts if part.powered)
    return "\n".join(
        (
            f'  cd {shlex.quote(str(lab.root))} && export ROOSYNC_SHARED_PATH="$PWD/{lab.shared.name}"',
            "  roosync-ops validate",
            "  roosync-ops rollout --limit enroll",
            "  pyinfra inventory.py --limit active exec -- hostname",
            f"  ssh -F ssh/config {machine}",
            f"  ssh -F ssh/config {machine} agent status",
            f"  roosync-ops lab fault hang {machine}",
        )
    )


def _environment(lab: LabFleet) -> dict[str, str]:
    """The command carries the lab's mark, so that it ends with the lab; it runs the code that runs here."""
    name, value = lab.mark
    kept = {key: text for key, text in os.environ.items() if key not in _NOT_OURS}
    code = str(Path(roosync_ops.__file__).parents[1])
    path = os.pathsep.join([code, *filter(None, [kept.get("PYTHONPATH")])])
    temporary = str(lab.temporary)
    ours = {
        "PYTHONPATH": path,
        "TMPDIR": temporary,
        "XDG_STATE_HOME": temporary,
        "ROOSYNC_SHARED_PATH": str(lab.shared),
    }
    return {**kept, **ours, name: value}
