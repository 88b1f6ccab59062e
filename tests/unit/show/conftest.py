"""A fleet that shows a bit of everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.judge import Survey, Validation, observe, validate
from roosync_ops.state import SharedState
from roosync_ops.state.folder import read_folder
from tests.kits.shares import NOW, heartbeat, ours, put

if TYPE_CHECKING:
    from pathlib import Path

#: An ANSI colour, a bidi override, a C1 control, a bell, a line break, HTML, Markdown and XML's own signs.
HOSTILE = "\x1b[31mred\u202eevil\x9b2J\a\n<b>&\"'|`*_[x](http://x)@me"
ONLINE = ("myia-po-2025", "myia-po-2024", "myia-po-2023", "myia-web1")


@pytest.fixture
def fleet() -> Fleet:
    off = {"expected": "offline", "why": "machine éteinte?"}
    return Fleet(
        [*(Machine.of(name, {}) for name in ONLINE), Machine.of("myia-ai-01", off), Machine.of("myia-po-2026", off)]
    )


@pytest.fixture
def procedure(tmp_path: Path, fleet: Fleet) -> Validation:
    """The procedure's own goal: four online, two switched off."""
    for name in ONLINE:
        put(tmp_path, ours(name))
    return validate(fleet, read_folder(tmp_path, NOW), NOW)


@pytest.fixture
def state(tmp_path: Path) -> SharedState:
    """One of each status, a ghost, and files whose every text is hostile."""
    put(tmp_path, ours("myia-po-2025"))
    put(tmp_path, heartbeat("myia-po-2024", 100_000))
    put(tmp_path, ours("myia-po-2023", 3 * 3_600_000, startedAt="2026-02-12T01:00:00.000Z"))
    put(tmp_path, heartbeat("myia-web1", lastHeartbeat=HOSTILE))
    put(tmp_path, ours("myia-ai-01", -60_000))
    put(tmp_path, ours("ghost", version=HOSTILE))
    put(tmp_path, ours("ghost"), f"ghost ({HOSTILE.replace('/', '')}).json")
    return read_folder(tmp_path, NOW)


@pytest.fixture
def trouble(state: SharedState, fleet: Fleet) -> Validation:
    return validate(fleet, state, NOW)


@pytest.fixture
def survey(state: SharedState) -> Survey:
    return observe(state, NOW)
