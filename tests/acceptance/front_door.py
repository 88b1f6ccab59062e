"""The new user's way: from `pip install` in an empty folder to 4/6 (66%) on the lab, by what is printed alone.

python -m tests.acceptance.front_door [--columns 60]

It makes an environment of its own, installs the checkout into it, and types what each answer names as next, until one
names nothing. What nobody can print is what a user knows: which machines there are, and that `machines add` is to be
typed for each.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from roosync_ops.lab.fleet import LabFleet

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHECKOUT = Path(__file__).parents[2]
_LIMIT_S = 300
GOAL = "4/6 machines online (66%)"


class Step(NamedTuple):
    """What was typed, and what came of it."""

    words: list[str]
    code: int
    said: str

    @property
    def next(self) -> str:
        """The command that it names as next."""
        found = re.search(r"^Next: +roosync-ops (.*)$", self.said, re.MULTILINE)
        return found.group(1) if found else ""


def desk(lab: LabFleet, place: Path) -> Path:
    """Return an empty folder of a user who has the drive, and whose ~/.ssh/config knows the machines."""
    home = place / "desk"
    (home / "Drive").mkdir(parents=True)
    (home / "Drive" / ".shared-state").symlink_to(lab.shared)
    (home / ".ssh").mkdir(mode=0o700)
    (home / ".ssh" / "config").write_text(lab.ssh_config.read_text())
    (home / "fleet").mkdir()
    return home / "fleet"


def way(lab: LabFleet, folder: Path, program: list[str], columns: int = 80) -> Iterator[Step]:
    """Type it all, one command after the other."""
    environment = {**os.environ, "HOME": str(folder.parent), "COLUMNS": str(columns), "NO_COLOR": "1"}
    environment.pop("ROOSYNC_SHARED_PATH", None)

    def typed(*words: str) -> Step:
        done = subprocess.run(
            [*program, *words],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_LIMIT_S,
            check=False,
        )
        return Step(list(words), done.returncode, done.stdout)

    step = typed("validate")
    while step.next and "--help" not in step.next:
        yield step
        step = typed(*step.next.split())
    yield step
    yield typed(*step.next.split())
    # The same step for each machine; those that are off come first, so that what is next is said by one to enrol.
    for part in sorted(lab.parts, key=lambda part: part.expected == "online"):
        path = str(lab.host(part.name).shared)
        more = ["--why", "switched off?"] if part.expected == "offline" else ["--path", path]
        step = typed("machines", "add", part.name, "--expected", part.expected, *more)
        yield step
        # The lab's machines are no computers of their own: nothing of theirs may become a unit of this one.
        lines = (folder / "inventory.py").read_text()
        pattern = rf'(machine\("{part.name}".*)\),$'
        lines = re.sub(pattern, r'\1, permanence="process"),', lines, flags=re.MULTILINE)
        (folder / "inventory.py").write_text(lines)
    while step.next:
        step = typed(*step.next.split())
        yield step


def _installed(folder: Path) -> Path:
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", _CHECKOUT], check=True)
    return python.with_name("roosync-ops")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--columns", type=int, default=80)
    columns = parser.parse_args().columns
    with tempfile.TemporaryDirectory() as place, LabFleet() as lab:
        program = str(_installed(Path(place) / "venv"))
        said = ""
        for step in way(lab, desk(lab, Path(place)), [program], columns):
            said = step.said
            sys.stdout.write(f"$ roosync-ops {' '.join(step.words)}\n{said}\n")
    return 0 if GOAL in said else 1


if __name__ == "__main__":
    sys.exit(main())
