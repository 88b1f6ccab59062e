"""Before a loop is ended, room for the next one is looked for, whatever lies under the name that is used for it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from roosync_ops.agent.config import config_of
from roosync_ops.agent.errors import CodedError
from roosync_ops.agent.flags import Flags
from roosync_ops.agent.local_state import Places
from roosync_ops.agent.verbs import guard, restart

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


@pytest.mark.parametrize("digit", ["a", "c"])
def test_a_build_after_which_another_one_came_puts_none_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digit: str
) -> None:
    """Neither itself, as in a first rollout, nor a third one: whoever asked it has not seen what is there."""
    mine, other, new = (f"agent-{one * 16}.pyz" for one in ("a", "b", digit))
    (tmp_path / "agent.pyz").write_text(f"# builds: {other} {mine}\n")
    monkeypatch.setattr(guard, "bundle_path", lambda: str(tmp_path / mine))
    flags = Flags("restart")
    flags.local_dir, flags.shared, flags.machine_id, flags.to = str(tmp_path), str(tmp_path), "m1", new
    with pytest.raises(CodedError) as refused:
        guard.try_out(flags, config_of(flags), Places(str(tmp_path)))
    assert refused.value.code == "REPLACED"
