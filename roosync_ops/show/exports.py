"""The validation for programs that read neither JSON nor a table: JUnit XML, and OpenMetrics 1.0 for Prometheus."""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from roosync_ops.judge import Validation, Verdict
from roosync_ops.judge.verdict import SILENCED, Basis
from roosync_ops.wire.status import LEFT, OFFLINE, ONLINE, UNKNOWN, WARNING

from .messages import headline, translated
from .reasons import basis, basis_line, brief, sentence
from .table import beside
from .text import PLAIN, Style, safe

_FAILED: Final = "failed"
_SKIPPED: Final = "skipped"
#: What it is served as.
TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_STATES: Final = (ONLINE, WARNING, OFFLINE, LEFT, UNKNOWN)


def junit(validation: Validation | None, style: Style = PLAIN, rollout: Mapping[str, Any] | None = None) -> str:
    """Return a suite of what a rollout did, where there was one, and the suite of the validation.

    Machines that are not as expected fail with their reason.
    """
    suites = []
    if rollout is not None:
        suites.append(_Suite("roosync-ops rollout", [_step_case(row) for row in rollout["machines"]]))
    if validation is not None:
        suites.append(_validated(validation, style))
    lines = [f'<testsuites name="roosync-ops" {_counts(case for suite in suites for case in suite.cases)} time="0">']
    for suite in suites:
        lines.append(f'  <testsuite name="{suite.name}" {_counts(suite.cases)} time="0"{suite.at}>')
        lines += [f"    {text}" for text, _ in suite.cases]
        lines += [suite.out] if suite.out else []
        lines.append("  </testsuite>")
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', *lines, "</testsuites>"])


class _Suite(NamedTuple):
    """`cases` are (XML, "failed", "skipped" or empty)."""

    name: str
    cases: list[tuple[str, str]]
    at: str = ""
    out: str = ""


def _counts(cases: Iterable[tuple[str, str]]) -> str:
    ends = [end for _, end in cases]
    return f'tests="{len(ends)}" failures="{ends.count(_FAILED)}" errors="0" skipped="{ends.count(_SKIPPED)}"'


def _validated(validation: Validation, style: Style) -> _Suite:
    rows = validation.verdicts
    said = [headline(validation.online, validation.total)]
    said += [basis_line(rows, style)] if rows else []
    said += [sentence(found, style) for found in beside(validation)]
    stranger = style["diagnosis.stranger"]
    said += [f"{row.machine_id}: {stranger.format(observed=row.observed)}" for row in validation.unexpected]
    said += [f"{item.file}: {item.kind}: {translated(item.detail, style.lang)}" for item in validation.findings]
    at = f' timestamp="{validation.checked_at[:19]}"'
    cases = [_case(row, style) for row in rows]
    return _Suite("roosync-ops validate", cases, at, f"    <system-out>{_xml(*said)}</system-out>")


def _step_case(row: Mapping[str, Any]) -> tuple[str, str]:
    head, outcome = f'<testcase classname="rollout" name="{row["machineId"]}" time="0"', row["outcome"]
    told = [f"{one['step']}: {one['outcome']}" for one in row["steps"]]
    if not row["ok"] or row["failedChecks"]:
        why = [*([row["reason"]] if row["reason"] else []), *row["failedChecks"]]
        text = _xml(*why, *([f"next: {row['hint']}"] if row["hint"] else []), *told)
        body = f'<failure type="{outcome}" message="{_xml(why[0] if why else outcome)}">{text}</failure>'
        return f"{head}>{body}</testcase>", _FAILED
    if outcome == _SKIPPED:
        return f"{head}><skipped/></testcase>", _SKIPPED
    return f"{head}><system-out>{_xml(*(told or [outcome]))}</system-out></testcase>", ""


def _case(row: Verdict, style: Style) -> tuple[str, str]:
    head = f'<testcase classname="fleet" name="{row.machine_id}" time="0"'
    text = None if row.reason is None else sentence(row.reason, style)
    if row.ok:
        return f"{head}/>" if text is None else f"{head}><system-out>{_xml(text)}</system-out></testcase>", ""
    message = row.why or "" if row.reason is None else brief(row.reason, style)
    text = f"{text or message} ({basis(row, style)})"
    failure = f'<failure type="{row.observed}" message="{_xml(message)}">{_xml(text)}</failure>'
    return f"{head}>{failure}</testcase>", _FAILED


def _xml(*lines: str) -> str:
    """Escape lines of ours, whatever is told in each: XML 1.0 has no place for control characters, even escaped.

    U+FFFE and U+FFFF, which XML forbids too, are unassigned and so not printable either.
    """
    return html.escape("\n".join(map(safe, lines)))  # xml.sax.saxutils brings the whole of urllib and ssl


def openmetrics(validation: Validation) -> str:
    """Return one exposition. A machineId holds nothing that a label would have to escape."""
    rows = {f'machine="{row.machine_id}"': row for row in validation.verdicts}
    expected = [(name, int(row.ok)) for name, row in rows.items()]
    silenced = [(name, int(row.reason is not None and row.reason.kind == SILENCED)) for name, row in rows.items()]
    ages = [(name, row.age_ms / 1000) for name, row in rows.items() if row.age_ms is not None]
    observed = {name: row.observed for name, row in rows.items()}
    basis = {name: row.rests_on for name, row in rows.items()}
    checked = [("", validation.checked_at_ms / 1000)]
    lines = [
        *_family("machines", "gauge", "Machines of the inventory.", [("", validation.total)]),
        *_family("machines_online", "gauge", "Those seen online.", [("", validation.online)]),
        *_family("machine_as_expected", "gauge", "Whether a machine is what the inventory expects.", expected),
        *_family("machine_silenced", "gauge", "Whether a maintenance window is open for a machine.", silenced),
        *_states("machine_observed", "What a machine is seen as.", _STATES, observed),
        *_states("machine_basis", "What that rests on.", tuple(Basis), basis),
        *_family("machine_heartbeat_age_seconds", "gauge", "How old a machine's last heartbeat is.", ages),
        *_family("checked_timestamp_seconds", "gauge", "When this was looked at.", checked),
        "# EOF",
    ]
    return "\n".join(lines)


def _states(name: str, told: str, states: Sequence[str], rows: Mapping[str, str]) -> list[str]:
    samples = (
        (f'{machine},roosync_{name}="{state}"', int(now == state)) for machine, now in rows.items() for state in states
    )
    return _family(name, "stateset", told, samples)


def _family(name: str, kind: str, told: str, samples: Iterable[tuple[str, float]]) -> list[str]:
    unit = [f"# UNIT roosync_{name} seconds"] if name.endswith("_seconds") else []
    lines = [
        f"roosync_{name}{{{labels}}} {value}" if labels else f"roosync_{name} {value}" for labels, value in samples
    ]
    return [f"# TYPE roosync_{name} {kind}", *unit, f"# HELP roosync_{name} {told}", *lines]
