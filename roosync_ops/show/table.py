"""The validation table, the survey, the inventory and the checks of an enrolment, for a terminal or a text file."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from roosync_ops.judge import Check, Finding, Reason, Survey, Validation, Verdict
from roosync_ops.judge.verdict import SHARE_STALLED

from .columns import BOLD, COLORS, GREEN, RED, paint, tabled
from .messages import Sentence, headline, translated, words
from .reasons import basis_line, brief, said, sentence
from .text import age, clock, local, markdown_code, markdown_safe, safe, whole, wrapped

#: How many lines of one list a table shows; JSON has them all.
SHOWN: Final = 20
_STATUS_SIGNS: Final = {"online": "✅", "warning": "⚠️"}


@local()
def table(validation: Validation, lang: str = "en", width: int | None = None, *, color: bool = False) -> str:
    """Return the validation table, what is to be done below it, and `4/6 machines online (66%)` as its last line.

    `width` is the terminal's in cells; None does not limit it.
    """
    rows, word = [cells(row, lang) for row in validation.verdicts], words(lang)
    lines = tabled("fleet", rows, lang, width, color=color) if rows else []
    for code, texts in remarks(validation, lang).items():
        lines += listed(word[code], texts, lang, width, color=color)
    if rows:
        lines += ["", *textwrap.wrap(basis_line(validation.verdicts, lang), width or 10_000, subsequent_indent="  ")]
    unlisted = [f"{row.machine_id}  {row.observed}  {clock(row.last_heartbeat)}" for row in validation.unexpected]
    lines += listed(word["unexpected"], unlisted, lang, width, color=color)
    lines += _findings(validation.findings, lang, width, color=color)
    last = headline(validation.online, validation.total, validation.percent)
    return "\n".join([*lines, "", paint(last, BOLD + (GREEN if validation.ok else RED) if color else "")])


def cells(row: Verdict, lang: str) -> dict[str, str]:
    """Return what a table says of a machine, by the code of its column; `""` is the sign. Not escaped."""
    return {
        "": "✓" if row.ok else "✗",
        "machine": row.machine_id,
        "expected": row.expected,
        "observed": row.observed,
        "heartbeat": words(lang)["active"] if row.heartbeat_active else "-",
        "age": age(row.age_ms, lang),
        "last_seen": clock(row.last_heartbeat),
        "why": row.why or "" if row.reason is None else brief(row.reason, lang),
    }


def remarks(validation: Validation, lang: str) -> dict[str, list[Sentence]]:
    """Return the sentences that belong below a table, by the code of their title: what is not as expected first."""
    told = [(row.ok, said(row.reason, lang)) for row in validation.verdicts if row.reason is not None]
    return {
        "not_as_expected": [text for ok, text in told if not ok],
        "look_at": [text for ok, text in told if ok],
        "probe": [said(found, lang) for found in beside(validation)],
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


@local()
def survey_table(survey: Survey, lang: str = "en", width: int | None = None, *, color: bool = False) -> str:
    """Return what the shared state holds, machine by machine."""
    word = words(lang)
    rows = [
        {
            "machine": row.machine_id,
            "status": row.observed,
            "age": age(row.age_ms, lang),
            "last_seen": clock(row.last_heartbeat),
            "version": safe(row.version or "-")[:20],
            "read_from": row.file or "-",
        }
        for row in survey.machines
    ]
    lines = [word["shared"].format(shared=safe(survey.shared), at=clock(survey.checked_at)), ""]
    lines += tabled("survey", rows, lang, width, color=color) if rows else [word["nothing"]]
    lines += _findings(survey.findings, lang, width, color=color)
    return "\n".join([*lines, "", headline(survey.online, survey.total, survey.percent)])


def machines_table(
    rows: Sequence[Mapping[str, Any]], lang: str = "en", width: int | None = None, *, color: bool = False
) -> str:
    """Return the machines of an inventory: the rows are those of `roosync-ops machines list --json`."""
    if not rows:
        return words(lang)["empty"]
    shown = [
        {**row, "machine": row["machineId"], "groups": ", ".join(row["groups"]), "why": row["why"] or ""}
        for row in rows
    ]
    return "\n".join(tabled("inventory", shown, lang, width, color=color))


def check_lines(checks: Iterable[Check], lang: str = "en", *, color: bool = False) -> list[str]:
    """Return `✓ in heartbeats` or `✗ in heartbeats: why`, for each of the procedure's four checks of an enrolment."""
    lines = []
    for check in checks:
        sign = "✓" if check.ok else "✗"
        why = "" if check.reason is None else f": {safe(sentence(check.reason, lang))}"
        lines.append(f"{paint(sign, COLORS[sign] if color else '')} {words(lang)[f'check.{check.name}']}{why}")
    return lines


