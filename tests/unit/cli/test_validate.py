"""`roosync-ops validate`: exit codes, one document, and words only where they belong."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.cli import looking
from roosync_ops.judge import Validation, Verdict
from roosync_ops.show import schemas
from roosync_ops.state import StateUnavailableError
from roosync_ops.wire.times import now_ms, to_iso
from tests.kits.shares import heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Done

    Run = Callable[..., Done]
    Beat = Callable[..., None]


def test_a_fleet_as_expected_is_0_with_the_table_on_stdout_alone(run: Run, beat: Beat) -> None:
    beat("a")
    done = run("validate", "--shared", "shared")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1] == "1/2 machines online (50%)"


def test_a_machine_that_is_not_as_expected_is_1(run: Run, beat: Beat) -> None:
    beat("a", 200_000)
    done = run("validate", "--shared", "shared", "--json")
    assert done.code == 1
    assert done.document["machines"][0]["observed"] == "offline"
    assert done.document["ok"] is False


def test_a_warning_is_not_as_expected(run: Run, beat: Beat) -> None:
    beat("a", 100_000)
    assert run("validate", "--shared", "shared").code == 1


def test_a_share_without_a_heartbeat_is_a_fresh_fleet_and_1(run: Run) -> None:
    done = run("validate", "--shared", "shared", "--json")
    assert done.code == 1
    assert {row["observed"] for row in done.document["machines"]} == {"unknown"}


@pytest.mark.parametrize("missing", ["gone", "inventory.py"])
def test_a_share_that_is_missing_is_3_and_never_all_offline(run: Run, missing: str) -> None:
    done = run("validate", "--shared", missing, "--json")
    assert done.code == 3
    assert done.document["ok"] is False
    assert done.document["error"]["code"] == "SHARED_STATE_UNAVAILABLE"
    assert missing in done.document["error"]["message"]
    assert done.err.startswith("Error: ")
    schemas.of("validate").validate_json(done.out)


def test_a_share_with_nothing_readable_in_it_is_3(run: Run, beat: Beat, place: Path) -> None:
    beat("a")
    (place / "shared/heartbeats/a.json").write_bytes(b"")
    assert run("validate", "--shared", "shared").code == 3


def test_a_share_that_hangs_is_3_within_the_deadline(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr("roosync_ops.state.folder.read_shared", lambda *_: release.wait(30))
    done = run("validate", "--shared", "shared", "--deadline", "0.1")
    release.set()
    assert done.code == 3
    assert "hangs" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["validate"], id="no-shared-state"),
        pytest.param(["validate", "--nonsense"], id="unknown-option"),
        pytest.param(["validate", "--shared", "shared", "--wait", "soon"], id="no-number"),
        pytest.param(["validate", "--shared", "shared", "--format", "xml"], id="unknown-format"),
        pytest.param(["validate", "--shared", "shared", "--inventory", "gone.py"], id="no-inventory"),
        pytest.param(["validate", "--shared", "shared", "--limit", "ghost"], id="unknown-machine"),
        pytest.param(["validate", "--via", "ghost"], id="via-unknown-machine"),
        pytest.param(["valid"], id="unknown-command"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_2_with_a_next_step(run: Run, arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Error: ")
    assert "\nNext:  " in done.err
    document = run(*arguments, "--json").document
    assert document["error"]["code"] in {"USAGE", "INVENTORY"}
    assert document["error"]["hint"]


def test_a_wrong_inventory_is_2_and_names_machine_and_field(run: Run, place: Path) -> None:
    (place / "inventory.py").write_text('from roosync_ops.fleet import machine\nx = [machine("a", colour="red")]\n')
    done = run("validate", "--shared", "shared")
    assert done.code == 2
    assert "a: colour: unknown field" in done.err


def test_the_environment_names_the_share(run: Run, beat: Beat, monkeypatch: pytest.MonkeyPatch) -> None:
    beat("a")
    monkeypatch.setenv("ROOSYNC_SHARED_PATH", "shared")
    assert run("validate").code == 0


def test_ctrl_c_is_130_and_quiet(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("roosync_ops.cli.tables.load_inventory", interrupted)
    done = run("validate", "--shared", "shared")
    assert (done.code, done.out, done.err) == (130, "", "")


def test_a_defect_is_neither_a_verdict_nor_silent(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roosync_ops.cli.tables.load_inventory", lambda _: 1 / 0)
    done = run("validate", "--shared", "shared", "--json")
    assert done.code == 70
    assert done.document["error"]["code"] == "INTERNAL"
    assert "Traceback" in done.err


def test_every_format_and_language_is_written(run: Run, beat: Beat) -> None:
    beat("a")
    heads = {"table": "   Machine", "json": "{", "markdown": "## ", "junit": "<?xml"}
    for name, head in heads.items():
        for lang in ("en", "fr"):
            assert run("validate", "--shared", "shared", "--format", name, "--lang", lang).out.startswith(head)


def test_strangers_are_apart_and_cost_nothing(run: Run, beat: Beat) -> None:
    beat("a")
    beat("ghost")
    done = run("validate", "--shared", "shared", "--json")
    assert done.code == 0
    assert [row["machineId"] for row in done.document["unexpected"]] == ["ghost"]
    assert done.document["summary"] == {"total": 2, "online": 1, "percent": 50}


def test_limit_judges_the_named_machines_and_groups_alone(run: Run) -> None:
    assert run("validate", "--shared", "shared", "--limit", "b").code == 0
    assert run("validate", "--shared", "shared", "--limit", "off").code == 0
    assert run("validate", "--shared", "shared", "--limit", "b,a").code == 1


def test_the_schema_is_json_schema(run: Run) -> None:
    done = run("validate", "--schema")
    assert done.code == 0
    assert "ValidationDocument" in done.document["$defs"]


class Clock:
    """A clock that only sleeping moves on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def judged(*, ok: bool) -> Validation:
    word = "online" if ok else "offline"
    return Validation(0, "", (Verdict("a", word, expected="online", ok=ok),), (), ())


