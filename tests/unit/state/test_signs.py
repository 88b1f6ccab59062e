"""Signs of life of newer services: read with the care of everything hostile, and bounded."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from roosync_ops.state.signs import read_signs
from roosync_ops.wire.times import to_iso
from tests.kits.shares import NOW

if TYPE_CHECKING:
    from pathlib import Path


def put(shared: Path, name: str, text: str | bytes) -> None:
    path = shared / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def test_each_source_is_read_and_the_last_sign_of_a_machine_counts(tmp_path: Path) -> None:
    put(tmp_path, "listener-heartbeats/a.heartbeat", f"{to_iso(NOW - 5_000)}\n")
    put(tmp_path, "worker-heartbeats/b.heartbeat", to_iso(NOW - 6_000))
    put(tmp_path, "presence/c.json", f'{{"status": "online", "lastSeen": "{to_iso(NOW - 7_000)}"}}')
    lines = f"# Board\n### [{to_iso(NOW - 8_000)}] d|work\ntext\n### [{to_iso(NOW - 9_000)}] a|work\n"
    put(tmp_path, "dashboards/workspace-x.md", lines)
    assert read_signs(str(tmp_path), NOW) == {
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
    assert read_signs(str(tmp_path), NOW) == {}


def test_no_link_is_followed_and_nothing_is_waited_for(tmp_path: Path) -> None:
    put(tmp_path, "real/a.heartbeat", to_iso(NOW))
    share = tmp_path / "share"
    (share / "worker-heartbeats").mkdir(parents=True)
    (share / "listener-heartbeats").symlink_to(tmp_path / "real")
    (share / "worker-heartbeats" / "a.heartbeat").symlink_to(tmp_path / "real" / "a.heartbeat")
    os.mkfifo(share / "worker-heartbeats" / "b.heartbeat")
    (share / "presence").write_bytes(b"no folder")
    assert read_signs(str(share), NOW) == {}


def test_thousands_of_files_and_of_machines_are_read_to_a_bound(tmp_path: Path) -> None:
    for number in range(600):
        put(tmp_path, f"listener-heartbeats/m{number}.heartbeat", to_iso(NOW))
    put(tmp_path, "dashboards/x.md", "".join(f"### [{to_iso(NOW)}] x{number}|w\n" for number in range(5_000)))
    assert len(read_signs(str(tmp_path), NOW)) == 1_000
