from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.lab.faults import COPIES_MAX, NAMINGS, copy_name, is_copy
from roosync_ops.lab.replica import FileVersions, Version

DATED = 1_770_891_330_000_000_000  # 2026-02-12T10:15:30Z
HOST = "myia-web1"


@pytest.mark.parametrize(
    ("product", "taken", "named"),
    [
        pytest.param("drive", (), "heartbeats/a (1).json", id="Google Drive"),
        pytest.param("drive", ("heartbeats/a (1).json",), "heartbeats/a (2).json", id="Google Drive, the second"),
        pytest.param("dropbox", (), "heartbeats/a (myia-web1's conflicted copy 2026-02-12).json", id="Dropbox"),
        pytest.param(
            "dropbox",
            ("heartbeats/a (myia-web1's conflicted copy 2026-02-12).json",),
            "heartbeats/a (myia-web1's conflicted copy 2026-02-12 (1)).json",
            id="Dropbox, the second of a day",
        ),
    ],
)
def test_each_product_has_its_own_name_for_a_copy(product: str, taken: tuple[str, ...], named: str) -> None:
    assert copy_name(product, "heartbeats/a.json", HOST, DATED, taken) == named


def test_a_file_without_an_ending_has_its_copies_too() -> None:
    assert copy_name("drive", "notes", HOST, DATED, ()) == "notes (1)"


@given(st.sampled_from(sorted(NAMINGS)), st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_a_copy_lies_beside_its_file_is_known_as_one_and_gets_no_copy_itself(product: str, host: str) -> None:
    taken: set[str] = set()
    while (copy := copy_name(product, "heartbeats/a.json", host, DATED, taken)) is not None:
        assert copy.startswith("heartbeats/a")
        assert copy.count("/") == 1
        assert is_copy(copy)
        assert copy_name(product, copy, host, DATED, taken) is None
        taken.add(copy)
    assert len(taken) == COPIES_MAX


def test_a_file_gets_no_more_copies_on_another_day() -> None:
    taken = [copy_name("dropbox", "heartbeats/a.json", HOST, DATED, ()) or ""]
    day_ns = 86_400_000_000_000
    for day in range(1, 31):
        for product in sorted(NAMINGS):
            copy = copy_name(product, "heartbeats/a.json", HOST, DATED + day * day_ns, taken)
            taken += [] if copy is None else [copy]
    assert len(taken) == COPIES_MAX
    assert copy_name("drive", "heartbeats/ab.json", HOST, DATED, taken) == "heartbeats/ab (1).json"


def test_the_past_goes_back_for_hours_in_bounded_memory() -> None:
    past = FileVersions()
    for number in range(10_000):
        past.add(number * 30.0, Version(number, None))
    assert [version.number for version in past.recent] == list(range(9994, 10_000))
    assert (9_999 - past.oldest.number) * 30 > 5 * 3600
