"""JSON, Markdown and JUnit: what programs and dashboards read."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from roosync_ops import show
from roosync_ops.judge import (
    AgentState,
    Finding,
    ProbeResult,
    Reason,
    Validation,
    Verdict,
    enrolment_checks,
    probes,
    verdict,
)
from roosync_ops.judge.reports import Dashboard, Report
from roosync_ops.judge.verdict import Basis
from roosync_ops.show import reasons, schemas
from roosync_ops.show.dashboard import dashboard_markdown
from roosync_ops.show.page import page
from roosync_ops.show.report import report_markdown
from roosync_ops.show.text import Style
from tests.kits.shares import NOW

if TYPE_CHECKING:
    from roosync_ops.judge import Survey

KINDS = [value for name, value in vars(verdict).items() if name.isupper() and isinstance(value, str) and name[0] != "_"]


def test_the_document_has_the_shape_the_issue_fixes(procedure: Validation) -> None:
    document = show.validation_document(procedure)
    assert list(document) == ["ok", "checkedAt", "shared", "machines", "unexpected", "findings", "summary"]
    assert document["ok"] is True
    assert document["checkedAt"] == "2026-02-12T10:15:30.123Z"
    assert document["summary"] == {"total": 6, "online": 4, "percent": 66}
    assert document["machines"][0] == {
        "machineId": "myia-po-2025",
        "expected": "online",
        "observed": "online",
        "ok": True,
        "heartbeatActive": True,
        "lastHeartbeat": "2026-02-12T10:15:20.123Z",
        "ageMs": 10_000,
        "missedHeartbeats": 0,
        "reason": None,
        "reasonKind": None,
        "why": None,
        "basis": "heard-here",
    }
    assert document["machines"][-1]["lastHeartbeat"] is None
    assert document["machines"][-1]["ageMs"] is None


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_what_is_printed_is_what_the_schema_says(trouble: Validation, survey: Survey, lang: str) -> None:
    schemas.of("validate").validate_json(show.json_text(show.validation_document(trouble, lang)))
    schemas.of("status").validate_json(show.json_text(show.survey_document(survey)))


def test_the_schema_refuses_another_shape(procedure: Validation) -> None:
    document = show.validation_document(procedure) | {"surprise": 1}
    with pytest.raises(ValueError, match="surprise"):
        schemas.of("validate").validate_python(document)


def test_the_json_is_safe_to_print_and_loses_nothing(trouble: Validation) -> None:
    found = (Finding("heartbeats/\x1b[2J\ud800\u202e\x9b\U000e0041é✅.json", "kind", "\r\n"),)
    text = show.json_text(show.validation_document(replace(trouble, findings=found)))
    assert text.replace("\n", "").isprintable()
    assert json.loads(text)["findings"] == [found[0].as_dict()]
    text.encode("utf-8")


def test_markdown_has_the_procedures_own_headings_and_signs(procedure: Validation) -> None:
    lines = show.markdown(procedure, Style("fr")).splitlines()
    assert lines[0] == "## Validation Globale"
    assert lines[2].startswith("| Machine | Status Attendu | Heartbeat Actif |")
    assert lines[4].startswith("| myia-po-2025 | ✅ ONLINE | Oui |")
    assert lines[8].startswith("| myia-ai-01 | ❌ OFFLINE | - |")
    assert "machine éteinte?" in lines[8]
    assert lines[-1] == "4/6 machines online (66%)"


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_nothing_from_the_share_breaks_out_of_markdown(trouble: Validation, lang: str) -> None:
    text = show.markdown(trouble, Style(lang))
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + trouble.total
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {9}
    assert text.replace("\n", "").replace("\N{VARIATION SELECTOR-16}", "").isprintable()
    outside_code = re.sub(r"(?<![`\\])(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    assert "<b>" not in outside_code
    assert "http" not in outside_code
    assert "@me" not in outside_code


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_junit_is_xml_with_a_case_a_machine_and_a_failure_a_trouble(trouble: Validation, lang: str) -> None:
    root = ET.fromstring(show.junit(trouble, Style(lang)).encode())  # noqa: S314 - our own output
    suite = root[0]
    cases = suite.findall("testcase")
    failures = [case.get("name") for case in cases if case.find("failure") is not None]
    assert [case.get("name") for case in cases] == [row.machine_id for row in trouble.verdicts]
    assert failures == [row.machine_id for row in trouble.verdicts if not row.ok]
    assert (suite.get("tests"), suite.get("failures")) == ("6", str(len(failures)))
    assert "2/6 machines online (33%)" in (suite.findtext("system-out") or "")


ASKED_THROUGH = ProbeResult("m", AgentState(probes.RUNNING), through="myia-po-2025")


@pytest.mark.parametrize(
    ("rests_on", "probe", "lang", "said"),
    [
        (Basis.HEARD, None, "en", "heard here 1"),
        (Basis.ELSEWHERE, None, "en", "heard by other replicas: m"),
        (Basis.ASKED, ASKED_THROUGH, "en", "late here, asked: m (through myia-po-2025)"),
        (Basis.ASKED, ASKED_THROUGH, "fr", "en retard ici, interrogée : m (par myia-po-2025)"),
        (Basis.UNREACHABLE, None, "en", "silent and unreachable: m"),
        (Basis.COULD_NOT_ASK, None, "fr", "muette, non interrogeable : m"),
    ],
)
def test_what_a_verdict_rests_on_is_in_every_output(
    rests_on: Basis, probe: ProbeResult | None, lang: str, said: str
) -> None:
    row = Verdict("m", "online", NOW, 0, 0, expected="online", ok=True, probe=probe, rests_on=rests_on)
    seen = Validation(NOW, "/s", (row,), (), ())
    board = Dashboard("here", "/s", None, seen, (), (), {}, "m", NOW, NOW, 60_000)
    told = report_markdown(Report(seen), Style(lang)) + "\n" + dashboard_markdown(board, Style(lang))
    assert told.count(said) == 2
    for text in (
        show.table(seen, Style(lang)),
        show.markdown(seen, Style(lang)),
        show.junit(seen, Style(lang)),
        told,
        page(board, Style(lang)),
    ):
        assert said in text
    assert f'roosync_machine_basis="{rests_on}"}} 1' in show.openmetrics(seen)
    assert show.validation_document(seen)["machines"][0]["basis"] == rests_on


def test_junit_of_a_fleet_as_expected_has_no_failure(procedure: Validation) -> None:
    root = ET.fromstring(show.junit(procedure).encode())  # noqa: S314 - our own output
    assert root.get("failures") == "0"


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_reason_is_one_sentence_in_both_languages(kind: str, lang: str) -> None:
    facts = {
        "file": "heartbeats/m.json",
        "kind": "empty-file",
        "detail": "0 bytes",
        "age": 200_000,
        "lag": 240_000,
        "unheard": 900_000,
        "most": 300_000,
        "newer": 30_000,
        "keeper": "n",
        "missed": 6,
        "until": 1_770_891_330_000,
        "since": "2026-02-12T10:15:30.123Z",
        "observed": "online",
        "gone": 4,
        "status": "offline",
        "before": 1,
        "after": 1,
        "wanted": 2,
        "behind": 3,
        "of": 4,
        "off": -3_600_000,
        "count": 5,
        "back": 3_600_000,
        "observer": "n",
        "other": "x",
        "state": "hung",
    }
    text = show.sentence(Reason(kind, "m", facts, 60_000), Style(lang))
    assert "{" not in text + reasons.brief(Reason(kind, "m", facts, 60_000), Style(lang))
    assert "roosync-ops " in text or kind == verdict.CLOCK_SUSPECTED


def test_a_suspect_clock_is_told_beside_the_cause() -> None:
    reason = Reason(verdict.BEATS_UNEXPECTEDLY, "m", {"observed": "online", "why": "off"}, 60_000)
    assert show.sentence(reason) == (
        "m is expected offline (off) and is online (its heartbeat lies 1 min 00 s in the future: a clock is suspect); "
        "correct the inventory, or stop it: roosync-ops stop --limit m"
    )


def test_the_four_checks_are_told_as_the_procedure_names_them() -> None:
    after = {"heartbeats": {"m": {"status": "online"}}, "onlineMachines": ["m"], "statistics": {"onlineCount": 1}}
    assert show.check_lines(enrolment_checks(None, after, "m")) == [
        "✓ in heartbeats",
        '✓ status: "online"',
        "✓ in onlineMachines",
        "✓ statistics.onlineCount up",
    ]


def test_a_check_that_fails_says_why_and_harmlessly() -> None:
    after = {"heartbeats": {"m": {"status": "\x1b[31m"}}, "onlineMachines": [], "statistics": {"onlineCount": 0}}
    lines = show.check_lines(enrolment_checks(None, after, "m"), Style("fr"))
    assert lines[0] == "✓ dans heartbeats"
    assert lines[1].startswith(r'✗ status: "online": heartbeat.json dit \x1b[31m')
    assert "devrait être au moins 1" in lines[3]
