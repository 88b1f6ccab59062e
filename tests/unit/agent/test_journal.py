"""The journal: fixed size, nothing created at a beat, and a torn write costs one state at most."""

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roosync_ops.agent.journal import SLOT_BYTES, Journal, read


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(str(tmp_path / "journal"))
    yield journal
    journal.close()


def test_the_last_state_written_is_the_one_read(journal: Journal) -> None:
    for number in range(5):
        journal.save({"number": number, "name": "été"})
        assert read(journal.path) == {"number": number, "name": "été"}


def test_it_has_its_whole_size_from_the_start_and_keeps_it(journal: Journal, tmp_path: Path) -> None:
    before = Path(journal.path).stat()
    for number in range(100):
        journal.save({"number": number, "filling": "x" * number * 100})
    after = Path(journal.path).stat()
    assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size)
    assert after.st_size == 2 * SLOT_BYTES
    assert list(tmp_path.iterdir()) == [tmp_path / "journal"]


def test_absent_empty_and_foreign_files_hold_no_state(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    assert read(str(path)) == {}
    for content in (b"", b"{}", b"roosync1 9 9 9\n{}", os.urandom(2 * SLOT_BYTES), b"roosync1 1 ffffffff 0\n"):
        path.write_bytes(content)
        assert read(str(path)) == {}


def test_a_write_torn_anywhere_leaves_the_state_before_it(journal: Journal) -> None:
    journal.save({"number": 1})
    journal.save({"number": 2})
    before = Path(journal.path).read_bytes()
    journal.save({"number": 3, "more": list(range(200))})
    after = Path(journal.path).read_bytes()
    dice = random.Random(7)  # noqa: S311 - where to cut, not a secret
    for cut in [SLOT_BYTES, SLOT_BYTES + 1, *(dice.randrange(SLOT_BYTES, SLOT_BYTES + 900) for _ in range(60))]:
        Path(journal.path).write_bytes(after[:cut] + before[cut:])
        assert read(journal.path)["number"] in (2, 3)
    Path(journal.path).write_bytes(after[: SLOT_BYTES + 100] + before[SLOT_BYTES + 100 :])
    assert read(journal.path) == {"number": 2}


def test_a_new_header_over_an_old_body_does_not_pass(journal: Journal) -> None:
    journal.save({"number": 1})
    journal.save({"number": 2})
    raw = bytearray(Path(journal.path).read_bytes())
    raw[SLOT_BYTES : SLOT_BYTES + 29] = raw[SLOT_BYTES : SLOT_BYTES + 29].replace(b"1 ", b"1 ").replace(b"01 ", b"09 ")
    Path(journal.path).write_bytes(bytes(raw))
    assert read(journal.path) == {"number": 2}


def test_another_writers_state_is_noticed_by_its_generation(journal: Journal) -> None:
    journal.save({"number": 1})
    other = Journal(journal.path)
    assert other.load() == {"number": 1}
    other.save({"number": 2})
    other.close()
    assert journal.generation_on_disk() != journal.generation
    assert journal.load() == {"number": 2}


@pytest.mark.parametrize("big", ["remembered", "record"])
def test_a_state_larger_than_a_slot_gives_up_what_can_be_had_again(journal: Journal, big: str) -> None:
    state: dict[str, Any] = {"sequence": 7, "remembered": {}, "record": {}}
    journal.save({**state, big: {"x": "y" * SLOT_BYTES}})
    kept = read(journal.path)
    assert kept["sequence"] == 7
    assert kept[big] is None
