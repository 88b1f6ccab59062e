"""Who acts on machines is asked first, waits for nobody who was not enrolled, and is told what was met."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Done

    Run = Callable[..., Done]

#: What a rollout waits for where it enrolled somebody, in s; a machine's part in it is a few.
WAIT_S = 3_600


@pytest.fixture
def dead(place: Path) -> Path:
    """An inventory of a machine where nothing listens; it was never seen."""
    (place / "inventory.py").write_text("lab = [('a', {'ssh_hostname': '127.0.0.1', 'ssh_port': 9})]\n")
    (place / "shared" / "heartbeats").mkdir(exist_ok=True)
    return place


@pytest.mark.parametrize("command", ["stop", "uninstall"])
@pytest.mark.parametrize("more", [[], ["--json"], ["--shared", "shared"]])
def test_without_names_and_a_terminal_nothing_is_stopped(run: Run, command: str, more: list[str]) -> None:
    done = run(command, *more)
    assert done.code == 2
    assert "no machine is named, and there is no terminal to ask on" in done.err
    assert "--yes" in done.err


@pytest.mark.parametrize("words", [["--yes"], ["a"], ["--limit", "lab"]])
def test_who_says_yes_or_names_machines_is_not_asked(run: Run, dead: Path, words: list[str]) -> None:
    assert dead.is_dir()
    done = run("stop", *words, "--json", "--connect-timeout", "5")
    assert [one["outcome"] for one in done.document["machines"]] == ["unreachable"]


@pytest.mark.parametrize("command", ["stop", "uninstall", "restart", "rollout", "validate", "diagnose"])
@pytest.mark.parametrize("empty", ["", ",", " , "])
def test_a_limit_to_nobody_is_not_everybody(run: Run, command: str, empty: str) -> None:
    done = run(command, "--limit", empty, *(["--shared", "shared"] if command == "validate" else []))
    assert done.code == 2
    assert "--limit names no machine and no group" in done.err


@pytest.mark.parametrize("asked", ["auto", "never"])
def test_a_rollout_that_enrolled_nobody_waits_for_nobody_and_says_what_it_met(run: Run, dead: Path, asked: str) -> None:
    """It was met by the rollout itself: nobody needs to be asked a second time to know it."""
    assert dead.is_dir()
    began = time.monotonic()
    done = run("rollout", "--shared", "shared", "--wait", str(WAIT_S), "--json", f"--probe={asked}")
    assert time.monotonic() - began < WAIT_S / 2
    assert done.code == 1
    (row,) = done.document["validation"]["machines"]
    assert "never" not in row["reason"]
    assert "does not answer" in row["reason"]


def test_a_rollout_seen_by_a_dead_machine_ends(run: Run, dead: Path) -> None:
    assert dead.is_dir()
    began = time.monotonic()
    done = run("rollout", "--via", "a", "--wait", str(WAIT_S))
    assert time.monotonic() - began < WAIT_S / 2
    assert done.code == 3
    assert "unreachable" in done.out
