"""The validation for programs that read neither JSON nor a table: JUnit XML, and OpenMetrics 1.0 for Prometheus."""

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

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
    done = [] if rollout is None else [_step_case(row) for row in rollout["machines"]]
    seen = [] if validation is None else [_case(row, style) for row in validation.verdicts]
    lines = [f'<testsuites name="roosync-ops" {_counts([*done, *seen])} time="0">']
    if rollout is not None:
        lines += _suite("rollout", done)
    if validation is not None:
        out = f"    <system-out>{_xml(*_told(validation, style))}</system-out>"
        lines += _suite("validate", seen, f' timestamp="{validation.checked_at[:19]}"', out)
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', *lines, "</testsuites>"])


def _suite(name: str, cases: Sequence[tuple[str, str]], at: str = "", *out: str) -> list[str]:
    """Return a suite of cases: (XML, "failed", "skipped" or empty)."""
    head = f'  <testsuite name="roosync-ops {name}" {_counts(cases)} time="0"{at}>'
    return [head, *(f"    {text}" for text, _ in cases), *out, "  </testsuite>"]


def _counts(cases: Iterable[tuple[str, str]]) -> str:
    ends = [end for _, end in cases]
    return f'tests="{len(ends)}" failures="{ends.count(_FAILED)}" errors="0" skipped="{ends.count(_SKIPPED)}"'


def _told(validation: Validation, style: Style) -> list[str]:
    """Return what is said of the fleet as a whole."""
    said = [headline(validation.online, validation.total)]
    said += [basis_line(validation.verdicts, style)] if validation.verdicts else []
    said += [sentence(found, style) for found in beside(validation)]
    stranger = style["diagnosis.stranger"]
    said += [f"{row.machine_id}: {stranger.format(observed=row.observed)}" for row in validation.unexpected]
    return said + [f"{item.file}: {item.kind}: {translated(item.detail, style.lang)}" for item in validation.findings]


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
