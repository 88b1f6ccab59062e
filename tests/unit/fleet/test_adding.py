"""One more line in an inventory: nothing else of it changes, and what comes out is the same fleet and one more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from roosync_ops.fleet import FleetError, load_inventory
from roosync_ops.fleet.inventory import line_of, line_with, with_machine

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = b"from roosync_ops.fleet import machine\n"
LISTS = [
    pytest.param(b"enroll = []\n", [], id="empty"),
    pytest.param(b"enroll = [\n    # later\n]\n", [], id="a comment alone"),
    pytest.param(b"enroll = [machine('a')]\n", ["a"], id="one line"),
    pytest.param(b"enroll = [machine('a'),]\n", ["a"], id="one line and a comma"),
    pytest.param(b"enroll = [\n    machine('a'),  # the first, and best\n]\n", ["a"], id="a comment with a comma"),
    pytest.param(b"enroll = [\n    machine('a')  # no comma, here\n]\n", ["a"], id="no comma"),
    pytest.param(b"enroll = [\n  'a', 'b']\n", ["a", "b"], id="hanging"),
    pytest.param("é = 1; enroll = [machine('a', why='é')]  # ü\n".encode(), ["a"], id="not ASCII"),
    pytest.param(b"enroll = (['a'], {'why': 'x'})\n", ["a"], id="with data"),
    pytest.param(b"enroll: list = ['a']\n", ["a"], id="annotated"),
    pytest.param(b"enroll = ['a'  # ]\n,  # [\n]\n", ["a"], id="brackets in comments"),
]


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize(("text", "before"), LISTS)
def test_the_fleet_is_the_same_and_one_more(
    tmp_path: Path, text: bytes, before: list[str], ends: bytes, mark: bytes
) -> None:
    source = mark + (_HEAD + text).replace(b"\n", ends)
    line = line_of("new", {"host": "new.local", "why": 'é "so"\\'})
    path = tmp_path / "inventory.py"
    path.write_bytes(with_machine(source, "enroll", line))
    fleet = load_inventory(path)
    assert sorted(machine.machine_id for machine in fleet) == [*before, "new"]
    assert fleet.get("new").why == 'é "so"\\'  # type: ignore[union-attr] # it is there: just asserted
    kept = path.read_bytes()
    assert all(comment in kept for comment in source.split(ends) if comment.lstrip().startswith(b"#"))
    assert kept.replace(b"\r\n", b"").count(b"\n") == (0 if ends == b"\r\n" else kept.count(b"\n"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(b"enroll = [x for x in ()]", "no group whose list is written out", id="made"),
        pytest.param(b"enrol = []", "did you mean enrol?", id="misspelt"),
    ],
)
def test_what_cannot_be_added_to_is_refused(text: bytes, said: str) -> None:
    with pytest.raises(FleetError, match=said.replace("?", r"\?")):
        with_machine(text, "enroll", "machine('x')")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_the_line_that_has_a_machine_already_is_that_of_the_file_as_it_is(mark: bytes) -> None:
    source = mark + _HEAD + b"enroll = [\n    machine('a'),\n    'b',\n]\noff = [\n    machine('c', why='x'),\n]\n"
    assert [line_with(source, name) for name in "abcx"] == [3, None, 7, None]
