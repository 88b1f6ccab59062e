"""`--probe auto|always|never` reaches whoever asks, in every command that has it: those in doubt, all, or nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from roosync_ops.cli import acting
from roosync_ops.cli.schedule.install import ScheduleSettings
from roosync_ops.gather import probe
from roosync_ops.judge import AgentState, ProbeResult, probes
from roosync_ops.mcp.desk import ServerSettings
from roosync_ops.pyinfra_ops.run import Result
from roosync_ops.wire.times import now_ms
from tests.kits.assistant import Assistant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from roosync_ops.fleet import Machine
    from tests.unit.cli.conftest import Done

    Run = Callable[..., Done]

#: `a` beats, and `b` is late here; both live.
INVENTORY = """
from roosync_ops.fleet import machine
enroll = [machine("a", host="a.local"), machine("b", host="b.local")]
"""
SHARED = ("--shared", "shared")


def typed(*words: str) -> Callable[[Run, Path, str], object]:
    return lambda run, _, word: run(*words, *SHARED, "--probe", word)


def scheduled(run: Run, place: Path, word: str) -> object:
    words = ("schedule", *SHARED, "--memory", "kept", "--mechanism", "cron", "--no-dashboard", "--json")
    printed = run(*words, "--probe", word).document["settings"]
    settings = ScheduleSettings.made(**{**printed, "notify": [], "ping": None})
    (place / "schedule.json").write_text(settings.model_dump_json(), encoding="utf-8")
    return run("schedule", "run", str(place / "schedule.json"))


def over_mcp(_: Run, place: Path, word: str) -> object:
    settings = ServerSettings(place / "inventory.py", str(place / "shared"), memory=place / "kept")
    return Assistant(settings).document("roosync_validate", probe=word)


COMMANDS = {
    "validate": typed("validate"),
    "watch": typed("watch", "--for", "0", "--memory", "kept"),
    "schedule": scheduled,
    "dashboard": typed("dashboard", "--memory", "kept", "--output", "."),
    "report": typed("report"),
    "rollout": typed("rollout", "--wait", "0"),
    "mcp": over_mcp,
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("word", "asked"), [("auto", ["b"]), ("always", ["a", "b"]), ("never", [])])
def test_those_are_asked_that_were_typed(  # noqa: PLR0913, PLR0917 - fixtures
    run: Run,
    place: Path,
    beat: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    word: str,
    asked: list[str],
) -> None:
    found: list[str] = []

    def lives(machines: Sequence[Machine], *_: object, **__: object) -> dict[str, ProbeResult]:
        names = [one.machine_id for one in machines]
        found.extend(names)
        return {name: ProbeResult(name, AgentState(probes.RUNNING, since_ms=now_ms(), sequence=9)) for name in names}

    monkeypatch.setattr(probe, "probe", lives)
    monkeypatch.setattr(acting, "run", lambda *_, **__: (Result("a"), Result("b")))
    (place / "inventory.py").write_text(INVENTORY, encoding="utf-8")
    beat("a")
    beat("b", 214_000)
    COMMANDS[command](run, place, word)
    assert found == asked
