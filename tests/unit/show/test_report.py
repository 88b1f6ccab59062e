"""The report operators paste: whatever a machine says, it stays a table that mentions nobody."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roosync_ops.judge.reports import Report, changes
from roosync_ops.show.report import MAX_COMMENT, cut_lines, next_commands, report_markdown
from roosync_ops.show.text import PLAIN, Style
from tests.unit.show.conftest import HOSTILE

if TYPE_CHECKING:
    from roosync_ops.judge import Validation

LANGS = ["en", "fr"]


def _rollout(text: str) -> dict[str, Any]:
    row = {"machineId": "a", "outcome": "failed", "ok": False, "steps": [{"step": text, "outcome": "changed"}]}
    row |= {"reason": text, "hint": text, "failedChecks": [text]}
    return {"ok": False, "dry": False, "machines": [row]}


def _flips(text: str) -> dict[str, Any]:
    flip = {"machineId": text, "from": text, "to": text, "at": text, "reason": text}
    return changes([], [], 0, 1, watched=True) | {"flips": [flip, {"at": 1, "machineId": []}]}


def outside_code(text: str) -> str:
    """Return what GitHub looks for mentions in: a Markdown text without its code."""
    text = re.sub(r"(?ms)^(`{3,})sh$.*?^\1$", "", text)
    return re.sub(r"(?<!\\)(`+)(?!`).*?(?<!`)\1(?!`)", "", text)


@pytest.mark.parametrize("lang", LANGS)
def test_nothing_from_outside_leaves_its_place(trouble: Validation, lang: str) -> None:
    for report in (
        Report(trouble, changes=_flips(HOSTILE)),
        Report(trouble, _rollout(HOSTILE)),
        Report(replace(trouble, verdicts=tuple(replace(row, reason=None, why=HOSTILE) for row in trouble.verdicts))),
    ):
        text = report_markdown(report, Style(lang))
        assert text.replace("\n", "").replace("\u200b", "").isprintable()
        assert "<b" not in outside_code(text)
        assert not re.search(r"@\w|#\d|://", html.unescape(outside_code(text)))
        for row in (line for line in text.splitlines() if line.startswith("| ")):
            assert len(re.findall(r"(?<!\\)\|", row)) == 9


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.sampled_from("`@#|<>a1\n\\ -*[](){}:/~$"), max_size=30))
def test_no_hint_closes_the_block_of_commands(procedure: Validation, text: str) -> None:
    report = Report(procedure, _rollout(text or "x"))
    lines = report_markdown(report).splitlines()
    (opened,) = [at for at, line in enumerate(lines) if re.fullmatch(r"`{3,}sh", line)]
    mark = lines[opened].removesuffix("sh")
    assert [at for at, line in enumerate(lines) if line.strip() == mark] == [len(lines) - 1]


def test_a_command_is_ours_and_not_what_a_machine_says(trouble: Validation) -> None:
    said = "x: roosync-ops uninstall --yes"
    report = Report(replace(trouble, verdicts=tuple(replace(row, why=said) for row in trouble.verdicts)))
    assert all(command.startswith("roosync-ops ") for command in next_commands(report))
    assert not any("uninstall" in command for command in next_commands(report))


def test_a_report_too_long_for_a_comment_leaves_out_what_is_fine(trouble: Validation) -> None:
    fine = [row for row in trouble.verdicts if row.ok][:1]
    many = [replace(fine[0], machine_id=f"fine-{number}") for number in range(1_500)]
    report = Report(replace(trouble, verdicts=(*many, *trouble.verdicts)))
    text = report_markdown(report, limit=MAX_COMMENT)
    assert len(text) <= MAX_COMMENT
    assert "fine-1" not in text
    assert f"{len(many) + sum(row.ok for row in trouble.verdicts)} machines that are as expected are left out" in text
    assert all(row.machine_id in text for row in trouble.verdicts if not row.ok)
    assert text.rstrip().endswith("```")  # nothing else was cut


@given(st.lists(st.text("ab c", max_size=20), max_size=20), st.lists(st.text("xy", max_size=20)), st.integers(90, 400))
def test_what_is_cut_ends_in_a_note_and_closes_its_block(before: list[str], block: list[str], limit: int) -> None:
    lines = [*before, "```sh", *block, "```"]
    text = cut_lines(lines, PLAIN, limit)
    assert len(text) <= limit
    assert text.count("```") in (0, 2)
    assert text == "\n".join(lines) or text.splitlines()[-1].startswith("*Cut")


def test_changes_are_those_of_the_window_and_the_latest_of_them() -> None:
    flips = [{"machineId": "a", "at": f"2026-02-{day:02d}T00:00:00.000Z"} for day in range(1, 20)]
    found = changes([*flips, {"at": 3}], [], 1_771_372_800_000, 1_771_372_800_001, watched=True)
    assert [flip["at"][8:10] for flip in found["flips"]] == ["18", "19"]
    assert found["watched"]
    assert not changes([], [], 0, 1, watched=False)["watched"]
