"""What holds for every test: no setting of the person who runs them reaches it."""

from __future__ import annotations

import os

import pytest

_LOOKS = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")


@pytest.fixture(autouse=True)
def _no_setting_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Field note 10: tests once wrote to the production folder because the environment variable won."""
    for name in [*_LOOKS, *(name for name in os.environ if name.startswith("ROOSYNC_"))]:
        monkeypatch.delenv(name, raising=False)
