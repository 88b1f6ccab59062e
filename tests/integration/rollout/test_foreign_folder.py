"""An agent's folder that another user made, or may write into, is neither run from nor written into."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.kits.hosts import PATIENCE_S
from tests.kits.product import roosync_ops
from tests.kits.sshd import Fleet

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.root
#: A user that is nobody here.
THEM = 4321


def row(*words: str) -> dict[str, Any]:
    (found,) = roosync_ops(*words, "--json", timeout=170).document["machines"]
    return dict(found)


@pytest.mark.parametrize("way", ["theirs", "open"])
def test_root_runs_and_writes_nothing_where_somebody_else_was_first(tmp_path: Path, way: str) -> None:
    public, victim, owned = tmp_path / "public", tmp_path / "victim", tmp_path / "owned"
    public.mkdir()
    public.chmod(0o1777)
    victim.write_text("precious")
    folder = public / "roosync"
    folder.mkdir()
    (folder / ".agent.pyz.new").symlink_to(victim)
    package = folder / "agent.pyz" / "roosync_ops"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f"open({str(owned)!r}, 'w')")
    if way == "theirs":
        os.chown(folder, THEM, THEM)
    else:
        folder.chmod(0o777)
    with Fleet(tmp_path, ["m1"]) as fleet:
        inventory = str(fleet.inventory(tmp_path / "inventory.py", local_dir=str(folder)))
        for words in (("rollout", "--dry"), ("rollout", "--wait", "0"), ("uninstall", "--yes", "--wait", "0")):
            found = row(*words, "-i", inventory)
            assert found["code"] == ("LOCAL_DIR_FOREIGN" if way == "theirs" else "LOCAL_DIR_OPEN"), found
        there = shlex.split(shlex.split(found["hint"])[-1])
        assert there == (
            ["mv", "--", str(folder), f"{folder}.not-ours"] if way == "theirs" else ["chmod", "go-w", "--", str(folder)]
        )
        assert victim.read_text() == "precious"
        assert not owned.exists()
        assert (folder / ".agent.pyz.new").is_symlink()
        if way == "theirs":
            subprocess.run(shlex.split(found["hint"]), check=True, timeout=PATIENCE_S)
            found = row("rollout", "--wait", "0", "-i", inventory)
            assert found["outcome"] == "changed", found
            assert {path.name: path.stat().st_mode & 0o777 for path in (folder, folder / "config.json")} == {
                "roosync": 0o700,
                "config.json": 0o600,
            }
