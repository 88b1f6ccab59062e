"""The lab, played until the table is 4/6, and what its commands show then."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import roosync_ops
from roosync_ops.lab import tool
from roosync_ops.lab.board import Board
from roosync_ops.lab.play import PATIENCE_S, activate, rollout_command

from .terminal import svg, typed

if TYPE_CHECKING:
    from roosync_ops.lab.fleet import LabFleet

COLUMNS: Final = 100
#: A picture's name and the command line that it shows.
TERMINALS: Final = {"table": "roosync-ops validate", "matrix": "roosync-ops matrix"}


def play(lab: LabFleet) -> None:
    """Enrol the machines, and wait for 4/6. Raises RuntimeError where it does not come to that."""
    activate(lab)
    done = tool.run(lab, rollout_command(lab), capture=True)
    if done.returncode or not Board(lab).wait(lambda validation: validation.ok, PATIENCE_S).ok:
        raise RuntimeError(f"the lab did not come to 4/6:\n{(done.stdout or b'').decode()}")


def terminal(lab: LabFleet, name: str) -> str:
    """Return one of TERMINALS as an SVG."""
    line = TERMINALS[name]
    code = str(Path(roosync_ops.__file__).parents[1])
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(lab.temporary),
        "PYTHONPATH": code,
        "ROOSYNC_SHARED_PATH": str(lab.shared),
    }
    argv = [sys.executable, "-m", "roosync_ops", *line.split()[1:]]
    return svg(typed(COLUMNS, argv, line, lab.root, env), COLUMNS, line)