def _findings(found: Sequence[Finding], lang: str, width: int | None, *, color: bool) -> list[str]:
    texts = [f"{item.file}: {item.kind}: {translated(item.detail, lang)}" for item in found]
    return listed(words(lang)["findings"], texts, lang, width, color=color)


def listed(title: str, texts: Sequence[str | Sentence], lang: str, width: int | None, *, color: bool) -> list[str]:
    """Return a titled list of at most SHOWN items, each escaped and wrapped; nothing for an empty one."""
    if not texts:
        return []
    lines = ["", paint(title + words(lang)["colon"], BOLD if color else "")]
    for text in texts[:SHOWN]:
        said = text if isinstance(text, Sentence) else Sentence(text)
        # wrapped between words alone, and never inside the command to type
        lines += wrapped(f"  {Sentence(safe(said.text), whole(safe(said.command)))}", width)
    if len(texts) > SHOWN:
        lines.append("  " + words(lang)["more"].format(count=len(texts) - SHOWN))
    return lines


def markdown(validation: Validation, lang: str = "en") -> str:
    """Return Markdown with the procedure's own headings and its last line, to paste where the procedure asks for it."""
    word = words(lang)
    lines = [f"## {word['validation']}", "", *validation_rows(validation.verdicts, lang)]
    lines += seen_besides(validation, lang)
    return "\n".join([*lines, "", headline(validation.online, validation.total, validation.percent)])


def seen_besides(validation: Validation, lang: str) -> list[str]:
    """Return what else was seen, a section each: by a probe, unlisted machines, and what was not understood."""
    word = words(lang)
    rows = validation.verdicts
    unlisted = [
        f"{row.machine_id}: {_status(row.observed)}, {clock(row.last_heartbeat)}" for row in validation.unexpected
    ]
    findings = [(item.file, item.kind, translated(item.detail, lang)) for item in validation.findings]
    return [
        *(["", basis_line(rows, lang)] if rows else []),
        *section(word["probe"], [sentence(found, lang, markdown_code) for found in beside(validation)]),
        *section(word["unexpected"], unlisted),
        *section(word["findings"], [": ".join(map(markdown_code, parts)) for parts in findings]),
    ]


def validation_rows(rows: Sequence[Verdict], lang: str) -> list[str]:
    """Return the table alone, a line a machine below its two lines of headings."""
    word = words(lang)
    told = [f"markdown.{code}" for code in ("expected", "active", "observed", "ok")]
    heads = [word[code] for code in ("machine", *told, "age", "last_seen", "why")]
    return piped(heads, [_markdown_cells(row, lang) for row in rows])


def piped(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table, whose cells are Markdown already."""
    return [f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows)]


def _markdown_cells(row: Verdict, lang: str) -> list[str]:
    word = words(lang)
    why = markdown_safe(row.why or "")
    if row.reason is not None:  # in a table, and only there, a pipe is escaped within a code span
        why = sentence(row.reason, lang, lambda text: markdown_code(text).replace("|", r"\|"))
    return [
        row.machine_id,
        _status(row.expected),
        word["yes"] if row.heartbeat_active else "-",
        _status(row.observed),
        word["yes"] if row.ok else f"**{word['no']}**",
        age(row.age_ms, lang),
        clock(row.last_heartbeat),
        why,
    ]


def _status(word: str) -> str:
    return f"{_STATUS_SIGNS.get(word, '❌')} {word.upper()}"


def section(title: str, items: list[str]) -> list[str]:
    """Return a titled list; nothing for an empty one."""
    return ["", f"### {title}", "", *(f"- {item}" for item in items)] if items else []
