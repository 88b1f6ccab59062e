"""The Markdown twin, the badge and the tool's result: three texts of one dashboard."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt

from roosync_ops.judge import AgentState, ProbeResult, probes
from roosync_ops.show.dashboard import badge, dashboard_markdown, refreshed
from roosync_ops.show.text import Style
from tests.kits import boards

PATH = "/share/dashboards/mcp-dashboard-myia-ai-01.md"


@pytest.mark.parametrize(
    ("lang", "said"), [("en", "As of 2026-02-12 10:15:30Z"), ("fr", "État à 2026-02-12 10:15:30Z")]
)
def test_the_twin_begins_with_when_it_was_true(lang: str, said: str) -> None:
    text = dashboard_markdown(boards.six(), Style(lang))
    assert said in text.split("\n\n")[1]
    assert "4/6 machines online (66%)" in text


def test_the_twin_shows_hostile_texts_as_text() -> None:
    text = dashboard_markdown(boards.hostile(3))
    assert all(char.isprintable() or char == "\n" for char in text)
    rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)
    tags = set(re.findall(r"<([a-z0-9]+)", rendered))
    assert tags <= {
        "h1",
        "h2",
        "h3",
        "p",
        "strong",
        "code",
        "ul",
        "li",
        "hr",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    }


def test_the_twin_says_where_nobody_was_asked() -> None:
    text = dashboard_markdown(boards.six(probed=False))
    assert "none, the shared state alone was read" in text


def test_the_twin_counts_the_machines_in_doubt_that_were_asked() -> None:
    board = boards.six(probed=False)
    silent = ProbeResult("myia-web1", AgentState(probes.OFF))
    rows = [replace(row, probe=silent) if row.machine_id == "myia-web1" else row for row in board.validation.verdicts]
    text = dashboard_markdown(replace(board, validation=replace(board.validation, verdicts=tuple(rows))))
    assert "0 of 1 answered" in text


def test_the_badge_says_how_many_and_when() -> None:
    root = ET.fromstring(badge(boards.six().validation))  # noqa: S314 - ours
    assert root.attrib["aria-label"] == "fleet, ✓ 4/6 online (66%), 2026-02-12 10:15Z"
    wrong = badge(boards.troubled().validation, Style("fr"))
    assert "flotte, ✗ 2/6 online (33%)" in wrong
    assert "#b3261e" in wrong


def test_the_result_is_the_tools() -> None:
    result = refreshed(boards.six(), PATH)
    assert list(result) == ["success", "dashboardPath", "timestamp", "baseline", "machines", "metrics"]
    assert result["timestamp"] == "2026-02-12T10:15:30.123Z"
    assert result["metrics"] == {"totalMachines": 6, "machinesWithInventory": 5, "machinesWithoutInventory": 1}
    said = {one["id"]: (one["status"], one["diffs"]) for one in result["machines"]}
    assert said["myia-po-2025"] == ("✅ Baseline", "-")
    assert said["myia-po-2024"] == ("✅ Disponible", "0 diffs")
    assert said["myia-web1"] == ("✅ Disponible", "1 diffs")
    assert said["myia-po-2026"] == ("❌ Inventaire manquant", "Bootstrap requis")


def test_against_a_baseline_without_a_record_nothing_is_compared() -> None:
    result = refreshed(replace(boards.six(), baseline="myia-po-2026"), PATH)
    said = {one["id"]: (one["status"], one["diffs"]) for one in result["machines"]}
    assert said["myia-po-2024"] == ("⚠️ Erreur comparaison", "Inventaire source introuvable: myia-po-2026")
    assert said["myia-po-2026"] == ("❌ Inventaire manquant", "Bootstrap requis")
    assert result["metrics"]["machinesWithInventory"] == 5


def test_hundreds_of_machines_are_a_line_each_and_no_square() -> None:
    text = dashboard_markdown(boards.many(200))
    assert max(map(len, text.splitlines())) < 400
    assert "| node-000 | [0s] | 12/12 |" in text
