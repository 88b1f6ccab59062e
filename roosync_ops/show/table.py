"""The validation table, the survey, the inventory and the checks of an enrolment, for a terminal or a text file."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from roosync_ops.judge import Check, Finding, Reason, Survey, Validation, Verdict
from roosync_ops.judge.verdict import SHARE_STALLED

from .columns import BOLD, COLORS, GREEN, RED, tabled
from .messages import Sentence, headline, translated
from .reasons import basis_line, brief, said, sentence
from .text import PLAIN, Style, age, clock, markdown_code, markdown_safe, safe, whole, wrapped

#: How many lines of one list a table shows; JSON has them all.
SHOWN: Final = 20
_STATUS_SIGNS: Final = {"online": "✅", "warning": "⚠️"}


def table(validation: Validation, style: Style = PLAIN) -> str:
    """Return the validation table, what is to be done below it, and `4/6 machines online (66%)` as its last line."""
    rows = [cells(row, style) for row in validation.verdicts]
    lines = tabled("fleet", rows, style) if rows else []
    for code, texts in remarks(validation, style).items():
        lines += listed(style[code], texts, style)
    if rows:
        basis = basis_line(validation.verdicts, style)
        lines += ["", *textwrap.wrap(basis, style.width or 10_000, subsequent_indent="  ")]
    seen = validation.unexpected
    unlisted = [f"{row.machine_id}  {row.observed}  {clock(row.last_heartbeat, style)}" for row in seen]
    lines += listed(style["unexpected"], unlisted, style)
    lines += _findings(validation.findings, style)
    return "\n".join(
        [
            *lines,
            "",
            style.paint(headline(validation.online, validation.total), BOLD + (GREEN if validation.ok else RED)),
        ]
    )


def cells(row: Verdict, style: Style) -> dict[str, str]:
    """Return what a table says of a machine, by the code of its column; `""` is the sign. Not escaped."""
    return {
        "": "✓" if row.ok else "✗",
        "machine": row.machine_id,
        "expected": row.expected,
        "observed": row.observed,
        "heartbeat": style["active"] if row.heartbeat_active else "-",
        "age": age(row.age_ms, style),
        "last_seen": clock(row.last_heartbeat, style),
        "why": row.why or "" if row.reason is None else brief(row.reason, style),
    }


def remarks(validation: Validation, style: Style) -> dict[str, list[Sentence]]:
    """Return the sentences that belong below a table, by the code of their title: what is not as expected first."""
    told = [(row.ok, said(row.reason, style)) for row in validation.verdicts if row.reason is not None]
    return {
        "not_as_expected": [text for ok, text in told if not ok],
        "look_at": [text for ok, text in told if ok],
        "probe": [said(found, style) for found in beside(validation)],
    }


def beside(validation: Validation) -> list[Reason]:
    """Return what a probe found that no row says already."""
    if validation.evidence is None:
        return []
    said = {(row.reason.kind, row.machine_id) for row in validation.verdicts if row.reason is not None}
    kinds = {kind for kind, _ in said}
    return [
        found
        for found in validation.evidence.findings
        if (found.kind, found.machine_id) not in said and not (found.kind == SHARE_STALLED and SHARE_STALLED in kinds)
    ]


def survey_table(survey: Survey, style: Style = PLAIN) -> str:
    """Return what the shared state holds, machine by machine."""
    rows = [
        {
            "machine": row.machine_id,
            "status": row.observed,
            "age": age(row.age_ms, style),
            "last_seen": clock(row.last_heartbeat, style),
            "version": safe(row.version or "-")[:20],
            "read_from": row.file or "-",
        }
        for row in survey.machines
    ]
    lines = [style["shared"].format(shared=safe(survey.shared), at=clock(survey.checked_at, style)), ""]
    lines += tabled("survey", rows, style) if rows else [style["nothing"]]
    lines += _findings(survey.findings, style)
    return "\n".join([*lines, "", headline(survey.online, survey.total)])


def machines_table(rows: Sequence[Mapping[str, Any]], style: Style = PLAIN) -> str:
    """Return the machines of an inventory: the rows are those of `roosync-ops machines list --json`."""
    if not rows:
        return style["empty"]
    shown = [
        {**row, "machine": row["machineId"], "groups": ", ".join(row["groups"]), "why": row["why"] or ""}
        for row in rows
    ]
    return "\n".join(tabled("inventory", shown, style))


def check_lines(checks: Iterable[Check], style: Style = PLAIN) -> list[str]:
    """Return `✓ in heartbeats` or `✗ in heartbeats: why`, for each of the procedure's four checks of an enrolment."""
    lines = []
    for check in checks:
        sign = "✓" if check.ok else "✗"
        why = "" if check.reason is None else f": {safe(sentence(check.reason, style))}"
        lines.append(f"{style.paint(sign, COLORS[sign])} {style[f'check.{check.name}']}{why}")
    return lines


