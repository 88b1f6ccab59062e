"""What a sync product made two of is read as evidence, and told; what merely has a like name is left alone."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

import pytest

from roosync_ops.state.folder import double_of, is_twin, read_folder
from roosync_ops.state.shared import DOUBLED
from tests.kits.shares import NOW, heartbeat, ours, put, put_view

if TYPE_CHECKING:
    from pathlib import Path

    from roosync_ops.state import SharedState


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    place = tmp_path / ".shared-state"
    place.mkdir()
    put(place, ours("here", age_ms=1_000))
    return place


def doubled(state: SharedState) -> list[str]:
    return [found.file for found in state.findings if found.kind == DOUBLED]


@pytest.mark.parametrize(
    "name", ["heartbeats (1)", "heartbeats (12)", "heartbeats - Copy", "heartbeats - Copie (2)", "Heartbeats"]
)
def test_a_second_heartbeats_folder_is_evidence_and_a_finding(shared: Path, name: str) -> None:
    second = shared / name
    second.mkdir()
    put(shared, ours("there", age_ms=1_000)).rename(second / "there.json")
    put(shared, ours("here", age_ms=600_000, sequence=3)).rename(second / "here.json")
    put(shared, ours("here", age_ms=1_000))
    state = read_folder(shared, NOW)
    assert doubled(state) == [name]
    assert state.machines["there"].file == f"{name}/there.json"
    assert state.machines["here"].file == "heartbeats/here.json"
    assert state.findings_about("there") == ()


def test_a_second_view_is_evidence_and_a_finding(shared: Path) -> None:
    put_view(shared, heartbeat("old-3-0", 2_000)).rename(shared / "heartbeat (1).json")
    state = read_folder(shared, NOW)
    assert doubled(state) == ["heartbeat (1).json"]
    assert state.machines["old-3-0"].record.last_heartbeat_ms == NOW - 2_000
    assert (state.view, state.view_state) == (None, "absent")


@pytest.mark.parametrize("asked", [".shared-state", ".shared-state (1)"])
def test_whichever_of_two_shared_states_is_named_the_other_is_evidence(shared: Path, asked: str) -> None:
    second = shared.with_name(".shared-state (1)")
    shutil.copytree(shared, second)
    put(second, ours("there", age_ms=1_000))
    put_view(second, heartbeat("old-3-0"))
    state = read_folder(shared.with_name(asked), NOW)
    other = ".shared-state" if asked.endswith("(1)") else ".shared-state (1)"
    assert doubled(state) == [f"../{other}"]
    assert set(state.machines) == {"here", "there", "old-3-0"}


def test_a_shared_state_that_was_dropped_into_itself_is_evidence_and_a_finding(shared: Path) -> None:
    inner = shared / ".shared-state"
    shutil.copytree(shared, inner)
    put(inner, ours("there", age_ms=1_000))
    state = read_folder(shared, NOW)
    assert doubled(state) == [".shared-state"]
    assert state.machines["there"].file == ".shared-state/heartbeats/there.json"
    assert state.machines["here"].file == "heartbeats/here.json"


def test_a_folder_beside_the_share_that_somebody_named_is_no_second_one(shared: Path) -> None:
    for name in (".shared-state - old", ".shared-state (before the move)", "shared-state (1)"):
        shutil.copytree(shared, shared.with_name(name))
    shared.with_name(".shared-state (1)").symlink_to(shared)
    assert read_folder(shared, NOW).findings == ()


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("heartbeats (1)", "heartbeats"),
        ("heartbeat (1).json", "heartbeat.json"),
        ("heartbeat - Copy.json", "heartbeat.json"),
        ("heartbeats (PO-2024's conflicted copy 2026-02-12)", "heartbeats"),
        ("heartbeats - Kopie", "heartbeats"),
        ("heartbeats (PO (2)'s conflicted copy)", "heartbeats"),
        ("heartbeat.sync-conflict-20260212-101530-ABCDEFG.json", "heartbeat.json"),
        ("heartbeat_conflict-20260212-101530.json", "heartbeat.json"),
        ("heartbeats(1)", "heartbeats"),
        ("heartbeats 2", "heartbeats"),
        ("heartbeats copy 2", "heartbeats"),
        ("Copy of heartbeats", "heartbeats"),
        ("Copie de heartbeats", "heartbeats"),
        ("Kopie von heartbeats (2)", "heartbeats"),
        ("Kopie van heartbeats", "heartbeats"),
        ("Copia de heartbeats", "heartbeats"),
        ("Copia di heartbeats", "heartbeats"),
        ("C\u00f3pia de heartbeats", "heartbeats"),
        ("heartbeats.sync-conflict-20260212-101530-ABCDEFG", "heartbeats"),
        ("heartbeats (conflicted copy 2026-02-12 101530)", "heartbeats"),
        ("heartbeats (Copie en conflit de PC 2026-02-12)", "heartbeats"),
        ("heartbeat(1).json", "heartbeat.json"),
        ("heartbeat.json (1)", "heartbeat.json"),
        ("heartbeat 2.json", "heartbeat.json"),
        ("Copy of heartbeat.json", "heartbeat.json"),
        ("Copy of heartbeat", None),
        ("heartbeats 2026", None),
        ("heartbeats", None),
        ("heartbeat.json", None),
        ("heartbeats (1).json", None),
        ("heartbeat (1)", None),
        ("heartbeats.old", None),
        ("listener-heartbeats (1)", None),
    ],
)
def test_which_names_are_doubles(name: str, of: str | None) -> None:
    assert double_of(name) == of


@pytest.mark.parametrize(
    "part",
    ["(1)", " 2", " copy 2", "Copy of ", " (a)", " - Copy (1)", " - Copy", " copy", "_conflict-1", ".sync-conflict-1"],
)
def test_no_name_takes_long_to_tell_from_a_double(part: str) -> None:
    began = time.process_time()
    assert double_of("heartbeats" + part * (240 // len(part)) + "!") is None
    assert time.process_time() - began < 0.5


def test_no_name_is_its_own_twin() -> None:
    assert not is_twin("a (1)", "a (1)")
    assert is_twin("a (2)", "a (1)")
    assert not is_twin("a", "b")
