"""The live table: what is wrong first, as much as fits, and nothing that a terminal would obey."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from roosync_ops.fleet.fleet import Fleet
from roosync_ops.fleet.machine import Machine
from roosync_ops.judge import AgentState, Knowledge, ProbeResult, flip, probes, validate
from roosync_ops.judge.flip import Flip, FlipRow, rows_of
from roosync_ops.judge.flips import Flips
from roosync_ops.judge.verdict import SHARE_STUCK, Reason
from roosync_ops.show.live import Told, View, live
from roosync_ops.show.reasons import flip_said, flip_text, said
from roosync_ops.show.text import Style
from roosync_ops.state.folder import read_folder
from roosync_ops.state.seen import Seen
from tests.kits.shares import NOW, ours, put

if TYPE_CHECKING:
    from pathlib import Path

    from roosync_ops.judge import Validation

_FLIP = Flip("m-003", "online", "offline", NOW, "silent", heard_ms=NOW - 125_000, silent_ms=125_000)


def _fleet(count: int) -> Fleet:
    return Fleet(Machine(machine_id=f"m-{number:03}") for number in range(count))


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    (tmp_path / "heartbeats").mkdir()
    return tmp_path


def _seen(shared: Path, count: int, dead: tuple[int, ...] = ()) -> Validation:
    for number in range(count):
        put(shared, ours(f"m-{number:03}", 900_000 if number in dead else 1_000, NOW))
    return validate(_fleet(count), read_folder(shared, NOW), NOW)


def _lines(validation: Validation | None, width: int, height: int, *troubles: str) -> list[str]:
    flips = [_FLIP.as_dict()] * 9
    told = Told(flips, troubles)
    return live(validation, "/mnt/share", told, View(), height, Style(width=width)).splitlines()


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("height", [10, 24, 50])
@pytest.mark.parametrize("count", [1, 6, 60])
def test_it_fits_the_screen(shared: Path, count: int, width: int, height: int) -> None:
    lines = _lines(_seen(shared, count), width, height, "x" * 200)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    assert any(f"{count}/{count} machines online (100%)" in line for line in lines)


@pytest.mark.parametrize("height", [10, 24])
def test_what_the_verdicts_rest_on_is_said(shared: Path, height: int) -> None:
    lines = _lines(_seen(shared, 6, dead=(4,)), 80, height)
    assert "Basis: heard here 5; silent, not asked: m-004" in lines


def test_what_is_not_as_expected_comes_first_and_the_rest_is_counted(shared: Path) -> None:
    lines = _lines(_seen(shared, 60, dead=(41, 57)), 80, 24)
    assert [line.split()[1] for line in lines[3:5]] == ["m-041", "m-057"]
    (more,) = [line for line in lines if "more" in line]
    assert more.endswith("0 of them not as expected")


def test_the_last_flips_are_shown_where_there_is_room(shared: Path) -> None:
    lines = _lines(_seen(shared, 6), 120, 24)
    assert sum("online -> offline" in line for line in lines) == 5


def test_a_share_that_was_never_read_shows_why() -> None:
    assert "the shared state hangs" in _lines(None, 80, 24, "the shared state hangs")


def test_nothing_from_outside_reaches_the_terminal_raw(shared: Path) -> None:
    flip = {**_FLIP.as_dict(), "machineId": "\x1b[2J", "detail": "\x1b]0;x\x07", "reason": "share-unavailable"}
    seen = _seen(shared, 1)
    text = live(seen, "/\x1b[2J", Told([flip], ["\x1b[2J"]), View(), 24, Style("fr", 80))
    assert "\x1b" not in text
    assert "\x1b" not in flip_text(flip)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_every_reason_has_its_sentence(lang: str) -> None:
    from roosync_ops.judge import flip as f  # noqa: PLC0415 - its constants are what is listed

    kinds = [f.FIRST_BEAT, f.BEATS_AGAIN, f.STARTED_AGAIN, f.STOPPED, f.SILENT, f.SILENT_ALONE, f.RECORD_GONE]
    kinds += [f.FLAPPING, f.SETTLED, f.SHARE_SILENT, f.SHARE_SUSPECT, f.SHARE_UNAVAILABLE, f.SHARE_BACK]
    for kind in kinds:
        assert str(flip_said({**_FLIP.as_dict(), "reason": kind, "detail": "d"}, Style(lang)).why) != kind
    assert "2 min 05 s" in str(flip_said(_FLIP.as_dict(), Style(lang)).why)


def test_a_reason_of_a_later_version_is_shown_as_it_is() -> None:
    assert str(flip_said({"reason": "moon {phase}"}).why) == "moon {phase}"


def test_strangers_in_the_share_are_no_rows(shared: Path) -> None:
    """Field note 10: ghost machines were counted as real and raised alarms."""
    put(shared, ours("ghost", 1_000, NOW))
    state = read_folder(shared, NOW)
    fleet = _fleet(2)
    assert [row.machine_id for row in rows_of(validate(fleet, state, NOW), state, fleet)] == ["m-000", "m-001"]


def test_a_row_carries_the_doubt_of_its_verdict(shared: Path) -> None:
    state = read_folder(shared, NOW)
    seen = _seen(shared, 2, dead=(0, 1))
    state = read_folder(shared, NOW)
    rows = list(rows_of(seen, state, _fleet(2)))
    assert [(row.status, row.doubt) for row in rows] == [("offline", "observer")] * 2
    assert all(row.sequence is not None for row in rows)


@pytest.mark.parametrize(
    ("word", "came_ms", "death"),
    [(probes.NOT_RUNNING, 95_000, flip.AGENT_GONE), (probes.SHARE_BLOCKED, 125_000, flip.SHARE_STUCK)],
)
@pytest.mark.parametrize(
    ("said_ms", "is_told"),
    [
        pytest.param(130_000, True, id="silent for its timeout by its own word"),
        pytest.param(60_000, False, id="its last beat is on its way: it may just be starting again"),
    ],
)
def test_what_a_machine_says_of_itself_is_told_at_once_when_it_has_not_beaten_for_its_timeout(  # noqa: PLR0913 - a table
    shared: Path, word: str, came_ms: int, death: str, said_ms: int, *, is_told: bool
) -> None:
    put(shared, ours("m-000", 130_000, NOW))
    state = read_folder(shared, NOW)
    asked = ProbeResult("m-000", AgentState(word, NOW - said_ms, sequence=7))
    arrived = Seen(NOW - 900_000, NOW, 7, None, NOW - 130_000, NOW - 135_000, NOW - came_ms)
    known = Knowledge(seen={"m-000": arrived}, patience_ms=0)
    seen = validate(_fleet(1), state, NOW, known=known, asked={"m-000": asked})
    rows = list(rows_of(seen, state, _fleet(1)))
    assert [row.death for row in rows] == [death if is_told else None]
    flips = Flips()
    flips.step([FlipRow("m-000", "online", NOW - 160_000, 6)], NOW - 5_000)
    assert [one.reason for one in flips.step(rows, NOW)] == ([death] if is_told else [])


def test_the_keys_sort_filter_mark_and_help(shared: Path) -> None:
    seen, view = _seen(shared, 12, dead=(7,)), View()

    def screen(*keys: str) -> list[str]:
        for key in keys:
            view.press(key)
        told = Told(pending={"m-007": 17_000}, clock="12:00:00 UTC")
        return live(seen, "/mnt", told, view, 14, Style(width=100)).splitlines()

    first = screen()
    assert first[0].startswith("12:00:00 UTC  /mnt")
    assert first[3].split()[1] == "m-007"
    assert "reported in 17 s" in first[3]
    assert any("restart --limit m-007" in line for line in first[4:])
    assert screen("s")[3].split()[1] == "m-000"
    assert [line.split()[1] for line in screen("f")[3:5] if line] == ["m-007"]
    marked = screen("f", *"jjjjjjjjjjjjjjj")
    assert next(line for line in marked if line.startswith(">")).split()[1] == "m-011"
    assert view.meant(seen).machine_id == "m-011"  # type: ignore[union-attr] # it is there
    assert any("j k" in line for line in screen("?"))
    assert all(len(screen(key)) <= 14 for key in "jk?sfx")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_command_for_a_line_is_whole_however_long_its_cause_is(shared: Path, width: int) -> None:
    seen = _seen(shared, 2, dead=(1,))
    facts = {"state": "refused", "since": NOW, "detail": "/a/long/way: " * 30}
    row = dataclasses.replace(seen.verdicts[1], reason=Reason(SHARE_STUCK, "m-001", facts))
    seen = dataclasses.replace(seen, verdicts=(seen.verdicts[0], row))
    assert _lines(seen, width, 24)[-1].endswith("roosync-ops diagnose m-001")


@pytest.mark.parametrize("state", ["hung", "missing", "read-only", "full"])
def test_the_agents_own_words_stay_in_its_language(state: str) -> None:
    facts = {"state": state, "since": NOW, "detail": "aucune réponse en 5 s (lecture de sa fiche)"}
    text = str(said(Reason(SHARE_STUCK, "m-001", facts)))
    assert "aucune" not in text
    assert text.endswith("roosync-ops diagnose m-001")