def _findings(found: Sequence[Finding], style: Style) -> list[str]:
    texts = [f"{item.file}: {item.kind}: {translated(item.detail, style.lang)}" for item in found]
    return listed(style["findings"], texts, style)


def listed(title: str, texts: Sequence[str | Sentence], style: Style) -> list[str]:
    """Return a titled list of at most SHOWN items, each escaped and wrapped; nothing for an empty one."""
    if not texts:
        return []
    lines = ["", style.paint(title + style["colon"], BOLD)]
    for text in texts[:SHOWN]:
        said = text if isinstance(text, Sentence) else Sentence(text)
        # wrapped between words alone, and never inside the command to type
        lines += wrapped(f"  {Sentence(safe(said.text), whole(safe(said.command)))}", style.width)
    if len(texts) > SHOWN:
        lines.append("  " + style["more"].format(count=len(texts) - SHOWN))
    return lines


def markdown(validation: Validation, style: Style = PLAIN) -> str:
    """Return Markdown with the procedure's own headings and its last line, to paste where the procedure asks for it."""
    lines = [f"## {style['validation']}", "", *validation_rows(validation.verdicts, style)]
    lines += seen_besides(validation, style)
    return "\n".join([*lines, "", headline(validation.online, validation.total)])


def seen_besides(validation: Validation, style: Style) -> list[str]:
    """Return what else was seen, a section each: by a probe, unlisted machines, and what was not understood."""
    rows = validation.verdicts
    seen = validation.unexpected
    unlisted = [f"{row.machine_id}: {_status(row.observed)}, {clock(row.last_heartbeat, style)}" for row in seen]
    findings = [(item.file, item.kind, translated(item.detail, style.lang)) for item in validation.findings]
    return [
        *(["", basis_line(rows, style)] if rows else []),
        *section(style["probe"], [sentence(found, style, markdown_code) for found in beside(validation)]),
        *section(style["unexpected"], unlisted),
        *section(style["findings"], [": ".join(map(markdown_code, parts)) for parts in findings]),
    ]


def validation_rows(rows: Sequence[Verdict], style: Style) -> list[str]:
    """Return the table alone, a line a machine below its two lines of headings."""
    told = [f"markdown.{code}" for code in ("expected", "active", "observed", "ok")]
    heads = [style[code] for code in ("machine", *told, "age", "last_seen", "why")]
    return piped(heads, [_markdown_cells(row, style) for row in rows])


def piped(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table, whose cells are Markdown already."""
    return [f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows)]


def _markdown_cells(row: Verdict, style: Style) -> list[str]:
    why = markdown_safe(row.why or "")
    if row.reason is not None:  # in a table, and only there, a pipe is escaped within a code span
        why = sentence(row.reason, style, lambda text: markdown_code(text).replace("|", r"\|"))
    return [
        row.machine_id,
        _status(row.expected),
        style["yes"] if row.heartbeat_active else "-",
        _status(row.observed),
        style["yes"] if row.ok else f"**{style['no']}**",
        age(row.age_ms, style),
        clock(row.last_heartbeat, style),
        why,
    ]


def _status(word: str) -> str:
    return f"{_STATUS_SIGNS.get(word, '❌')} {word.upper()}"


def section(title: str, items: list[str]) -> list[str]:
    """Return a titled list; nothing for an empty one."""
    return ["", f"### {title}", "", *(f"- {item}" for item in items)] if items else []
