"""`roosync-ops watch` and `history` as they are typed: lines, JSON lines, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from roosync_ops.judge.flip import FlipRow
from roosync_ops.watch.memory import WatchMemory
from roosync_ops.wire.times import now_ms
from tests.kits.shares import ours, put

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Done

SECRET = "s3cr3t-t0ken"  # noqa: S105 - what must not be seen


def _remember(place: Path, to: str = "online") -> None:
    """A watcher was here, and `a` was this when it looked last."""
    put(place / "shared", ours("a", 1_000, now_ms(), sequence=1))
    memory = WatchMemory(place / "kept", str(place / "shared"))
    memory.step(lambda flips: flips.step([FlipRow("a", to, now_ms(), 1)], now_ms()))


def _leave(place: Path) -> None:
    put(place / "shared", ours("a", 1_000, now_ms(), sequence=2, state="left", leftAt="2100-01-01T00:00:00.000Z"))


WATCH = ("watch", "--shared", "shared", "--memory", "kept", "--for", "0")


def test_a_flip_is_one_line_and_is_not_told_again(place: Path, run: Callable[..., Done]) -> None:
    _remember(place)
    _leave(place)
    first, again = run(*WATCH), run(*WATCH)
    assert first.code == again.code == 0
    (line,) = first.out.splitlines()
    assert "  a  online -> left  stopped on purpose" in line
    assert again.out == ""


def test_with_json_a_flip_is_one_document_a_line(place: Path, run: Callable[..., Done]) -> None:
    _remember(place)
    _leave(place)
    done = run(*WATCH, "--json")
    (line,) = done.out.splitlines()
    document = json.loads(line)
    assert (document["machineId"], document["from"], document["to"]) == ("a", "online", "left")
    assert document["planned"] is True


def test_the_first_look_is_silent(place: Path, run: Callable[..., Done], beat: Callable[..., None]) -> None:
    beat("a")
    assert place.is_dir()
    assert run(*WATCH).out == ""


def test_a_share_that_is_not_there_is_said_and_is_no_error(place: Path, run: Callable[..., Done]) -> None:
    (place / "shared").rename(place / "elsewhere")
    done = run(*WATCH)
    assert done.code == 0
    assert "does not exist" in done.err


def test_a_machine_whose_clock_is_an_hour_behind_and_that_beats_is_not_offline(
    place: Path, run: Callable[..., Done]
) -> None:
    """Field note 8: judged by beats received, not by its clock."""
    _remember(place)
    put(place / "shared", ours("a", 3_600_000, now_ms(), sequence=2))
    run(*WATCH)
    for sequence in (3, 4, 5):
        put(place / "shared", ours("a", 3_600_000, now_ms(), sequence=sequence))
        assert run(*WATCH).out == ""


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        pytest.param(["--exec", "'"], "No closing quotation", id="open quote"),
        pytest.param(["--exec", " "], "names no command", id="no command"),
        pytest.param(["--patience", "x"], "--patience x", id="no number"),
        pytest.param(["--patience", "nan"], "--patience nan", id="not a number"),
        pytest.param(["--interval", "60"], "less than or equal to 30", id="longer than a beat"),
    ],
)
def test_what_makes_no_sense_is_refused(place: Path, run: Callable[..., Done], flags: list[str], said: str) -> None:
    assert place.is_dir()
    done = run(*WATCH, *flags)
    assert done.code == 2
    assert said in done.err


def test_a_notification_url_that_is_not_understood_is_refused_without_being_printed(
    place: Path, run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("apprise", reason="apprise is not installed (roosync-ops[notify])")
    assert place.is_dir()
    monkeypatch.setenv("ROOSYNC_NOTIFY_URL", f"json://localhost nosuch://{SECRET}@host")
    done = run(*WATCH, "--json")
    assert done.code == 2
    assert "not understood by apprise: notification 2 (nosuch://…)" in done.err
    assert SECRET not in done.err + done.out


def test_history_shows_the_flips_that_were_told(place: Path, run: Callable[..., Done]) -> None:
    _remember(place)
    _leave(place)
    run(*WATCH)
    done = run("history", "--shared", "shared", "--memory", "kept", "--json")
    assert done.code == 0
    first, second = done.document["machines"]
    assert [flip["to"] for flip in first["flips"]] == ["left"]
    assert (second["machineId"], second["uptimePercent"]) == ("b", None)


def test_history_of_one_machine_as_a_table_and_as_markdown(place: Path, run: Callable[..., Done]) -> None:
    put(place / "shared", ours("a", 1_000, now_ms()))
    table = run("history", "a", "--shared", "shared")
    assert "100.0% of " in table.out
    assert "\nb " not in table.out
    assert "| a | online | 100.0% of " in run("history", "a", "--shared", "shared", "--format", "markdown").out


def test_history_of_a_machine_nobody_knows_is_refused(place: Path, run: Callable[..., Done]) -> None:
    assert place.is_dir()
    assert run("history", "nobody", "--shared", "shared").code == 2
