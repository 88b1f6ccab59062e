"""The validation as JUnit XML: a test case a machine, for the dashboards that read nothing else."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from .reasons import brief, sentence
from .table import beside
from .text import safe
from .words import headline

if TYPE_CHECKING:
    from roosync_ops.judge import Finding, Validation, Verdict


def junit(validation: Validation, lang: str = "en") -> str:
    """Return one test suite; machines that are not as expected fail with their reason."""
    rows = validation.verdicts
    counts = f'tests="{len(rows)}" failures="{len(rows) - validation.as_expected}" errors="0" skipped="0"'
    said = [headline(validation.online, validation.total, validation.percent)]
    said += [sentence(found, lang) for found in beside(validation)]
    said += [f"{row.machine_id}: {row.observed}, not in the inventory" for row in validation.unexpected]
    said += [_finding(item) for item in validation.findings]
    return "\n".join(
        [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<testsuites name="roosync-ops" {counts} time="0">',
            f'  <testsuite name="roosync-ops validate" {counts} time="0" timestamp="{validation.checked_at[:19]}">',
            *(_case(row, lang) for row in rows),
            f"    <system-out>{_xml(chr(10).join(said))}</system-out>",
            "  </testsuite>",
            "</testsuites>",
        ]
    )


def _case(row: Verdict, lang: str) -> str:
    head = f'    <testcase classname="fleet" name="{row.machine_id}" time="0"'
    text = None if row.reason is None else sentence(row.reason, lang)
    if row.ok:
        return f"{head}/>" if text is None else f"{head}><system-out>{_xml(text)}</system-out></testcase>"
    message = "" if row.reason is None else brief(row.reason, lang)
    failure = f'<failure type="{row.observed}" message="{_xml(message)}">{_xml(text or "")}</failure>'
    return f"{head}>{failure}</testcase>"


def _finding(item: Finding) -> str:
    return f"{item.file}: {item.kind}: {item.detail}"


def _xml(text: str) -> str:
    return html.escape(_clean(text))  # xml.sax.saxutils brings the whole of urllib and ssl


def _clean(text: str) -> str:
    """Make every line printable: XML 1.0 has no place for control characters, even escaped.

    U+FFFE and U+FFFF, which XML forbids too, are unassigned and so not printable either.
    """
    return "\n".join(safe(line) for line in text.split("\n"))
