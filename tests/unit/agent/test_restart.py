"""Before a loop is ended, room for the next one is looked for, whatever lies under the name that is used for it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from roosync_ops.agent.local_state import Places
from roosync_ops.agent.verbs import restart

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(sys.platform == "win32", reason="a user makes no links and no pipes there; does not apply")
@pytest.mark.parametrize("litter", ["link", "pipe", "file", "nothing"])
def test_looking_for_room_neither_follows_nor_waits_for_what_lies_in_its_place(tmp_path: Path, litter: str) -> None:
    victim, path = tmp_path / "victim", tmp_path / "folder" / ".room.tmp"
    path.parent.mkdir()
    victim.write_text("precious")
    if litter == "link":
        path.symlink_to(victim)
    elif litter == "pipe":
        os.mkfifo(path)
    elif litter == "file":
        path.write_text("old")
    restart._check_room(Places(str(path.parent)))
    assert victim.read_text() == "precious"
    assert not list(path.parent.iterdir())
