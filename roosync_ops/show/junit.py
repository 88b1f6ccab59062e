"""The validation as JUnit XML: a test case a machine, for the dashboards that read nothing else."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, NamedTuple

from .messages import headline
from .reasons import basis, basis_line, brief, sentence
from .table import beside
from .text import safe

if TYPE_CHECKING:
    from roosync_ops.judge import Finding, Validation, Verdict
    from roosync_ops.judge.report import Done, Report, Rollout


def junit(validation: Validation, lang: str = "en") -> str:
    """Return one test suite; machines that are not as expected fail with their reason."""
    return _document([_validated(validation, lang)])


def junit_report(report: Report, lang: str = "en") -> str:
    """Return a suite of what a rollout did, where there was one, and the suite of the validation."""
    suites = [] if report.rollout is None else [_rolled_out(report.rollout)]
    if report.validation is not None:
        suites.append(_validated(report.validation, lang))
    return _document(suites)


class _Suite(NamedTuple):
    name: str
    at: str
    tests: int
    failures: int
    skipped: int
    lines: list[str]


def _document(suites: list[_Suite]) -> str:
    tests = sum(suite.tests for suite in suites)
    failures, skipped = sum(suite.failures for suite in suites), sum(suite.skipped for suite in suites)
    lines = [f'<testsuites name="roosync-ops" {_counts(tests, failures, skipped)} time="0">']
    for suite in suites:
        counts = _counts(suite.tests, suite.failures, suite.skipped)
        lines.append(f'  <testsuite name="{suite.name}" {counts} time="0"{suite.at}>')
        lines += [*suite.lines, "  </testsuite>"]
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', *lines, "</testsuites>"])


def _counts(tests: int, failures: int, skipped: int) -> str:
    return f'tests="{tests}" failures="{failures}" errors="0" skipped="{skipped}"'


def _validated(validation: Validation, lang: str) -> _Suite:
    rows = validation.verdicts
    said = [headline(validation.online, validation.total, validation.percent)]
    said += [basis_line(rows, lang)] if rows else []
    said += [sentence(found, lang) for found in beside(validation)]
    said += [f"{row.machine_id}: {row.observed}, not in the inventory" for row in validation.unexpected]
    said += [_finding(item) for item in validation.findings]
    at = f' timestamp="{validation.checked_at[:19]}"'
    lines = [*(_case(row, lang) for row in rows), f"    <system-out>{_xml(*said)}</system-out>"]
    return _Suite("roosync-ops validate", at, len(rows), len(rows) - validation.as_expected, 0, lines)


def _rolled_out(rollout: Rollout) -> _Suite:
    rows = rollout.machines
    failures = sum(_failed(row) for row in rows)
    skipped = sum(row.outcome == "skipped" and not _failed(row) for row in rows)
    return _Suite("roosync-ops rollout", "", len(rows), failures, skipped, [_step_case(row) for row in rows])


def _failed(row: Done) -> bool:
    return not row.ok or bool(row.checks)


def _step_case(row: Done) -> str:
    head = f'    <testcase classname="rollout" name="{row.machine_id}" time="0"'
    told = [f"{step}: {outcome}" for step, outcome in row.steps]
    if _failed(row):
        why = [*([row.reason] if row.reason else []), *row.checks]
        text = _xml(*why, *([f"next: {row.hint}"] if row.hint else []), *told)
        body = f'<failure type="{row.outcome}" message="{_xml(why[0] if why else row.outcome)}">{text}</failure>'
    elif row.outcome == "skipped":
        body = "<skipped/>"
    else:
        body = f"<system-out>{_xml(*(told or [row.outcome]))}</system-out>"
    return f"{head}>{body}</testcase>"


def _case(row: Verdict, lang: str) -> str:
    head = f'    <testcase classname="fleet" name="{row.machine_id}" time="0"'
    text = None if row.reason is None else sentence(row.reason, lang)
    if row.ok:
        return f"{head}/>" if text is None else f"{head}><system-out>{_xml(text)}</system-out></testcase>"
    message = row.why or "" if row.reason is None else brief(row.reason, lang)
    text = f"{text or message} ({basis(row, lang)})"
    failure = f'<failure type="{row.observed}" message="{_xml(message)}">{_xml(text)}</failure>'
    return f"{head}>{failure}</testcase>"


def _finding(item: Finding) -> str:
    return f"{item.file}: {item.kind}: {item.detail}"


def _xml(*lines: str) -> str:
    """Escape lines of ours, whatever is told in each: XML 1.0 has no place for control characters, even escaped.

    U+FFFE and U+FFFF, which XML forbids too, are unassigned and so not printable either.
    """
    return html.escape("\n".join(map(safe, lines)))  # xml.sax.saxutils brings the whole of urllib and ssl
