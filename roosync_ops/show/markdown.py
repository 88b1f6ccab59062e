"""The validation table as Markdown, with the procedure's own headings: to paste where the procedure asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .messages import headline, words
from .reasons import basis_line, sentence
from .table import beside
from .text import age, clock, markdown_code, markdown_safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from roosync_ops.judge import Finding, Observation, Validation, Verdict

_SIGNS: Final = {"online": "✅", "warning": "⚠️"}


def markdown(validation: Validation, lang: str = "en") -> str:
    """Return the table, what else was seen, and `4/6 machines online (66%)` as the last line."""
    word = words(lang)
    lines = [f"## {word['validation']}", "", *validation_rows(validation.verdicts, lang)]
    lines += seen_besides(validation, lang)
    return "\n".join([*lines, "", headline(validation.online, validation.total, validation.percent)])


def seen_besides(validation: Validation, lang: str) -> list[str]:
    """Return what else was seen, a section each: by a probe, unlisted machines, and what was not understood."""
    word = words(lang)
    rows = validation.verdicts
    return [
        *(["", basis_line(rows, lang)] if rows else []),
        *section(word["probe"], [sentence(found, lang, markdown_code) for found in beside(validation)]),
        *section(word["unexpected"], [_unlisted(row) for row in validation.unexpected]),
        *section(word["findings"], [_finding(item) for item in validation.findings]),
    ]


def validation_rows(rows: Sequence[Verdict], lang: str) -> list[str]:
    """Return the table alone, a line a machine below its two lines of headings."""
    word = words(lang)
    keys = (
        "machine",
        "markdown.expected",
        "markdown.active",
        "markdown.observed",
        "markdown.ok",
        "age",
        "last_seen",
        "why",
    )
    return piped([word[key] for key in keys], [_cells(row, lang) for row in rows])


def piped(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table, whose cells are Markdown already."""
    return [f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *rows)]


def _cells(row: Verdict, lang: str) -> list[str]:
    word = words(lang)
    why = markdown_safe(row.why or "") if row.reason is None else sentence(row.reason, lang, _in_a_cell)
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


def _in_a_cell(text: str) -> str:
    """Return a code span for a table: there, and only there, a pipe is escaped within it."""
    return markdown_code(text).replace("|", r"\|")


def _status(word: str) -> str:
    return f"{_SIGNS.get(word, '❌')} {word.upper()}"


def section(title: str, items: list[str]) -> list[str]:
    """Return a titled list; nothing for an empty one."""
    return ["", f"### {title}", "", *(f"- {item}" for item in items)] if items else []


def _unlisted(row: Observation) -> str:
    return f"{row.machine_id}: {_status(row.observed)}, {clock(row.last_heartbeat)}"


def _finding(item: Finding) -> str:
    return f"{markdown_code(item.file)}: {markdown_code(item.kind)}: {markdown_code(item.detail)}"