def wait(seconds: float, *outcomes: bool | Exception) -> tuple[Validation, Clock, list[str]]:
    clock, left = Clock(), list(outcomes)
    told: list[str] = []

    def check() -> Validation:
        outcome = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(outcome, Exception):
            raise outcome
        return judged(ok=outcome)

    found = looking.wait_for(check, lambda seen: seen.ok, seconds, 0.5, told.append, clock=clock, sleep=clock.sleep)
    return found, clock, told


def test_without_wait_one_look_decides() -> None:
    found, clock, told = wait(0, False)
    assert (found.ok, clock.now, told) == (False, 0.0, [])


def test_waiting_ends_as_soon_as_all_is_as_expected() -> None:
    found, clock, told = wait(60, False, False, True)
    assert (found.ok, clock.now) == (True, 1.0)
    assert told[0] == "0/1 as expected; waiting 60 s more"


def test_waiting_ends_with_the_last_look_at_the_end() -> None:
    found, clock, _ = wait(1.2, False)
    assert not found.ok
    assert clock.now == pytest.approx(1.2)


def test_a_shared_state_that_comes_back_is_waited_for() -> None:
    gone = StateUnavailableError("gone for now", "wait")
    found, _, told = wait(60, gone, gone, True)
    assert found.ok
    assert told[0].startswith("gone for now; ")


def test_a_shared_state_that_stays_away_is_unavailable_in_the_end() -> None:
    with pytest.raises(StateUnavailableError):
        wait(2, StateUnavailableError("gone", "wait"))


@pytest.fixture
def via(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Put a stand-in where the SSH reader is; the list holds what it is to answer, and gets what it was asked."""
    script: list[Any] = []

    def read_state(machine: Any, *, timeout_s: float) -> Any:
        answer = script.pop(0)
        script.append((machine.machine_id, timeout_s))
        if answer is None:
            raise StateUnavailableError("a did not answer", "ssh me@a.local")
        return answer

    monkeypatch.setattr("roosync_ops.gather.source.read_state", read_state)
    return script


def test_via_reads_as_the_machine_sees_it(run: Run, via: list[Any]) -> None:
    now = now_ms()
    record = heartbeat("a", 1_000, now)
    piece = {"machineId": "a", "file": "heartbeats/a.json", "kind": "file", "record": record}
    via.append({"machineId": "b", "shared": "/s", "readAt": to_iso(now), "seen": 1, "evidence": [piece]})
    done = run("validate", "--via", "B", "--json")
    assert (done.code, done.document["shared"]) == (0, "b:/s")
    assert via == [("b", 20.0)]


def test_a_machine_that_does_not_answer_is_3_and_not_a_dead_fleet(run: Run, via: list[Any]) -> None:
    via.append(None)
    done = run("validate", "--via", "a", "--json", "--deadline", "3")
    assert (done.code, done.document["error"]["message"]) == (3, "a did not answer")
    assert via == [("a", 3.0)]
