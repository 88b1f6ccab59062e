"""A share that is full, read-only or hung, for real: named, lived through, used again."""

import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from roosync_ops.agent import share as module
from roosync_ops.agent.config import Config
from roosync_ops.agent.local_state import prepare, read_local_state
from roosync_ops.agent.loop import Loop, SystemClock
from roosync_ops.agent.publisher import publisher_of
from roosync_ops.wire.status import Thresholds
from roosync_ops.wire.times import now_ms
from tests.capabilities import need
from tests.kits.agent_process import Agent, fill
from tests.kits.hosts import PATIENCE_S, wait_for
from tests.kits.shares import share_threads

BEATS = ("--heartbeat-interval", "100", "--offline-timeout", "2000", "--share-deadline", "1")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A share of 128 kB on a file system of its own."""
    need("root")
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def share_state(agent: Agent, wanted: str) -> Any:
    def look() -> Any:
        share = agent("status")["share"]
        return share if share["state"] == wanted else None

    return wait_for(f"the share to be {wanted}", look)


def test_a_full_share_keeps_the_old_record_and_takes_the_first_new_one(
    make_agent: Callable[..., Agent], small: Path
) -> None:
    agent = make_agent(shared=small)
    agent("start", *BEATS)
    filling = small / "filling"
    fill(filling)
    assert share_state(agent, "full")["since"]
    number = agent.sequence()
    assert agent("register", *BEATS, code=3)["code"] == "HEARTBEAT_SERVICE_FAILED"
    assert agent.sequence() == number
    assert {path.name for path in (small / "heartbeats").iterdir()} == {"m1.json"}
    filling.unlink()
    share_state(agent, "ok")
    assert agent.sequence() > number


def test_a_read_only_share_is_no_success(make_agent: Callable[..., Agent], small: Path) -> None:
    agent = make_agent(shared=small)
    agent("register")
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    number = agent.sequence()
    assert agent("register", *BEATS, code=3)["success"] is False
    assert agent("start", *BEATS)["result"]["share"]["state"] == "read-only"
    assert agent("status")["share"]["state"] == "read-only"
    assert agent.sequence() == number
    subprocess.run(["mount", "-o", "remount,rw", str(small)], check=True)
    share_state(agent, "ok")
    assert agent.sequence() > number


def test_a_call_that_hangs_never_holds_the_loop_and_its_return_is_used_at_once(
    tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Config("m1", str(shared), str(tmp_path / "local"), Thresholds(60_000, 240_000))
    config.share_deadline_s = 0.1
    places, clock = prepare(config), SystemClock()
    loop = Loop(publisher_of(config, places, now_ms()), clock)
    loop.step()
    before = share_threads()
    answers, real = threading.Event(), module._read_own

    def hang(*words: str) -> Any:
        answers.wait(PATIENCE_S)
        return real(*words)

    monkeypatch.setattr(module, "_read_own", hang)
    began = time.monotonic()
    loop.step()
    assert time.monotonic() - began < PATIENCE_S / 3
    share = read_local_state(places)["share"]
    assert share["state"] == "hung"
    for _ in range(3):
        loop.step()
    assert read_local_state(places)["share"]["since"] == share["since"]
    assert share_threads() <= before, "a share that hangs costs one thread, however long"
    threading.Timer(0.3, answers.set).start()
    began = time.monotonic()
    loop.pause()
    assert time.monotonic() - began < PATIENCE_S / 3
    loop.step()
    assert read_local_state(places)["share"]["state"] == "ok"


def test_start_on_a_share_in_trouble_says_so_and_the_loop_waits_for_it(agent: Agent) -> None:
    away = agent.shared.with_name("away")
    agent.shared.rename(away)
    for again in range(2):  # the second time the last loop's words are there from the start
        answer = agent("start", *BEATS)
        assert (answer["success"], answer["result"]["share"]["state"]) == (True, "missing")
        assert "la boucle l'attend" in answer["message"]
        assert str(agent.shared) in answer["result"]["share"]["detail"]
        assert agent("status")["running"] is True
        assert not agent.shared.exists()
        if not again:
            agent("stop", "--no-save-state")
    away.rename(agent.shared)
    wait_for("a beat in the share that is back", agent.sequence)


def test_a_share_that_vanishes_is_named_and_used_when_it_is_back(agent: Agent) -> None:
    agent("start", *BEATS)
    pid = agent("status")["pid"]
    away = agent.shared.with_name("away")
    agent.shared.rename(away)
    share = wait_for("the trouble in status", lambda: _trouble(agent))
    assert share["state"] == "missing"
    assert share["since"]
    assert not agent.shared.exists()
    number = int(json.loads((away / "heartbeats" / "m1.json").read_bytes())["agent"]["sequence"])
    away.rename(agent.shared)
    wait_for("a beat in the share that is back", lambda: agent.sequence() > number)
    assert agent("status")["pid"] == pid


def _trouble(agent: Agent) -> dict[str, str] | None:
    share: dict[str, str] = agent("status")["share"]
    return share if share["state"] != "ok" else None
