"""Whoever knows nothing gets to the table by typing what is named as next."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.acceptance.front_door import GOAL, desk, way

if TYPE_CHECKING:
    from pathlib import Path

    from roosync_ops.lab.fleet import LabFleet


def test_from_an_empty_folder_to_four_of_six_by_what_is_printed(lab: LabFleet, tmp_path: Path) -> None:
    steps = list(way(lab, desk(lab, tmp_path), [sys.executable, "-m", "roosync_ops"]))
    told = "\n".join(f"$ {' '.join(step.words)}\n{step.said}" for step in steps)
    assert [step.code for step in steps if step.words[0] in ("init", "machines", "rollout")] == [0] * 10, told
    assert steps[1].words == ["init"], told
    assert GOAL in steps[-1].said, told
    assert steps[-1].code == 0, told
