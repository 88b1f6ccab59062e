"""The report operators paste into their tracking issue: the procedure's table, what changed, what is wrong, what next.

Whatever came from outside stands in code spans, or has what GitHub would link taken apart: a machine's words mention
no person, refer to nothing and leave the table whole.
"""

from collections.abc import Mapping
from typing import Any, Final

from roosync_ops import typed
from roosync_ops.judge import Validation, Verdict
from roosync_ops.judge.reports import Report
from roosync_ops.wire.times import from_iso

from .document import validation_document
from .messages import command, headline, translated
from .reasons import flip_said, sentence
from .table import section, seen_besides, validation_rows
from .text import PLAIN, Style, clock, duration, fence, markdown_code, markdown_safe, safe

#: What a comment on GitHub may hold, in characters.
MAX_COMMENT: Final = 65_536
#: A list of what is wrong, and of what to type, names at most so many.
_SHOWN: Final = 40
_TOLD: Final = ("changed", "planned", "failed")


def report_markdown(report: Report, style: Style = PLAIN, limit: int | None = None) -> str:
    """Return the report, at most `limit` characters: then without the machines that are fine, then cut, which is said.

    Raises ValueError for a limit that does not hold even the note.
    """
    text = "\n".join(_lines(report, style, complete=True))
    if limit is None or len(text) <= limit:
        return text
    return cut_lines(_lines(report, style, complete=False), style, limit)


def cut_lines(lines: list[str], style: Style, limit: int) -> str:
    """Return as many whole lines as fit into `limit` characters, with a note where there are more."""
    if len("\n".join(lines)) <= limit:
        return "\n".join(lines)
    note = style["report.cut"].format(limit=limit)
    room = limit - len(note) - 2
    if room < 0:
        raise ValueError(f"a report of {limit} characters says nothing")
    kept, used, fenced = [], 0, ""
    for line in lines:
        opened = (line.rstrip("sh") if not fenced else "") if line.startswith("```") else fenced
        used += len(line) + 1
        if used + (len(opened) + 1 if opened else 0) > room:
            break
        kept.append(line)
        fenced = opened
    return "\n".join([*kept, *([fenced] if fenced else []), "", note])


def next_commands(report: Report) -> list[str]:
    """Return what to type next, each once: a rollout's own hints, then what the reasons ask for."""
    rollout = [] if report.rollout is None else report.rollout["machines"]
    found = [safe(row["hint"]) for row in rollout if row["hint"] and not row["ok"]]
    verdicts = () if report.validation is None else report.validation.verdicts
    wrong = [row for row in verdicts if not row.ok]
    for row in wrong:
        kind = report.said.get(row.machine_id, ("", ""))[0] if row.reason is None else row.reason.kind
        next_ = command(kind, row.machine_id)
        found += [next_] if next_ else []
    if wrong:
        found.append(typed.ours("diagnose", *(row.machine_id for row in wrong[:_SHOWN])))
    if report.rollout is not None and report.rollout["dry"] and not found:
        found.append(typed.ours("rollout"))
    return list(dict.fromkeys(found))[:_SHOWN]


def _lines(report: Report, style: Style, *, complete: bool) -> list[str]:
    lines = [f"## {_title(report, style)}", ""]
    if report.validation is None:
        lines += [style["report.no_table"]]
    else:
        lines += _validated(report, report.validation, style, complete=complete)
    if report.rollout is not None:
        lines += section(style["report.changed"], [_done(row, style) for row in report.rollout["machines"]])
    if report.changes is not None:
        lines += _changed(report.changes, style)
    lines += _wrong(report, style)
    if report.validation is not None:
        lines += seen_besides(report.validation, style)
    commands = next_commands(report)
    mark = fence(commands)
    return lines + (["", f"### {style['report.next']}", "", f"{mark}sh", *commands, mark] if commands else [])


