"""A maintenance window is open until it ends, by itself, and what lies in its place opens none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.state import silences as s

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_770_891_330_000
WINDOW = s.Silence(NOW + 1000, "new disk")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(s, "default_folder", lambda: tmp_path)
    return tmp_path


def test_it_ends_by_itself_or_when_it_is_ended() -> None:
    s.silence(["a", "b"], WINDOW, NOW)
    assert s.silences(NOW + 999) == {"a": WINDOW, "b": WINDOW}
    assert s.silences(NOW + 1000) == {}
    s.silence(["a"], None, NOW)
    assert s.silences(NOW) == {"b": WINDOW}


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists, max_leaves=5))
def test_what_was_not_written_by_us_opens_no_window(value: object) -> None:
    s._store().write({"machines": {"a": value}})
    assert all(type(one.until_ms) is int for one in s.silences(NOW).values())


def test_a_window_without_an_end_is_none(folder: Path) -> None:
    s.silence(["a"], s.Silence(NOW + s.MOST_MS + 1, "for ever"), NOW)
    assert s.silences(NOW) == {}
    (path,) = folder.glob("silence-*.json")
    for raw in (b"{", b'{"format": 1, "machines": 3}', b'{"format": 1, "machines": {"../x": [9, ""]}}'):
        path.write_bytes(raw)
        assert s.silences(NOW) == {}
