"""The lab, played until the table is 4/6, and what its commands show then."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import roosync_ops
from roosync_ops.lab.play import PATIENCE_S, Board, activate, rollout_command, run
from roosync_ops.wire.identity import hostname
from roosync_ops.wire.times import from_iso
from tests.kits.browser import opened

from .terminal import svg, typed

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from roosync_ops.lab.fleet import LabFleet

COLUMNS: Final = 100
#: A picture's name and the command line that it shows.
TERMINALS: Final = {"table": "roosync-ops validate", "matrix": "roosync-ops matrix"}
#: A picture's name and whether the dashboard is shown in the dark.
PAGES: Final = {"dashboard": False, "dashboard-dark": True}


def play(lab: LabFleet) -> None:
    """Enrol the machines, and wait for 4/6. Raises RuntimeError where it does not come to that."""
    activate(lab)
    done = run(lab, rollout_command(lab), capture=True)
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


def dashboard(lab: LabFleet) -> tuple[Path, int]:
    """Have the dashboard written; return its page and the ms at which was looked. Raises RuntimeError for none."""
    done = run(lab, ["dashboard", "--json"], capture=True)
    try:
        told = json.loads(done.stdout)
        return Path(told["dashboardPath"]).with_suffix(".html"), from_iso(told["timestamp"])
    except (KeyError, ValueError):
        raise RuntimeError(f"no dashboard: {done.stdout.decode()}") from None


def words(browser: Browser, page: Path, at_ms: int) -> list[str]:
    """Return what the page says when it is opened at once: no number, no duration, no time, no folder, no computer."""
    with opened(browser, page.as_uri(), now_ms=at_ms) as seen:
        text = seen.page.inner_text("body").replace(hostname(), "")
    lines = re.sub(r"(?:\d+\s*(?:s|min|h|d)\b\s*)+|/\S+", "", text).splitlines()
    return [bare for line in lines if (bare := re.sub(r"[\d\s]+", "", line))]
