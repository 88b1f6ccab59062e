"""A folder that is no shared state is no fleet of dead machines: it is told, with the right one where there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from roosync_ops.state import StateUnavailableError
from roosync_ops.state.folder import read_folder
from tests.kits.shares import NOW, heartbeat, ours, put, put_view

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def right(tmp_path: Path) -> Path:
    place = tmp_path / "Mon Drive" / "RooSync" / ".shared-state"
    place.mkdir(parents=True)
    put(place, ours("m"))
    return place


def refused(path: str | Path) -> StateUnavailableError:
    with pytest.raises(StateUnavailableError) as caught:
        read_folder(path, NOW)
    return caught.value


@pytest.mark.parametrize("off", ["heartbeats", "..", "../..", "dashboards"])
def test_one_level_off_the_right_one_is_named_as_it_is_to_be_typed(right: Path, off: str) -> None:
    (right / "dashboards").mkdir()
    found = refused((right / off).resolve())
    assert "is no shared state" in found.reason
    assert found.hint == f"roosync-ops status --shared '{right}'"


@pytest.mark.parametrize(
    "form",
    [
        '"{}"',
        "'{}'",
        "{}\r",
        "{}\r\n",
        "{} ",
        " {}",
        '"{}"\r',
        "file://{}",
        "{};",
        "\ufeff{}",
        "{}\u200b",
        "{}\t",
        "{}\xa0",
        "“{}”",
        "export ROOSYNC_SHARED_PATH='{}'",
    ],
)
def test_what_a_setting_drags_along_is_shown_and_the_folder_without_it_named(right: Path, form: str) -> None:
    found = refused(form.format(right))
    assert "does not exist" in found.reason
    assert "\r" not in found.reason
    assert found.hint == f"roosync-ops status --shared '{right}'"


@pytest.mark.parametrize("name", ["heartbeat.json", "heartbeats/m.json"])
def test_of_a_file_in_it_the_folder_is_named(right: Path, name: str) -> None:
    (right / "heartbeat.json").write_text("{}")
    found = refused(right / name)
    assert "is not a folder" in found.reason
    assert found.hint == f"roosync-ops status --shared '{right}'"


@pytest.mark.parametrize("home", ["~", "$HOME", "${HOME}"])
def test_a_home_that_no_shell_filled_in_is(right: Path, monkeypatch: pytest.MonkeyPatch, home: str) -> None:
    monkeypatch.setenv("HOME", str(right.parent))
    assert refused(f"{home}/.shared-state").hint == f"roosync-ops status --shared '{right}'"


def test_an_empty_folder_may_be_a_new_fleet_or_not_mounted_and_both_are_said(tmp_path: Path) -> None:
    found = refused(tmp_path)
    assert "it is empty" in found.reason
    assert "the first rollout makes it" in found.reason
    assert found.hint == "roosync-ops rollout --dry"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_other_things_is_no_shared_state(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    found = refused(tmp_path)
    assert "nothing in it is RooSync's" in found.reason
    assert found.hint == "roosync-ops validate --probe", "it is another folder, more likely than a new fleet"


@pytest.mark.parametrize("name", ["heartbeats", "dashboards", ".machine-registry.json", "heartbeats (1)"])
def test_a_shared_state_in_which_nobody_has_beaten_is_a_new_fleet(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert read_folder(tmp_path, NOW).seen == 0


def test_a_view_alone_makes_a_shared_state(tmp_path: Path) -> None:
    put_view(tmp_path, heartbeat("m"))
    assert set(read_folder(tmp_path, NOW).machines) == {"m"}
