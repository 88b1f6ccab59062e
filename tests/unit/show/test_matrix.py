"""Who sees whom as a terminal gets it: aligned, in its width, plain without colour; nothing in it is obeyed."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from roosync_ops import show
from roosync_ops.fleet import Fleet, Machine
from roosync_ops.judge import HERE, AgentState, Matrix, Validation, matrix, merge_replicas, probes, validate
from roosync_ops.show import schemas
from roosync_ops.show.matrix import short
from roosync_ops.show.page import page
from roosync_ops.show.text import Style, cells
from roosync_ops.state.shared import SharedState
from roosync_ops.wire.merge import FILE, Evidence
from roosync_ops.wire.record import Record
from tests.kits import boards
from tests.kits.boards import measured
from tests.unit.show.conftest import HOSTILE

#: Under its own name pytest takes it for a test.
Answer = probes.ProbeResult
NOW = 1_770_891_330_000
NAMES = ("myia-ai-01", "myia-po-2023", "myia-po-2024", "myia-po-2025", "myia-po-2026", "myia-web1")
ANSI = re.compile(r"\x1b\[\d+m")


def fleet(names: tuple[str, ...] = NAMES) -> Fleet:
    return Fleet(Machine.of(name, {"expected": "offline"} if name == "myia-ai-01" else {}) for name in names)


def state(observer: str, names: tuple[str, ...], **ages: int) -> SharedState:
    """Return a replica that shows each machine 10 s old but those of other `ages` (s); negative: not at all."""
    found = {}
    for name in names:
        age = ages.get(name.rpartition("-")[2], 10)
        if age >= 0:
            record = Record(name, NOW - age * 1_000, sequence=10_000 - age // 30, session_id="s")
            found[name] = Evidence(record, FILE, f"heartbeats/{name}.json")
    return SharedState(observer, NOW, found, (), None, "absent", len(found))


def answers() -> dict[str, Answer]:
    """One of everything: off, stale, stuck, gone, stalled, and one that lets nobody in."""
    seen = {"01": -1, "2025": 700, "2026": 50_000, "web1": 95}

    def one(name: str, word: AgentState, **ages: int) -> Answer:
        return Answer(name, word, state(name, NAMES, **{**seen, **ages}), None, NOW, 3, 20)

    alive = AgentState(probes.RUNNING, sequence=10_000, heard_ms=NOW - 2_000)
    return {
        "myia-ai-01": Answer("myia-ai-01", AgentState(probes.OFF, detail=HOSTILE, hint="ssh")),
        "myia-po-2023": one("myia-po-2023", alive, **{"2024": 3_600, "web1": 3_600}),
        "myia-po-2024": one("myia-po-2024", alive),
        "myia-po-2025": one("myia-po-2025", alive, **{"2025": 2}),
        "myia-po-2026": one("myia-po-2026", AgentState(probes.NOT_RUNNING, NOW - 50_000_000)),
        "myia-web1": one("myia-web1", AgentState(probes.SHARE_BLOCKED, NOW - 95_000, HOSTILE, "hung")),
    }


@pytest.fixture
def seen() -> Matrix:
    own = state(HERE, NAMES, **{"01": -1, "2025": 700, "2026": 50_000, "web1": 95})
    return matrix(fleet(), answers(), own, NOW)


@pytest.fixture
def probed() -> Validation:
    told = answers()
    own = state(HERE, NAMES, **{"01": -1, "2025": 700, "2026": 50_000, "web1": 95})
    merged = merge_replicas(own, told.values(), NOW)
    assert merged is not None
    found = matrix(fleet(), told, own, NOW)
    return validate(fleet(), merged, NOW, known=measured(told.values()), matrix=found)


def test_a_stopped_machine_is_left_in_every_replica_s_line_of_table_and_page(probed: Validation) -> None:
    """Not for how long it is silent: in no form does a machine that was stopped look like one that died."""
    told, own = answers(), state(HERE, NAMES)
    for replica in (own, *(one.state for one in told.values() if one.state is not None)):
        record = Record("myia-po-2026", NOW - 50_000_000, sequence=9, left_at_ms=NOW - 50_000_000 + 1)
        replica.machines["myia-po-2026"] = Evidence(record, FILE, "heartbeats/myia-po-2026.json")
    found = matrix(fleet(), told, own, NOW)
    lines = show.matrix_table(found, Style(width=80)).splitlines()[3:9]
    assert [line.split()[-2].strip("[]") for line in lines] == ["left"] * len(found.observers)
    board = replace(boards.six(), validation=replace(probed, evidence=found))
    assert page(board).count('<span class="st-left">left</span>') == len(found.observers) - 1


def test_six_machines_are_a_square_in_eighty_columns(seen: Matrix) -> None:
    assert show.matrix_table(seen, Style(width=80)).splitlines()[:12] == [
        "Who sees whom at 2026-02-12 10:15:30Z",
        "",
        "               ai-01  po-2023  po-2024  po-2025  po-2026     web1",
        "this computer      -      10s      10s     11m!     13h!     95s?",
        "myia-po-2023       -    [10s]     60m!     11m!     13h!     60m!",
        "myia-po-2024       -      10s    [10s]     11m!     13h!     95s?",
        "myia-po-2025       -      10s      10s     [2s]     13h!     95s?",
        "myia-po-2026       -      10s      10s     11m!   [gone]     95s?",
        "myia-web1          -      10s      10s     11m!     13h!  [stuck]",
        "myia-ai-01     [off]",
        "",
        "A row is what one replica shows. ? warning, ! offline, - never seen; [ ]",
    ]


def test_what_follows_is_said_below_in_order(seen: Matrix) -> None:
    text = show.matrix_table(seen, Style(width=120))
    below = text.split("Findings:\n")[1]
    assert [line.strip().split(":")[0] for line in below.splitlines() if line.startswith("  ") and line[2] != " "] == [
        "myia-po-2025",
        "observer myia-po-2023",
        "myia-po-2026 is on, and its agent is not running since 2026-02-11 20",
        "myia-web1",
    ]
    assert text.splitlines()[-1] == "5/6 machines asked have answered; 4 to look at"
    assert "agent running, share blocked since 2026-02-12 10:13:55Z: it does not answer" in text
    assert "its replica is stale since" in text


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, None])
def test_no_line_of_the_square_is_wider_than_the_terminal_and_nothing_in_it_is_obeyed(
    seen: Matrix, lang: str, width: int | None
) -> None:
    text = show.matrix_table(seen, Style(lang, width))
    head = text.split("\n\n")[1].splitlines()
    assert width is None or all(cells(line) <= width for line in head)
    assert text.replace("\n", "").isprintable()


def test_colour_changes_no_letter(seen: Matrix) -> None:
    painted = show.matrix_table(seen, Style(width=100, color=True))
    assert ANSI.search(painted)
    assert ANSI.sub("", painted).replace(" \n", "\n") == show.matrix_table(seen, Style(width=100))


@pytest.mark.parametrize("count", [30, 200])
def test_many_machines_are_a_line_each(count: int) -> None:
    names = tuple(f"m-{number:03d}" for number in range(count))
    told = {name: Answer(name, AgentState(probes.RUNNING), state(name, names), None, NOW, 0, 1) for name in names[:10]}
    text = show.matrix_table(matrix(fleet(names), told, None, NOW), Style(width=80))
    lines = text.split("\n\n")[1].splitlines()
    assert len(lines) == 1 + count
    assert lines[0].split("  ")[0] == "Machine"
    assert lines[1].split() == ["m-000", "[10s]", "9/9", "10s", "10s", f"0/{count - 1}"]
    assert lines[-1].split() == [names[-1], "10/10", "10s", "10s", "-"]
    assert all(cells(line) <= 80 for line in lines)


def test_a_fleet_where_all_is_well_says_so() -> None:
    names = NAMES[1:]
    told = {name: Answer(name, AgentState(probes.RUNNING), state(name, names), None, NOW, 0, 1) for name in names}
    text = show.matrix_table(matrix(fleet(names), told, None, NOW))
    assert text.splitlines()[-1] == "5/5 machines asked have answered; no stalled replicas or uploads"


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_json_is_what_its_schema_says_and_safe_to_print(seen: Matrix, lang: str) -> None:
    text = show.json_text(show.matrix_document(seen, lang))
    schemas.of("matrix").validate_json(text)
    assert text.replace("\n", "").isprintable()
    document: Any = json.loads(text)
    assert document["observers"][0]["observer"] is None
    assert document["findings"][0]["kind"] == "upload-stalled"


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_markdown_has_a_row_an_observer_and_no_markup_of_others(seen: Matrix, lang: str) -> None:
    text = show.matrix_markdown(seen, Style(lang))
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + 7
    assert {row.count("|") for row in rows} == {8}
    assert text.replace("\n", "").isprintable()
    assert "<b>" not in re.sub(r"`+[^`].*?`+", "", text)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_probe_adds_to_the_validation_document_what_the_schema_says(probed: Validation, lang: str) -> None:
    text = show.json_text(show.validation_document(probed, lang))
    schemas.of("validate").validate_json(text)
    document = json.loads(text)
    assert document["machines"][1]["own"]["word"] == "alive"
    assert document["machines"][1]["ageBasis"] == "probed-clock"
    assert document["evidence"]["findings"]


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("width", [80, 120])
def test_the_table_of_a_probe_tells_each_cause_once(probed: Validation, lang: str, width: int) -> None:
    text = show.table(probed, Style(lang, width))
    assert text.replace("\n", "").isprintable()
    assert text.count("myia-po-2025" + (" : agent" if lang == "fr" else ": agent running")) == 1
    assert ("Evidence from the machines:" in text) is (lang == "en")
    for other in (show.markdown(probed, Style(lang)), show.junit(probed, Style(lang))):
        assert ("its replica is stale" in other) is (lang == "en")


def test_the_cells_of_a_table_say_since_when(probed: Validation) -> None:
    text = show.table(probed)
    assert "no upload since 10:03Z" in text
    assert "agent not running since 20:22Z" in text


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "0s"), (119_999, "119s"), (120_000, "2m"), (7_200_000, "2h"), (172_800_000, "2d"), (-60_000, "-60s")],
)
def test_an_age_takes_five_cells_at_most(ms: int, text: str) -> None:
    assert short(ms) == text
