"""Diagnoses as a table with the checks below it, and as JSON."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from roosync_ops.judge import HERE
from roosync_ops.judge.diagnose_model import NOT_OK, OK, UNKNOWN, Diagnoses, Diagnosis, DiagnosisStep

from .columns import BOLD, DIM, GREEN, RED, paint, tabled
from .document import keyed
from .messages import catalogue, check_words, translated, words
from .reasons import off_said, undone_said
from .text import cells, clock_ms, duration, local, pad, safe, wrapped

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


def cause_sentence(row: Diagnosis, lang: str = "en") -> str:
    """Return the diagnosis as one sentence. Not escaped."""
    text: str = catalogue(lang)["causes"][row.cause]
    return text.format_map(_texts(row.facts, lang))


def seen_text(check: DiagnosisStep, lang: str = "en") -> str:
    """Return what a check saw. Not escaped."""
    return check_words(check.seen, lang).format_map(_texts(check.facts, lang))


def _texts(facts: Mapping[str, Any], lang: str) -> dict[str, str]:
    """Return facts as texts: ages as durations, times as a reader writes them, observers by name."""
    unknown = words(lang)["diagnosis.unknown_time"]
    # A sentence is never lost for want of a fact.
    texts = defaultdict(lambda: "?", dict.fromkeys(("since", *_SPANS), unknown))
    for key, value in facts.items():
        if key == "since" or key in _SPANS:
            known = isinstance(value, int)
            texts[key] = (clock_ms(value) if key == "since" else duration(value, lang)) if known else unknown
        else:
            texts[key] = _names(value, lang) if isinstance(value, tuple) else translated(str(value), lang)
    if isinstance(off := facts.get("off"), int):
        texts["off"] = off_said(off, lang)
    texts["newer"] = words(lang)["diagnosis.newer"].format_map(texts) if facts.get("since") is not None else ""
    texts["undone_said"] = undone_said(facts, lang)
    texts["because"] = f" ({facts['why']})" if facts.get("why") else ""
    return texts


def _names(names: tuple[str, ...], lang: str) -> str:
    word = words(lang)
    shown = ", ".join(word["fact.here"] if name == HERE else name for name in names[:_NAMED])
    return shown if len(names) <= _NAMED else word["diagnosis.more"].format(names=shown, count=len(names) - _NAMED)


@local()
def diagnoses_table(  # noqa: PLR0913 - what to show, and how
    found: Diagnoses,
    fixes: Sequence[Fix] = (),
    lang: str = "en",
    width: int | None = None,
    *,
    color: bool = False,
    everything: bool = False,
) -> str:
    """Return one line for each machine that is not as expected, then its checks, its cause and what to type.

    `everything`: of the others as well. `width` is the terminal's in cells; None does not limit it.
    """
    rows = [row for row in found.machines if everything or not row.ok]
    shown = [*rows, *([] if found.here.well else [found.here])]
    blocks = []
    if len(shown) > 1:
        blocks.append("\n".join(tabled("diagnosis", [_cells(row, lang) for row in shown], lang, width, color=color)))
    blocks += ["\n".join(_details(row, lang, width, color=color)) for row in shown]
    noted = [row for row in found.machines if row.ok and not row.well and not everything]
    blocks += ["\n".join(_notes(noted, lang, width, color=color))] if noted else []
    blocks += ["\n".join(_fix_lines(fixes, lang, width))] if fixes else []
    blocks.append(_headline(found, lang, color=color))
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
    return keyed(
        row,
        "machineId expected observed ok cause",
        reason=cause_sentence(row, lang),
        command=row.command or None,
        fixable=row.fix is not None,
        checks=[
            {"check": one.name, "outcome": one.outcome, "seen": seen_text(one, lang) or None, "cause": one.cause}
            for one in row.checks
        ],
    )


def _cells(row: Diagnosis, lang: str) -> dict[str, str]:
    return {
        "": "✓" if row.ok else "✗",
        "machine": row.machine_id or words(lang)["diagnosis.here"],
        "expected": row.expected or "-",
        "observed": row.observed or "-",
        "diagnosis.cause": row.cause,
        "why": cause_sentence(row, lang),
    }


def _details(row: Diagnosis, lang: str, width: int | None, *, color: bool) -> list[str]:
    word = words(lang)
    title = row.machine_id or word["diagnosis.here"]
    if row.machine_id is not None:
        seen = word["diagnosis.seen"] if row.expected is not None else word["diagnosis.stranger"]
        title += "  " + seen.format(expected=row.expected, observed=row.observed)
    colon, lines = (
        word["colon"],
        [paint(title, BOLD if color else ""), *_check_lines(row.checks, lang, width, color=color)],
    )
    label = "" if row.well else f"{word['diagnosis.cause']}{colon} {row.cause}: "
    lines += wrapped(f"  {label}{safe(cause_sentence(row, lang))}", width)
    if row.command:
        # never broken: it is there to be copied
        lines.append(f"  {word['diagnosis.next']}{colon} {safe(row.command)}")
    return lines


def _check_lines(checks: Iterable[DiagnosisStep], lang: str, width: int | None, *, color: bool) -> list[str]:
    named = [(check_words(check.name, lang), check) for check in checks]
    silent = [name for name, check in named if check.outcome == UNKNOWN and not check.seen]
    room, word = max(cells(name) for name, _ in named), words(lang)
    told = [
        (check.outcome, f"{pad(name, room)}  {safe(seen_text(check, lang))}".rstrip(), room + 6)
        for name, check in named
        if name not in silent
    ]
    told += [(UNKNOWN, f"{word['diagnosis.not_reached']}{word['colon']} {', '.join(silent)}", 4)] if silent else []
    lines = []
    for outcome, text, indent in told:
        mark, code = _MARKS[outcome]
        first, *rest = wrapped(f"    {text}", width, indent)
        lines += [f"  {paint(mark, code if color else '')} {first.lstrip()}", *rest]
    return lines


def _notes(rows: Sequence[Diagnosis], lang: str, width: int | None, *, color: bool) -> list[str]:
    """Return a line for each machine that is as expected, and about which there is something to say."""
    title = words(lang)["look_at"] + words(lang)["colon"]
    lines = [paint(title, BOLD if color else "")]
    for row in rows:
        lines += wrapped(f"  {row.machine_id}: {row.cause}: {safe(cause_sentence(row, lang))}", width)
    return lines


def _fix_lines(fixes: Sequence[Fix], lang: str, width: int | None) -> list[str]:
    word, lines = words(lang), []
    for fix in fixes:
        title = word[f"diagnosis.{'not_fixed' if fix.problem else 'fixed' if fix.done else 'would'}"]
        what = word[f"diagnosis.{fix.kind}"].format(machine=fix.about, files=", ".join(fix.files))
        what += word["diagnosis.in_replica"].format(machine=fix.about) if fix.about and fix.kind != "restart" else ""
        problem = f" ({translated(fix.problem, lang)})" if fix.problem else ""
        lines += wrapped(safe(f"{title}{words(lang)['colon']} {what}{problem}"), width)
    return lines


def _headline(found: Diagnoses, lang: str, *, color: bool) -> str:
    word, count = words(lang), len(found.machines)
    total = word["diagnosis.machine"] if count == 1 else word["diagnosis.machines"].format(count=count)
    wrong = sum(not row.ok for row in found.machines)
    text = word["diagnosis.some"] if wrong else word["diagnosis.all_well"]
    shown = text.format(total=total, well=count - wrong, wrong=wrong)
    return paint(shown, (GREEN if found.ok else RED) + BOLD if color else "")
