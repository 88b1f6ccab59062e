"""How long a reading may take."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from roosync_ops.state.folder import FolderSource

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("platform", "asked", "seconds"),
    [
        pytest.param("linux", None, 5.0, id="a folder"),
        pytest.param("win32", None, 60.0, id="a drive whose first reading comes from the cloud"),
        pytest.param("win32", 7.0, 7.0, id="the operator's own word"),
    ],
)
def test_a_reading_on_windows_has_the_minute_that_a_look_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, asked: float | None, seconds: float
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert FolderSource(str(tmp_path), asked)._bounded.deadline_s == seconds