def _title(report: Report, style: Style) -> str:
    rollout = report.rollout
    if report.validation is None:
        return style["report.unseen"] if rollout is None or not rollout["dry"] else style["report.dry"].format(at="-")
    kind = "validation" if rollout is None else "dry" if rollout["dry"] else "rollout"
    return style[f"report.{kind}"].format(at=clock(report.validation.checked_at))


def _validated(report: Report, validation: Validation, style: Style, *, complete: bool) -> list[str]:
    """Return the procedure's table, and its objective beside what is there."""
    total = validation.total
    shown = [row for row in validation.verdicts if complete or not row.ok]
    lines = [f"### {style['validation']}", "", *validation_rows(shown, style), ""]
    if len(shown) < total:
        lines += [style["report.as_expected_left_out"].format(count=total - len(shown)), ""]
    objective, observed = headline(report.expected_online, total), headline(validation.online, total)
    sign = "✅" if validation.ok else "❌"
    seen = f"{style['report.observed'].format(observed=observed)} {sign}"
    return [*lines, style["report.objective"].format(objective=objective), "", seen]


def _done(row: Mapping[str, Any], style: Style) -> str:
    """Return what was done with one machine, or why it was not."""
    steps = ", ".join(markdown_safe(one["step"]) for one in row["steps"] if one["outcome"] in _TOLD)
    outcome = style[f"report.{row['outcome']}_word"]
    text = f"{row['machineId']}{style['colon']} {outcome}"
    return f"{text} ({steps})" if steps else text


def _changed(changes: Mapping[str, Any], style: Style) -> list[str]:
    flips = (flip_said(flip, style) for flip in changes["flips"])  # as they come from a file
    items = [markdown_safe(f"{said.at} {said.who}: {said.change}: {said.why}") for said in flips]
    items += [
        style["report.outage"].format(
            machine=one["machineId"],
            length=duration(from_iso(one["until"]) - from_iso(one["since"]), style),
            start=clock(one["since"]),
            end=clock(one["until"]),
        )
        for one in changes["outages"]
    ]
    if not items:
        items = [style["report.nothing"]]
    if not changes["watched"]:
        items.append(style["report.not_watched"])
    return section(style["report.changed_since"].format(since=clock(changes["since"])), items)


def _wrong(report: Report, style: Style) -> list[str]:
    """Return what is not as expected and why: of the rollout, then of the table; then what else to look at."""
    rows = () if report.validation is None else report.validation.verdicts
    items = []
    for done in () if report.rollout is None else report.rollout["machines"]:
        told = [translated(done["reason"], style.lang)] if not done["ok"] and done["reason"] is not None else []
        told += done["failedChecks"]
        items += [f"{done['machineId']}{style['colon']} {markdown_code(said)}" for said in told]
    items += [_why(report, row, style) for row in rows if not row.ok]
    odd = [_why(report, row, style) for row in rows if row.ok and (row.reason or row.machine_id in report.said)]
    return [*section(style["report.wrong"], _short(items, style)), *section(style["look_at"], _short(odd, style))]


def _why(report: Report, row: Verdict, style: Style) -> str:
    if row.reason is not None:
        return sentence(row.reason, style, markdown_code)
    said = report.said.get(row.machine_id)
    return f"{row.machine_id}: {style['report.reason_unknown']}" if said is None else markdown_safe(said[1])


def _short(items: list[str], style: Style) -> list[str]:
    if len(items) <= _SHOWN:
        return items
    return [*items[:_SHOWN], style["more"].format(count=len(items) - _SHOWN)]


def report_document(report: Report, lang: str = "en", posted: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the document; `posted` tells where it was sent to, and whether it was added or edited."""
    validation = None if report.validation is None else validation_document(report.validation, lang)
    for row in () if validation is None else validation["machines"]:
        said = report.said.get(row["machineId"])
        if said is not None:
            row.update(reason=said[1], reasonKind=said[0])
    return {
        "ok": report.ok,
        "validation": validation,
        "rollout": report.rollout,
        "changes": report.changes,
        "next": next_commands(report),
        "posted": posted,
    }
