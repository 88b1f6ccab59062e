"""Local files are ours alone: whatever the umask, whatever lies under their names, whoever was there first."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from roosync_ops.state.memory import Store
from roosync_ops.wire import local

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="folders have access lists there; does not apply")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
def test_folders_and_files_are_their_owner_s_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        local.make_folder(str(tmp_path / "ours"))
        local.write(str(tmp_path / "ours" / "a"), b"x", durable=True)
        local.write(str(tmp_path / "ours" / "unit"), b"x", 0o644)
        store = Store(tmp_path / "ours", "seen", "s")
        store.write({})
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "ours") == 0o700
    assert {path.name: mode_of(path) for path in (tmp_path / "ours").iterdir()} == {
        "a": 0o600,
        "unit": 0o644,
        store.path.name: 0o600,
    }


@pytest.mark.parametrize("litter", ["link", "dangling", "fifo", "file"])
def test_what_lies_under_a_name_is_replaced_and_never_followed(tmp_path: Path, litter: str) -> None:
    victim, path = tmp_path / "victim", tmp_path / "ours"
    victim.write_text("precious")
    if litter == "fifo":
        os.mkfifo(path)
    elif litter == "file":
        path.write_text("old")
    else:
        path.symlink_to(victim if litter == "link" else tmp_path / "nowhere")
    descriptor = local.create(str(path))
    os.write(descriptor, b"new")
    os.close(descriptor)
    assert victim.read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()
    assert (path.is_symlink(), path.read_bytes(), mode_of(path)) == (False, b"new", 0o600)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "folder" / "in").mkdir(parents=True)
    with pytest.raises(OSError, match=r"."):
        local.write(str(tmp_path / "folder"), b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_folder_that_others_may_write_into_is_refused_with_what_mends_it(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(local.NotOursError) as caught:
        local.make_folder(str(folder))
    assert (caught.value.code, caught.value.mend) == (local.OPEN, ["chmod", "go-w", str(folder)])
    assert str(caught.value).endswith(f"; next: chmod go-w {folder}")
    folder.chmod(0o755)
    local.make_folder(str(folder))


def test_a_folder_that_is_everybody_s_on_purpose_is_not_taken_from_them(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    with pytest.raises(local.NotOursError) as caught:
        local.make_folder(str(tmp_path))
    assert caught.value.mend == ["ls", "-ld", str(tmp_path)]


def test_a_folder_that_anybody_may_replace_is_refused_where_that_matters(tmp_path: Path) -> None:
    (tmp_path / "open" / "ours").mkdir(parents=True)
    (tmp_path / "open").chmod(0o777)
    local.check_folder(str(tmp_path / "open" / "ours"))
    with pytest.raises(local.NotOursError, match="everybody"):
        local.check_folder(str(tmp_path / "open" / "ours"), parents=True)
    (tmp_path / "open").chmod(0o1777)
    local.check_folder(str(tmp_path / "open" / "ours"), parents=True)


@pytest.mark.root
@pytest.mark.parametrize("what", ["folder", "link", "above"])
def test_what_another_user_made_is_refused_with_what_mends_it(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "theirs"
    (tmp_path / "real").mkdir()
    if what == "link":
        folder.symlink_to(tmp_path / "real")
    else:
        folder.mkdir()
    os.chown(folder, 4321, 4321, follow_symlinks=False)
    asked = folder / "ours" if what == "above" else folder
    with pytest.raises(local.NotOursError) as caught:
        local.make_folder(str(asked), parents=True)
    assert caught.value.mend == ["mv", str(folder), f"{folder}.not-ours"]
    assert not (folder / "ours").exists()
