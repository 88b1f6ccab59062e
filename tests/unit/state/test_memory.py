"""What was seen when outlives the process, and nothing that lies in its file, or happens to a clock, breaks it."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roosync_ops.state.memory import Instant, Memory, default_folder, step_ms
from roosync_ops.state.shared import SharedState
from roosync_ops.wire.merge import FILE, Evidence
from roosync_ops.wire.record import Record

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_770_891_330_000


class Clock:
    """This computer's two clocks; `step` moves the wall's alone."""

    def __init__(self) -> None:
        self.wall, self.up, self.boot = NOW, 1_000_000, "b"

    def __call__(self) -> Instant:
        return Instant(self.wall, self.up, self.boot)

    def advance(self, ms: int, step: int = 0) -> None:
        self.wall += ms + step
        self.up += ms


def state(clock: Clock, sequence: int, stamp: int = NOW) -> SharedState:
    record = Record("m", stamp, sequence=sequence, session_id="s")
    evidence = {"m": Evidence(record, FILE, "heartbeats/m.json")}
    return SharedState("/share", clock.wall, evidence, (), None, "absent", 1)


def note(folder: Path, clock: Clock, sequence: int) -> Any:
    """Read once, in a process of its own as far as the memory can tell."""
    return Memory(folder, "/share", clock=clock).note(state(clock, sequence), {})["m"]


def test_what_one_run_saw_the_next_one_knows(tmp_path: Path) -> None:
    clock = Clock()
    note(tmp_path, clock, 1)
    clock.advance(10_000)
    note(tmp_path, clock, 2)
    clock.advance(10_000)
    seen = note(tmp_path, clock, 2)
    assert (seen.moved_after_ms, seen.moved_by_ms, seen.read_ms) == (NOW, NOW + 10_000, NOW + 20_000)


@pytest.mark.parametrize("step", [-3_600_000, 3_600_000])
def test_a_step_of_the_readers_own_clock_ages_nothing(tmp_path: Path, step: int) -> None:
    clock = Clock()
    note(tmp_path, clock, 1)
    clock.advance(10_000)
    note(tmp_path, clock, 2)
    clock.advance(10_000, step)
    seen = note(tmp_path, clock, 2)
    assert clock.wall - (seen.moved_by_ms or 0) == 10_000


def test_across_a_reboot_time_goes_by_the_wall_and_never_back() -> None:
    before = Instant(NOW, 50_000, "a")
    assert step_ms(before, Instant(NOW + 3_600_000, 60_000, "b")) == 0
    assert step_ms(before, Instant(NOW - 5_000, 60_000, "b")) == -5_000
    assert step_ms(before, Instant(NOW + 3_600_000, 60_000, None)) == 0


junk = st.recursive(
    st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=5), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=9), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=12,
)


@settings(max_examples=40)
@given(st.one_of(st.binary(max_size=60), st.builds(lambda value: json.dumps(value).encode(), junk)))
def test_whatever_lies_in_the_file_it_is_begun_anew(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    folder = tmp_path_factory.mktemp("memory")
    memory = Memory(folder, "/share", clock=Clock())
    memory.path.write_bytes(raw)
    assert memory.note(state(Clock(), 4), {})["m"].sequence == 4
    assert memory.trouble is None
    assert note(folder, Clock(), 4).first_ms == NOW


@settings(max_examples=40)
@given(junk, junk)
def test_a_file_of_our_shape_with_odd_values_is_begun_anew(
    tmp_path_factory: pytest.TempPathFactory, last: object, machine: object
) -> None:
    folder = tmp_path_factory.mktemp("memory")
    memory = Memory(folder, "/share", clock=Clock())
    memory.path.write_text(json.dumps({"format": 1, "last": [last, 1, "b"], "machines": {"m": machine}}))
    assert memory.note(state(Clock(), 4), {})["m"].sequence == 4


def test_a_folder_that_cannot_be_written_costs_the_memory_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    memory = Memory(tmp_path / "taken", "/share", clock=Clock())
    assert memory.note(state(Clock(), 4), {})["m"].sequence == 4
    assert memory.trouble is not None
    assert str(memory.path) in memory.trouble


def test_readers_at_once_leave_a_whole_file_and_no_litter(tmp_path: Path) -> None:
    def read() -> None:
        clock = Clock()
        for number in range(10):
            clock.advance(1_000)
            note(tmp_path, clock, number)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    names = sorted(path.name.rpartition(".")[2] for path in tmp_path.iterdir())
    assert [name for name in names if name != "lock"] == ["json"]
    assert note(tmp_path, Clock(), 9).sequence == 9


def test_another_observers_state_is_another_memory(tmp_path: Path) -> None:
    assert Memory(tmp_path, "/share").path != Memory(tmp_path, "myia-web1:/share").path


def test_it_lies_in_the_users_own_state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "roosync-ops"


def test_who_peeks_sees_what_was_kept_and_this_reading_and_keeps_nothing(tmp_path: Path) -> None:
    clock = Clock()
    note(tmp_path, clock, 1)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    clock.advance(900_000)
    seen = Memory(tmp_path, "/share", clock=clock).peek(state(clock, 2), {})["m"]
    assert (seen.moved_after_ms, seen.moved_by_ms) == (NOW, NOW + 900_000)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_who_peeks_where_nothing_was_kept_knows_nothing_and_makes_no_folder(tmp_path: Path) -> None:
    assert Memory(tmp_path / "none", "/share", clock=Clock()).peek(state(Clock(), 2), {}) == {}
    assert list(tmp_path.iterdir()) == []
