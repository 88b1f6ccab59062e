"""Diagnoses as a table with the checks below it, and as JSON."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from roosync_ops.judge import HERE
from roosync_ops.judge.diagnose_model import NOT_OK, OK, UNKNOWN, Diagnoses, Diagnosis, DiagnosisStep

from .columns import BOLD, DIM, GREEN, RED, tabled
from .document import keyed
from .messages import catalogue, check_words, translated
from .reasons import off_said, undone_said
from .text import PLAIN, Style, cells, clock_ms, duration, pad, safe, wrapped

_MARKS: Final = {OK: ("✓", GREEN), NOT_OK: ("✗", RED), UNKNOWN: ("·", DIM)}
_SPANS: Final = ("age", "lag")
#: So many observers are named, and the rest counted.
_NAMED: Final = 4


@dataclass(frozen=True, slots=True)
class Fix:
    """What --fix did, or with --dry would do: `about` a machine (None: the share); `problem` where it failed."""

    kind: str
    about: str | None
    done: bool
    files: tuple[str, ...] = ()
    problem: str | None = None


def cause_sentence(row: Diagnosis, style: Style = PLAIN) -> str:
    """Return the diagnosis as one sentence. Not escaped."""
    text: str = catalogue(style.lang)["causes"][row.cause]
    return text.format_map(_texts(row.facts, style))


def seen_text(check: DiagnosisStep, style: Style = PLAIN) -> str:
    """Return what a check saw. Not escaped."""
    return check_words(check.seen, style.lang).format_map(_texts(check.facts, style))


def _texts(facts: Mapping[str, Any], style: Style) -> dict[str, str]:
    """Return facts as texts: ages as durations, times as a reader writes them, observers by name."""
    unknown = style["diagnosis.unknown_time"]
    # A sentence is never lost for want of a fact.
    texts = defaultdict(lambda: "?", dict.fromkeys(("since", *_SPANS), unknown))
    for key, value in facts.items():
        if key == "since" or key in _SPANS:
            known = isinstance(value, int)
            texts[key] = (clock_ms(value, style) if key == "since" else duration(value, style)) if known else unknown
        else:
            texts[key] = _names(value, style) if isinstance(value, tuple) else translated(str(value), style.lang)
    if isinstance(off := facts.get("off"), int):
        texts["off"] = off_said(off, style)
    texts["newer"] = style["diagnosis.newer"].format_map(texts) if facts.get("since") is not None else ""
    texts["undone_said"] = undone_said(facts, style)
    texts["because"] = f" ({facts['why']})" if facts.get("why") else ""
    return texts


def _names(names: tuple[str, ...], style: Style) -> str:
    shown = ", ".join(style["fact.here"] if name == HERE else name for name in names[:_NAMED])
    return shown if len(names) <= _NAMED else style["diagnosis.more"].format(names=shown, count=len(names) - _NAMED)


def diagnoses_table(
    found: Diagnoses, fixes: Sequence[Fix] = (), style: Style = PLAIN, *, everything: bool = False
) -> str:
    """Return one line for each machine that is not as expected, then its checks, its cause and what to type.

    `everything`: of the others as well.
    """
    rows = [row for row in found.machines if everything or not row.ok]
    shown = [*rows, *([] if found.here.well else [found.here])]
    blocks = []
    if len(shown) > 1:
        blocks.append("\n".join(tabled("diagnosis", [_cells(row, style) for row in shown], style)))
    blocks += ["\n".join(_details(row, style)) for row in shown]
    noted = [row for row in found.machines if row.ok and not row.well and not everything]
    blocks += ["\n".join(_notes(noted, style))] if noted else []
    blocks += ["\n".join(_fix_lines(fixes, style))] if fixes else []
    blocks.append(_headline(found, style))
    return "\n\n".join(blocks)


def diagnoses_document(
    found: Diagnoses, fixes: Sequence[Fix] = (), lang: str = "en", *, dry: bool = False
) -> dict[str, Any]:
    """Return what `roosync-ops diagnose --schema` describes."""
    return {
        "ok": found.ok,
        "checkedAt": found.checked_at,
        "dry": dry,
        "machines": [_document(row, lang) for row in found.machines],
        "here": _document(found.here, lang),
        "fixes": [
            keyed(fix, "fix=kind machineId=about done", files=list(fix.files), problem=fix.problem) for fix in fixes
        ],
    }


def _document(row: Diagnosis, lang: str) -> dict[str, Any]:
    style = Style(lang)
    return keyed(
        row,
        "machineId expected observed ok cause",
        reason=cause_sentence(row, style),
        command=row.command or None,
        fixable=row.fix is not None,
        checks=[
            {"check": one.name, "outcome": one.outcome, "seen": seen_text(one, style) or None, "cause": one.cause}
            for one in row.checks
        ],
    )


def _cells(row: Diagnosis, style: Style) -> dict[str, str]:
    return {
        "": "✓" if row.ok else "✗",
        "machine": row.machine_id or style["diagnosis.here"],
        "expected": row.expected or "-",
        "observed": row.observed or "-",
        "diagnosis.cause": row.cause,
        "why": cause_sentence(row, style),
    }


def _details(row: Diagnosis, style: Style) -> list[str]:
    title = row.machine_id or style["diagnosis.here"]
    if row.machine_id is not None:
        seen = style["diagnosis.seen"] if row.expected is not None else style["diagnosis.stranger"]
        title += "  " + seen.format(expected=row.expected, observed=row.observed)
    colon, lines = style["colon"], [style.paint(title, BOLD), *_check_lines(row.checks, style)]
    label = "" if row.well else f"{style['diagnosis.cause']}{colon} {row.cause}: "
    lines += wrapped(f"  {label}{safe(cause_sentence(row, style))}", style.width)
    if row.command:
        # never broken: it is there to be copied
        lines.append(f"  {style['diagnosis.next']}{colon} {safe(row.command)}")
    return lines


def _check_lines(checks: Iterable[DiagnosisStep], style: Style) -> list[str]:
    named = [(check_words(check.name, style.lang), check) for check in checks]
    silent = [name for name, check in named if check.outcome == UNKNOWN and not check.seen]
    room = max(cells(name) for name, _ in named)
    told = [
        (check.outcome, f"{pad(name, room)}  {safe(seen_text(check, style))}".rstrip(), room + 6)
        for name, check in named
        if name not in silent
    ]
    told += [(UNKNOWN, f"{style['diagnosis.not_reached']}{style['colon']} {', '.join(silent)}", 4)] if silent else []
    lines = []
    for outcome, text, indent in told:
        mark, code = _MARKS[outcome]
        first, *rest = wrapped(f"    {text}", style.width, indent)
        lines += [f"  {style.paint(mark, code)} {first.lstrip()}", *rest]
    return lines


def _notes(rows: Sequence[Diagnosis], style: Style) -> list[str]:
    """Return a line for each machine that is as expected, and about which there is something to say."""
    lines = [style.paint(style["look_at"] + style["colon"], BOLD)]
    for row in rows:
        lines += wrapped(f"  {row.machine_id}: {row.cause}: {safe(cause_sentence(row, style))}", style.width)
    return lines


def _fix_lines(fixes: Sequence[Fix], style: Style) -> list[str]:
    lines = []
    for fix in fixes:
        title = style[f"diagnosis.{'not_fixed' if fix.problem else 'fixed' if fix.done else 'would'}"]
        what = style[f"diagnosis.{fix.kind}"].format(machine=fix.about, files=", ".join(fix.files))
        what += style["diagnosis.in_replica"].format(machine=fix.about) if fix.about and fix.kind != "restart" else ""
        problem = f" ({translated(fix.problem, style.lang)})" if fix.problem else ""
        lines += wrapped(safe(f"{title}{style['colon']} {what}{problem}"), style.width)
    return lines


def _headline(found: Diagnoses, style: Style) -> str:
    count = len(found.machines)
    total = style["diagnosis.machine"] if count == 1 else style["diagnosis.machines"].format(count=count)
    wrong = sum(not row.ok for row in found.machines)
    text = style["diagnosis.some"] if wrong else style["diagnosis.all_well"]
    shown = text.format(total=total, well=count - wrong, wrong=wrong)
    return style.paint(shown, (GREEN if found.ok else RED) + BOLD)
