"""The validation table, and the survey, for a terminal or a text file."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from roosync_ops.judge.verdict import SHARE_STALLED

from .basis import basis_line
from .columns import BOLD, DIM, GREEN, RED, YELLOW, Column, lay_out, paint
from .messages import Said, headline, words
from .reasons import brief, said
from .text import clock, duration, local, safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from roosync_ops.judge import Finding, Observation, Reason, Survey, Validation, Verdict

#: How many lines of one list a table shows; JSON has them all.
SHOWN: Final = 20
_COLORS: Final = {"online": GREEN, "warning": YELLOW, "offline": RED, "left": DIM, "unknown": YELLOW}
_OK, _NOT_OK = "✓", "✗"
#: The space that no line breaks at.
_HARD: Final = "\N{NO-BREAK SPACE}"


@local
def table(validation: Validation, lang: str = "en", width: int | None = None, *, color: bool = False) -> str:
    """Return the validation table, what is to be done below it, and `4/6 machines online (66%)` as its last line.

    `width` is the terminal's in cells; None does not limit it.
    """
    rows = validation.verdicts
    lines = lay_out(_columns(rows, lang), width, color=color) if rows else []
    lines += _reasons(rows, lang, width, color=color)
    lines += listed(words(lang)["probe"], [said(found, lang) for found in beside(validation)], lang, width, color=color)
    lines += ["", *textwrap.wrap(basis_line(rows, lang), width or 10_000, subsequent_indent="  ")] if rows else []
    lines += _unexpected(validation.unexpected, lang, width, color=color)
    lines += _findings(validation.findings, lang, width, color=color)
    last = headline(validation.online, validation.total, validation.percent)
    verdict = GREEN if validation.ok else RED
    return "\n".join([*lines, "", paint(last, BOLD + verdict if color else "")])


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


@local
def survey_table(survey: Survey, lang: str = "en", width: int | None = None, *, color: bool = False) -> str:
    """Return what the shared state holds, machine by machine."""
    word = words(lang)
    title = word["shared"].format(shared=safe(survey.shared), at=clock(survey.checked_at))
    lines = [title, ""]
    lines += (
        lay_out(_survey_columns(survey.machines, lang), width, color=color) if survey.machines else [word["nothing"]]
    )
    lines += _findings(survey.findings, lang, width, color=color)
    return "\n".join([*lines, "", headline(survey.online, survey.total, survey.percent)])


def _columns(rows: Sequence[Verdict], lang: str) -> list[Column]:
    word = words(lang)
    ages = ["-" if row.age_ms is None else duration(row.age_ms, lang) for row in rows]
    marks = [_OK if row.ok else _NOT_OK for row in rows]
    return [
        Column("", marks, 8, colors=[GREEN if row.ok else RED for row in rows]),
        Column(word["machine"], [row.machine_id for row in rows], 9),
        Column(word["expected"], [row.expected for row in rows], 5),
        Column(word["observed"], [row.observed for row in rows], 7, colors=_status_colors(rows)),
        Column(word["heartbeat"], [word["active"] if row.heartbeat_active else "-" for row in rows], 2),
        Column(word["age"], ages, 4, right=True),
        Column(word["last_seen"], [clock(row.last_heartbeat) for row in rows], 1),
        Column(word["why"], [_why(row, lang) for row in rows], 3, elastic=True),
    ]


def _survey_columns(rows: Sequence[Observation], lang: str) -> list[Column]:
    word = words(lang)
    ages = ["-" if row.age_ms is None else duration(row.age_ms, lang) for row in rows]
    return [
        Column(word["machine"], [row.machine_id for row in rows], 9),
        Column(word["status"], [row.observed for row in rows], 8, colors=_status_colors(rows)),
        Column(word["age"], ages, 7, right=True),
        Column(word["last_seen"], [clock(row.last_heartbeat) for row in rows], 6),
        Column(word["version"], [safe(row.version or "-")[:20] for row in rows], 4),
        Column(word["read_from"], [safe(row.file or "-") for row in rows], 3, elastic=True),
    ]


def _status_colors(rows: Iterable[Verdict] | Iterable[Observation]) -> list[str]:
    return [_COLORS[row.observed] for row in rows]


def _why(row: Verdict, lang: str) -> str:
    if row.reason is not None:
        return safe(brief(row.reason, lang))
    return safe(row.why or "")


def _reasons(rows: Sequence[Verdict], lang: str, width: int | None, *, color: bool) -> list[str]:
    """Return the sentences, of the machines that are not as expected first."""
    word = words(lang)
    wrong = [said(row.reason, lang) for row in rows if row.reason is not None and not row.ok]
    odd = [said(row.reason, lang) for row in rows if row.reason is not None and row.ok]
    return [
        *listed(word["not_as_expected"], wrong, lang, width, color=color),
        *listed(word["look_at"], odd, lang, width, color=color),
    ]


def _unexpected(rows: Sequence[Observation], lang: str, width: int | None, *, color: bool) -> list[str]:
    texts = [f"{row.machine_id}  {row.observed}  {clock(row.last_heartbeat)}" for row in rows[: SHOWN + 1]]
    return listed(words(lang)["unexpected"], texts, lang, width, color=color, count=len(rows))


def _findings(found: Sequence[Finding], lang: str, width: int | None, *, color: bool) -> list[str]:
    texts = [f"{item.file}: {item.kind}: {item.detail}" for item in found[: SHOWN + 1]]
    return listed(words(lang)["findings"], texts, lang, width, color=color, count=len(found))


def listed(  # noqa: PLR0913 - a title, its items, and how to show them
    title: str, texts: Sequence[str | Said], lang: str, width: int | None, *, color: bool, count: int | None = None
) -> list[str]:
    """Return a titled list of at most SHOWN items, each escaped and wrapped; nothing for an empty one."""
    if not texts:
        return []
    total = len(texts) if count is None else count
    lines = ["", paint(title + words(lang)["colon"], BOLD if color else "")]
    for text in texts[:SHOWN]:
        lines += _wrapped(text if isinstance(text, Said) else Said(text), width)
    if total > SHOWN:
        lines.append("  " + words(lang)["more"].format(count=total - SHOWN))
    return lines


def _wrapped(said: Said, width: int | None) -> list[str]:
    """Indent; wrap between words alone, and never inside the command to type."""
    text = safe(str(said))
    if width is None or width < 40 or len(text) + 2 <= width:  # noqa: PLR2004 - narrower, wrapping helps nobody
        return ["  " + text]
    lines = textwrap.wrap(
        str(Said(safe(said.text), safe(said.command).replace(" ", _HARD))),
        width,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace(_HARD, " ") for line in lines]
