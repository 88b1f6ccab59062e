"""`matrix`, `validate --probe` and `--patience` as typed: what they refuse, and what they leave alone."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.cli import options
from roosync_ops.wire.times import now_ms
from tests.kits.shares import ours, put

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Done

    Run = Callable[..., Done]
    Beat = Callable[..., None]


@pytest.mark.parametrize("typed", ["soon", "-1", "nan", "1e9", ""])
def test_a_patience_that_is_none_is_a_wrong_command_line(run: Run, typed: str) -> None:
    done = run("validate", "--shared", "shared", "--patience", typed)
    assert done.code == 2
    assert "or auto" in done.err


@pytest.mark.parametrize("command", [("validate", "--shared", "shared"), ("dashboard", "--shared", "shared")])
@pytest.mark.parametrize("spelled", [("--probe", "sometimes"), ("--probe=sometimes",)])
def test_a_wrong_word_of_probe_is_told_as_one_with_the_right_ones(
    run: Run, command: tuple[str, ...], spelled: tuple[str, ...]
) -> None:
    done = run(*command, *spelled)
    assert done.code == 2
    assert all(word in done.err for word in ("--probe", "sometimes", "auto", "always", "never"))


def test_a_bare_probe_before_a_machine_that_is_unknown_says_both(run: Run) -> None:
    done = run("validate", "--shared", "shared", "--probe", "nobody", "a")
    assert done.code == 2
    assert "nobody is no machine of the inventory" in done.err


def test_patience_lets_silence_last_longer_and_says_so(run: Run, beat: Beat, place: Path) -> None:
    beat("a", 150_000)
    plain = run("validate", "--shared", "shared", "--probe", "never", "--json").document
    assert plain["machines"][0]["observed"] == "offline"
    assert not {"patienceMs", "evidence"} & plain.keys()
    assert not {"own", "ageBasis"} & plain["machines"][0].keys()
    done = run(
        "validate",
        "--shared",
        "shared",
        "--json",
        "--probe",
        "never",
        "--patience",
        "90",
        "--memory",
        str(place / "kept"),
    )
    assert done.document["machines"][0]["observed"] == "online"
    assert done.document["patienceMs"] == 90_000
    assert "90 s beyond each timeout" in done.err
    assert list((place / "kept").glob("seen-*.json"))


def test_patience_that_cannot_be_kept_still_answers(run: Run, beat: Beat, place: Path) -> None:
    beat("a")
    (place / "taken").write_text("")
    done = run("validate", "--shared", "shared", "--patience", "auto", "--memory", str(place / "taken"))
    assert done.code == 0
    assert "could not be kept" in done.err


def test_a_probe_and_one_machines_eyes_are_two_questions(run: Run) -> None:
    assert run("validate", "--probe", "--via", "a").code == 2


@pytest.mark.parametrize(("command", "name"), [("matrix", "MatrixDocument"), ("validate", "Evidence")])
def test_the_schema_tells_of_the_evidence(run: Run, command: str, name: str) -> None:
    assert name in run(command, "--schema").document["$defs"]


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        pytest.param(["--probe"], ["--probe=always"], id="bare"),
        pytest.param(["--probe", "m"], ["--probe=always", "m"], id="bare, before a machine"),
        pytest.param(["--probe", "--json"], ["--probe=always", "--json"], id="bare, before an option"),
        pytest.param(["--probe", "never", "m"], ["--probe=never", "m"], id="with its value"),
        pytest.param(["--probe=auto"], ["--probe=auto"], id="with an equals sign"),
        pytest.param(["--no-probe"], ["--probe=never"], id="as it was called for the dashboard"),
        pytest.param(["--", "--probe", "m"], ["--", "--probe", "m"], id="no option any more"),
    ],
)
def test_a_bare_probe_asks_all_and_takes_no_machines_name_for_its_value(typed: list[str], read: list[str]) -> None:
    assert options.spelled(["validate", *typed]) == ["validate", *read]


def test_a_fleet_that_is_as_expected_starts_no_process(run: Run, beat: Beat, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor would one that could not be started be told from a machine that gives no answer: every try is counted."""
    started: list[object] = []
    beat("a")

    def refused(*words: Any, **_: Any) -> None:
        started.append(words)
        raise OSError("nothing is started here")

    monkeypatch.setattr(subprocess, "Popen", refused)
    done = run("validate", "--shared", "shared", "--json")
    assert (done.code, done.document["machines"][0]["basis"]) == (0, "heard-here")
    assert started == []
    run("validate", "--shared", "shared", "--json", "--probe")
    assert started != [], "what starts is not seen here"


def test_a_machine_whose_name_is_unknown_here_could_not_be_asked_and_is_not_called_unreachable(
    run: Run, beat: Beat, place: Path
) -> None:
    (place / "inventory.py").write_text(
        'from roosync_ops.fleet import machine\nenroll = [machine(name, host=name + ".invalid") for name in "ab"]\n',
        encoding="utf-8",
    )
    beat("a", 130_000)
    beat("b")
    row = run("validate", "--shared", "shared", "--json").document["machines"][0]
    assert (row["observed"], row["basis"], row["own"]["word"]) == ("offline", "silent-could-not-be-asked", "unasked")


def test_a_machine_the_inventory_has_not_is_a_wrong_command_line(run: Run) -> None:
    assert run("matrix", "nobody").code == 2


def test_what_an_earlier_reader_kept_tells_a_plain_one_that_a_clock_is_wrong(run: Run, beat: Beat, place: Path) -> None:
    """An hour behind: offline by its stamps, and its beats arrive."""
    kept = ("--probe", "never", "--memory", str(place / "kept"))
    beat("a", 3_630_000)
    run("validate", "--shared", "shared", "--patience", "0", *kept)
    put(place / "shared", ours("a", 3_600_000, now_ms(), sequence=8))
    row = run("validate", "--shared", "shared", "--json", *kept).document["machines"][0]
    assert (row["observed"], row["reasonKind"]) == ("offline", "clock-disagrees")
    assert (
        run("validate", "--shared", "shared", "--json", "--probe", "never", "--memory", str(place / "none")).document[
            "machines"
        ][0]["reasonKind"]
        == "silent"
    )
    assert not (place / "none").exists()
