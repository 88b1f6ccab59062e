"""Old services on other machines of the same share, in real processes: our table stays right, and names them."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.judge import observe
from roosync_ops.state.folder import read_folder
from roosync_ops.state.shared import FILE_DELETED, ROLLED_BACK
from roosync_ops.wire.findings import EMPTY, TRUNCATED, VANISHED
from roosync_ops.wire.names import HEARTBEATS, VIEW_NAME
from roosync_ops.wire.times import now_ms
from tests.kits import old_service
from tests.kits.hosts import PATIENCE_S, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from roosync_ops.state import SharedState
    from tests.kits.agent_process import Agent

BEAT_MS = 200
BEATS = ("--heartbeat-interval", str(BEAT_MS), "--offline-timeout", "8000")
OLD = "myia-po-2025"
_HALF_WRITTEN = (EMPTY, TRUNCATED, VANISHED)


@pytest.fixture
def agents(make_agents: Callable[[], list[Agent]]) -> list[Agent]:
    return make_agents()


@pytest.fixture
def make_agents(make_agent: Callable[..., Agent], tmp_path: Path) -> Callable[[], list[Agent]]:
    """Start two of ours, and wait for their beats."""

    def make() -> list[Agent]:
        made = [make_agent(machine_id=name, root=tmp_path / name) for name in ("myia-ai-01", "myia-web1")]
        for agent in made:
            agent.run(*BEATS)
        wait_for("both to beat", lambda: all(agent.sequence() > 1 for agent in made))
        return made

    return make


@contextmanager
def old(kind: str, shared: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An old service on a machine of its own; it stops as it is used to."""
    process = subprocess.Popen([sys.executable, old_service.__file__, kind, str(shared), OLD, str(BEAT_MS)])
    try:
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def table(shared: Path) -> dict[str, tuple[str, str | None]]:
    """Return what is seen of each machine, and what wrote it."""
    return rows(read_folder(shared, now_ms()))


def rows(state: SharedState) -> dict[str, tuple[str, str | None]]:
    return {row.machine_id: (row.observed, row.version) for row in observe(state, state.read_at_ms).machines}


def watch(shared: Path, seconds: float) -> None:
    """See for so long that every machine is online at every look.

    An old service empties a file before it writes it. A look meets that instant twice only where the service itself was
    held up in it; it says so, and of the old service's own machine, which is told of nowhere else, it can say nothing.
    """
    until, whole = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        state = read_folder(shared, now_ms())
        seen = {name: word for name, (word, _) in rows(state).items()}
        half_written = {finding.file for finding in state.findings if finding.kind in _HALF_WRITTEN}
        if half_written & {VIEW_NAME, f"{HEARTBEATS}/{OLD}.json"}:
            seen.setdefault(OLD, "online")
        else:
            whole += 1
        assert seen == dict.fromkeys(("myia-ai-01", OLD, "myia-web1"), "online")
        time.sleep(0.02)
    assert whole > seconds


def test_one_that_overwrites_the_view_erases_nobody_and_is_named(
    make_agents: Callable[[], list[Agent]], shared: Path
) -> None:
    """It started before the others, so it knows nobody but itself."""
    with old("overwrites", shared):
        wait_for("the old service in our table", lambda: OLD in table(shared))
        agents = make_agents()
        watch(shared, 2.0)
        view = wait_for("the erasure to be told", lambda: _if(agents[0]("status")["view"], "erasures"))
    assert view["keeper"] == "myia-ai-01"
    assert view["erasedBy"] == OLD
    assert table(shared)[OLD][1] == "3.0.0"


def _if(value: dict[str, Any], key: str) -> dict[str, Any] | None:
    return value if value[key] else None


def test_one_that_rewrites_everybodys_file_at_stop_rolls_nothing_back_and_is_noticed(
    agents: list[Agent], shared: Path
) -> None:
    with old("rewrites", shared):
        wait_for("the old service in our table", lambda: OLD in table(shared))
        memory = [agent.sequence() for agent in agents]
        wait_for("its memory to be stale", lambda: all(agent.sequence() > memory[0] + 5 for agent in agents))
        watch(shared, 1.0)
        before = [agent.sequence() for agent in agents]
    wait_for("later beats", lambda: all(agent.sequence() > last for agent, last in zip(agents, before, strict=True)))
    for agent in agents:
        own = functools.partial(lambda agent: _if(agent("status")["ownFile"], "rewrites"), agent)
        rewritten = wait_for("the rewrite to be told", own)
        assert "sequence" in rewritten["lastDetail"]
        assert len(agent.record()["agent"]["upIntervals"]) == 1
    assert {word for word, _ in table(shared).values()} == {"online"}


def test_one_that_deletes_the_view_loses_nothing(agents: list[Agent], shared: Path) -> None:
    with old("deletes", shared):
        wait_for("the old service in our table", lambda: OLD in table(shared))
        watch(shared, 2.0)
        assert table(shared)[OLD][1] == "3.1.0"
    wait_for("the view", (shared / "heartbeat.json").exists)
    rebuilt = (shared / "heartbeat.json").read_text()
    assert all(agent.machine_id in rebuilt for agent in agents)


def _left_in_view(shared: Path) -> bool:
    entry = json.loads((shared / VIEW_NAME).read_bytes())["heartbeats"].get("myia-web1", {})
    return bool(entry.get("agent", {}).get("state") == "left")


def test_a_machine_that_left_has_left_though_one_writes_its_memory_over_its_file_and_another_deletes_it(
    agents: list[Agent], shared: Path
) -> None:
    keeper, left = agents
    assert keeper.machine_id == "myia-ai-01"
    with old("rewrites", shared):
        wait_for("the old service in our table", lambda: OLD in table(shared))
        memory = left.sequence()
        wait_for("its memory to be stale", lambda: left.sequence() > memory + 5)
        left("stop")
        last = left.sequence()
        wait_for("the view to say that it left", lambda: _left_in_view(shared))
    assert left.sequence() < last
    state = read_folder(shared, now_ms())
    assert rows(state)["myia-web1"][0] == "left"
    wait_for("that to be told", lambda: ROLLED_BACK in {one.kind for one in read_folder(shared, now_ms()).findings})
    left.own.unlink()
    state = read_folder(shared, now_ms())
    assert (rows(state)["myia-web1"][0], FILE_DELETED in {one.kind for one in state.findings}) == ("left", True)
