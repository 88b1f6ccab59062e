"""`roosync-ops` itself, run on the lab in a process of its own: pyinfra replaces its process's sockets and threads."""

import shlex
import subprocess
from collections.abc import Sequence

from roosync_ops import process

from .faults import LabError
from .fleet import LabFleet

#: How long one command may take, in seconds; on two cores a rollout takes a few.
TIMEOUT_S = 120.0


def run(lab: LabFleet, words: Sequence[str], *, capture: bool = False) -> subprocess.CompletedProcess[bytes]:
    """Run `roosync-ops WORDS` on the lab; with `capture` its standard output comes back. Raises LabError."""
    try:
        return subprocess.run(  # noqa: S603 - our own command
            process.ours(*words),
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
    temporary = str(lab.temporary)
    places = dict.fromkeys(("TMPDIR", "XDG_STATE_HOME", "XDG_CACHE_HOME"), temporary)
    places["ROOSYNC_SHARED_PATH"] = str(lab.shared)
    # The operator's own keys are none of the lab's business.
    return process.our_environment("SSH_AUTH_SOCK", **places, **dict([lab.mark]))
