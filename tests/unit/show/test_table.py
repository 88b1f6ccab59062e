"""The table as a terminal gets it: aligned, in its width, and nothing in it that a terminal would obey."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from roosync_ops import show
from roosync_ops.judge import Finding
from roosync_ops.show.table import SHOWN
from roosync_ops.show.text import Style, cells

if TYPE_CHECKING:
    from roosync_ops.judge import Survey, Validation

ANSI = re.compile(r"\x1b\[\d+m")


def test_the_procedures_goal_reads_as_in_the_procedure(procedure: Validation) -> None:
    assert show.table(procedure, Style(width=120)).splitlines() == [
        "   Machine       Expected  Observed  Heartbeat   Age  Last seen             Why",
        "✓  myia-po-2025  online    online    active     10 s  2026-02-12 10:15:20Z",
        "✓  myia-po-2024  online    online    active     10 s  2026-02-12 10:15:20Z",
        "✓  myia-po-2023  online    online    active     10 s  2026-02-12 10:15:20Z",
        "✓  myia-web1     online    online    active     10 s  2026-02-12 10:15:20Z",
        "✓  myia-ai-01    offline   unknown   -             -  -                     machine éteinte?",
        "✓  myia-po-2026  offline   unknown   -             -  -                     machine éteinte?",
        "",
        "Basis: heard here 4; silent, not asked: myia-ai-01, myia-po-2026",
        "",
        "4/6 machines online (66%)",
    ]


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_last_line_is_the_procedures_in_both_languages(procedure: Validation, lang: str) -> None:
    assert show.table(procedure, Style(lang)).splitlines()[-1] == "4/6 machines online (66%)"


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_the_rows_are_never_wider_than_the_terminal(trouble: Validation, lang: str, width: int) -> None:
    rows = show.table(trouble, Style(lang, width)).splitlines()[: 1 + trouble.total]
    assert all(cells(row) <= width for row in rows)
    assert all(row.machine_id in line for row, line in zip(trouble.verdicts, rows[1:], strict=True))


def test_where_room_is_short_the_least_telling_columns_go_first(trouble: Validation) -> None:
    headers = {width: show.table(trouble, Style(width=width)).splitlines()[0].split() for width in (200, 80, 60, 40)}
    assert "Last" in headers[200]
    assert headers[80] == ["Machine", "Expected", "Observed", "Heartbeat", "Age", "Why"]
    assert headers[60] == ["Machine", "Expected", "Observed", "Age", "Why"]
    assert headers[40] == ["Machine", "Expected", "Observed"]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_command_to_type_is_never_torn(trouble: Validation, width: int) -> None:
    text = show.table(trouble, Style(width=width))
    commands = re.findall(r"roosync-ops \w+ --\w+ \S+$", text, re.MULTILINE)
    assert "roosync-ops restart --limit myia-po-2023" in commands
    assert len(commands) == sum(not row.ok for row in trouble.verdicts)


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("width", [None, 80])
def test_nothing_from_the_share_reaches_the_terminal_unescaped(
    trouble: Validation, lang: str, width: int | None
) -> None:
    text = show.table(trouble, Style(lang, width))
    assert text.replace("\n", "").isprintable()
    assert r"\x1b[31mred" in text


def test_nothing_from_the_share_reaches_the_terminal_unescaped_in_the_survey(survey: Survey) -> None:
    assert show.survey_table(survey).replace("\n", "").isprintable()


def test_colour_changes_no_letter(trouble: Validation) -> None:
    painted = show.table(trouble, Style(width=100, color=True))
    assert ANSI.search(painted)
    assert [line.rstrip() for line in ANSI.sub("", painted).splitlines()] == show.table(
        trouble, Style(width=100)
    ).splitlines()


def test_every_machine_that_is_not_as_expected_has_a_sentence(trouble: Validation) -> None:
    text = show.table(trouble)
    listed = text.split("Not as expected:\n")[1].split("\n\n")[0].splitlines()
    assert len(listed) == sum(not row.ok for row in trouble.verdicts) == 4


def test_machines_outside_the_inventory_stand_apart(trouble: Validation) -> None:
    table, apart = show.table(trouble).split("Seen, but not in the inventory (not counted):")
    assert "ghost" not in table
    assert apart.splitlines()[1] == "  ghost  online  2026-02-12 10:15:20Z"


def test_a_thousand_findings_are_twenty_and_a_count(procedure: Validation) -> None:
    found = tuple(Finding(f"heartbeats/x{number}.json", "empty-file", "0 bytes") for number in range(1000))
    lines = show.table(replace(procedure, findings=found)).splitlines()
    assert sum("empty-file" in line for line in lines) == SHOWN
    assert "  … and 980 more; --json lists them all" in lines


def test_an_empty_share_says_that_nobody_was_seen(survey: Survey) -> None:
    empty = replace(survey, machines=(), findings=())
    assert show.survey_table(empty, Style("fr")).splitlines()[2] == "Aucune machine n'y a encore été vue."


def test_the_survey_fits_the_terminal(survey: Survey) -> None:
    for width in (50, 80, 120):
        rows = show.survey_table(survey, Style(width=width)).splitlines()[2 : 3 + survey.total]
        assert all(cells(row) <= width for row in rows)
