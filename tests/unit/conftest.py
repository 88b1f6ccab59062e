"""A unit test has a home of its own, for the agent's default folders; and a busy machine fails no property.

While one works, a property is tried on some of the examples: `pytest tests/unit` is the inner loop. CI tries all.
"""

from __future__ import annotations

import itertools
import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "unhurried",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=100 if os.environ.get("CI") else 15,
)
settings.load_profile("unhurried")
_HOMES = itertools.count()


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    # not mktemp(): to find the next number it reads the names of all before it, which are thousands in the end
    home = tmp_path_factory.getbasetemp() / "homes" / str(next(_HOMES))
    home.mkdir(parents=True)
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    cache = tmp_path_factory.getbasetemp() / "cache"  # of all: to build the agent takes a second
    cache.mkdir(exist_ok=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line speaks English to each test, whatever another was told in."""
    monkeypatch.setattr("roosync_ops.cli.output._lang", "en")
