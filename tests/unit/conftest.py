"""A unit test has a home of its own, for the agent's default folders; and a busy machine fails no property.

While one works, a property is tried on a quarter of the examples: `pytest tests/unit` is the inner loop. CI tries all.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "unhurried",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=100 if os.environ.get("CI") else 25,
)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def one_cache(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The agent is built once, and not again (a second) in every test's home."""
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, one_cache: str) -> None:
    home = str(tmp_path_factory.mktemp("home"))
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", one_cache)
    monkeypatch.setenv("HOME", home)
    monkeypatch.setenv("USERPROFILE", home)
