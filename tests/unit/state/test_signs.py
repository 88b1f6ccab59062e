"""Signs of life of newer services: read with the care of everything hostile, and bounded."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from roosync_ops.state.shared import Sign, signs_in
from roosync_ops.wire.deadline import BoundedShare
from roosync_ops.wire.signs import signs_within
from roosync_ops.wire.times import to_iso
from tests.kits.shares import NOW

if TYPE_CHECKING:
    from pathlib import Path


def put(shared: Path, name: str, text: str | bytes) -> None:
    path = shared / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def read(shared: Path) -> dict[str, Sign]:
    """Read them as a machine tells them: by way of JSON."""
    return signs_in(json.loads(json.dumps(signs_within(BoundedShare(60), str(shared)))), NOW)


def test_each_source_is_read_and_the_last_sign_of_a_machine_counts(tmp_path: Path) -> None:
    put(tmp_path, "listener-heartbeats/a.heartbeat", f"{to_iso(NOW - 5_000)}\n")
    put(tmp_path, "worker-heartbeats/b.heartbeat", to_iso(NOW - 6_000))
    put(tmp_path, "presence/c.json", f'{{"status": "online", "lastSeen": "{to_iso(NOW - 7_000)}"}}')
    lines = f"# Board\n### [{to_iso(NOW - 8_000)}] d|work\ntext\n### [{to_iso(NOW - 9_000)}] a|work\n"
    put(tmp_path, "dashboards/workspace-x.md", lines)
    assert read(tmp_path) == {
        "a": (NOW - 5_000, "listener"),
        "b": (NOW - 6_000, "worker"),
        "c": (NOW - 7_000, "presence"),
        "d": (NOW - 8_000, "dashboard"),
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("listener-heartbeats/a.heartbeat", "now"),
        ("listener-heartbeats/a.heartbeat", to_iso(NOW + 60_000)),
        ("listener-heartbeats/a.heartbeat", to_iso(NOW)[:-1]),
        ("listener-heartbeats/../a.heartbeat", to_iso(NOW)),
        ("listener-heartbeats/CON.heartbeat", to_iso(NOW)),
        ("listener-heartbeats/a b.heartbeat", to_iso(NOW)),
        ("presence/a.json", "[" * 100_000),
        ("presence/a.json", '{"lastSeen": {"$date": 1}}'),
        ("presence/a.json", b"\xff\xfe{"),
        ("dashboards/x.md", f"### [{to_iso(NOW)}] ../a|w"),
        ("dashboards/x.md", f"###  [{to_iso(NOW)}] a|w"),
        ("dashboards/x.md", f"### [{to_iso(NOW)}] a|roosync-ops"),
        ("dashboards/x.md", b"\x00" * 2_000_000),
    ],
)
def test_what_is_no_sign_is_none_and_no_exception(tmp_path: Path, name: str, text: str | bytes) -> None:
    put(tmp_path, name, text)
    assert read(tmp_path) == {}


def test_no_link_is_followed_and_nothing_is_waited_for(tmp_path: Path) -> None:
    put(tmp_path, "real/a.heartbeat", to_iso(NOW))
    share = tmp_path / "share"
    (share / "worker-heartbeats").mkdir(parents=True)
    (share / "listener-heartbeats").symlink_to(tmp_path / "real")
    (share / "worker-heartbeats" / "a.heartbeat").symlink_to(tmp_path / "real" / "a.heartbeat")
    os.mkfifo(share / "worker-heartbeats" / "b.heartbeat")
    (share / "presence").write_bytes(b"no folder")
    assert read(share) == {}


def test_thousands_of_files_and_of_machines_are_read_to_a_bound(tmp_path: Path) -> None:
    for number in range(1_200):
        put(tmp_path, f"listener-heartbeats/m{number}.heartbeat", to_iso(NOW))
    put(tmp_path, "dashboards/x.md", "".join(f"### [{to_iso(NOW)}] x{number}|w\n" for number in range(5_000)))
    assert len(read(tmp_path)) == 1_000
    assert len(json.dumps(signs_within(BoundedShare(60), str(tmp_path)))) < 2_000_000


def test_a_byte_order_mark_and_a_line_end_before_and_after_a_time_are_borne_with(tmp_path: Path) -> None:
    put(tmp_path, "listener-heartbeats/a.heartbeat", f"\ufeff{to_iso(NOW)}\r\n")
    put(tmp_path, "presence/b.json", f'\ufeff{{"lastSeen": "{to_iso(NOW)}"}}')
    put(tmp_path, "dashboards/x.md", f"\ufeff# Board\r\n### [{to_iso(NOW)}] c|work\r\n")
    assert set(read(tmp_path)) == {"a", "b", "c"}


@pytest.mark.parametrize(
    "raw",
    [None, 7, "x", {"a": "b"}, [None], [["listener-heartbeats/a.heartbeat"]], [[1, 2]], [["a", "b", "c"]]]
    + [[["listener-heartbeats/a.heartbeat", text]] for text in ("", "\ud800", 3, None)]
    + [[["presence/a.json", "[" * 100_000]], [["presence/a.json", "\ud800"]], [["dashboards/x.md", ["### [x] a|b"]]]],
)
def test_what_a_machine_tells_of_them_is_hostile_until_parsed(raw: object) -> None:
    assert signs_in(raw, NOW) == {}
