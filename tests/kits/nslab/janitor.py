"""The janitor of one fleet: waits until the fleet's process lets go of it, however that happens, and sweeps the slot.

python -m tests.kits.nslab.janitor NUMBER DESCRIPTOR    (started by Fleet; standard input ends when the fleet does)
"""

import subprocess
import sys
from pathlib import Path

from tests.kits.hosts import PATIENCE_S

from .slot import Slot

_ROOT = Path(__file__).parents[3]


class Janitor:
    """A process in a session of its own, so that neither Ctrl-C nor a crash of the tests reaches it."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._process = subprocess.Popen(
            (sys.executable, "-m", __name__, str(slot.number), str(slot.descriptor)),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=(slot.descriptor,),
            start_new_session=True,
            cwd=_ROOT,
            text=True,
        )

    def dismiss(self) -> None:
        """Have the slot swept now, and give it back. Raises RuntimeError with what could not be taken away."""
        try:
            _, said = self._process.communicate(timeout=PATIENCE_S)
        finally:
            self._slot.release()
        if self._process.returncode != 0:
            raise RuntimeError(f"nslab could not clean up after itself: {said[-2000:]}")


def main(number: int, descriptor: int) -> None:
    sys.stdin.read()
    Slot(number, descriptor).sweep()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
