"""A change takes two steps: a plan with a token, and that very plan applied, once, soon, and while nothing changed."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops import process
from roosync_ops.errors import CommandError
from roosync_ops.mcp import changes
from roosync_ops.mcp.desk import LIFE_S, PlanStore
from roosync_ops.process import Ended
from tests.kits.assistant import Assistant

if TYPE_CHECKING:
    from roosync_ops.mcp.desk import ServerSettings


class CommandLine:
    """Stands in for `roosync-ops ... --json` in a process: keeps what was typed, and answers as it is told."""

    def __init__(self) -> None:
        self.typed: list[list[str]] = []
        self.outcome = "planned"
        self.code = 0
        self.error: dict[str, Any] | None = None

    def __call__(self, line: list[str], **_: Any) -> Ended:
        words = line[line.index("roosync_ops") + 1 :]
        self.typed.append(words)
        dry = "--dry" in words
        row: dict[str, Any] = {
            "machineId": "a",
            "outcome": self.outcome if dry else "changed",
            "steps": [],
            "code": None,
        }
        document = {"ok": True, "dry": dry, "machines": [row]} if self.error is None else {"error": self.error}
        return Ended(self.code, json.dumps(document).encode(), b"")


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    command = CommandLine()
    monkeypatch.setattr("roosync_ops.mcp.changes.process.run", command)
    return command


@pytest.fixture
def assistant(settings: ServerSettings) -> Assistant:
    return Assistant(dataclasses.replace(settings, allow_changes=True))


def plan(assistant: Assistant, **arguments: Any) -> str:
    return str(
        assistant.document("roosync_plan_change", **{"action": "rollout", "machines": ["a"], **arguments})["token"]
    )


def test_a_plan_is_the_dry_run_and_its_token_does_just_that(
    assistant: Assistant, typed: CommandLine, settings: ServerSettings
) -> None:
    token = plan(assistant)
    done = assistant.document("roosync_apply_change", token=token)
    assert (done["success"], done["action"], done["machines"]) == (True, "rollout", ["a"])
    common = ["rollout", "--json", "--inventory", str(settings.inventory), "--shared", str(settings.shared)]
    dry = [*common, "--dry", "--", "a"]
    assert typed.typed == [dry, dry, [*common, "--wait", "90", "--", "a"]]


def test_a_token_is_good_once(assistant: Assistant, typed: CommandLine) -> None:
    token = plan(assistant)
    assistant.document("roosync_apply_change", token=token)
    count = len(typed.typed)
    assert assistant.error("roosync_apply_change", token=token)["code"] == "TOKEN_UNKNOWN"
    assert len(typed.typed) == count


def test_what_is_seen_otherwise_since_is_not_done(assistant: Assistant, typed: CommandLine) -> None:
    token = plan(assistant)
    typed.outcome = "unreachable"
    assert assistant.error("roosync_apply_change", token=token)["code"] == "PLAN_CHANGED"
    assert all("--dry" in words for words in typed.typed)
    typed.outcome = "planned"
    assert assistant.error("roosync_apply_change", token=token)["code"] == "TOKEN_UNKNOWN"


def test_another_inventory_since_is_another_plan(
    assistant: Assistant, typed: CommandLine, settings: ServerSettings
) -> None:
    token = plan(assistant)
    text = settings.inventory.read_text(encoding="utf-8")
    settings.inventory.write_text(text.replace("a.local", "other.local"), encoding="utf-8")
    assert assistant.error("roosync_apply_change", token=token)["code"] == "PLAN_CHANGED"
    assert all("--dry" in words for words in typed.typed)


def test_nothing_to_do_makes_no_token(assistant: Assistant, typed: CommandLine) -> None:
    typed.outcome = "unchanged"
    found = assistant.document("roosync_plan_change", action="rollout")
    assert (found["token"], found["expiresAt"]) == (None, None)


def test_a_name_is_never_an_option(assistant: Assistant, typed: CommandLine) -> None:
    plan(assistant, machines=["--inventory=/tmp/evil.py"])
    assert typed.typed[0][-2:] == ["--", "--inventory=/tmp/evil.py"]


@pytest.mark.parametrize(
    ("action", "words"),
    [("restart", ["restart"]), ("stop", ["stop"]), ("uninstall", ["uninstall"]), ("rollout", ["rollout"])],
)
def test_each_action_is_the_command_of_its_name(
    assistant: Assistant, typed: CommandLine, action: str, words: list[str]
) -> None:
    plan(assistant, action=action)
    assert typed.typed[0][: len(words)] == words


def test_a_command_that_fails_gives_its_own_code_and_way_out(assistant: Assistant, typed: CommandLine) -> None:
    typed.code, typed.error = (
        2,
        {"code": "INVENTORY", "message": "no such machine", "hint": "roosync-ops machines list"},
    )
    said = assistant.error("roosync_plan_change", action="rollout", machines=["zz"])
    assert said == typed.error


def test_a_plan_ends_and_the_oldest_go_first() -> None:
    now = [0.0]
    plans = PlanStore(lambda: now[0])
    old, kept = plans.make("rollout", ("a",), "x"), ""
    now[0] = LIFE_S
    assert plans.redeem(old).machines == ("a",)
    old = plans.make("rollout", ("a",), "x")
    now[0] += LIFE_S + 0.1
    with pytest.raises(CommandError, match="older than 10 minutes"):
        plans.redeem(old)
    tokens = [plans.make("rollout", (), "x") for _ in range(17)]
    with pytest.raises(CommandError, match="no plan"):
        plans.redeem(tokens[0])
    kept = tokens[1]
    assert len(set(tokens)) == 17
    assert plans.redeem(kept).action == "rollout"


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys, time\nsys.stdout.write('x' * 40_000_000); time.sleep(600)", "said more than 32 MiB"),
        ("import sys, time\nsys.stderr.write('x' * 40_000_000); time.sleep(600)", "said more than 32 MiB"),
        ("print('[' * 100_000)", "diagnose"),
        ("print('[1]')", "diagnose"),
    ],
    ids=["endless", "endless-errors", "brackets", "a-list"],
)
def test_a_command_that_says_what_no_command_says_is_left(
    settings: ServerSettings, monkeypatch: pytest.MonkeyPatch, program: str, said: str
) -> None:
    def ours(*_words: str) -> tuple[str, ...]:
        return (sys.executable, "-c", program)

    monkeypatch.setattr(process, "ours", ours)
    began = time.monotonic()
    with pytest.raises(CommandError, match=said):
        changes._command(settings, ["diagnose"], 160)
    assert time.monotonic() - began < 120  # what says too much is not heard out
