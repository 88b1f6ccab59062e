"""Who sees whom, as a table, Markdown or JSON. A row is one replica; brackets hold what a machine reports of itself."""

from typing import Any, Final

from roosync_ops.judge import Matrix
from roosync_ops.wire.times import to_iso

from .columns import BOLD, COLORS, DIM, GREEN, RED, YELLOW, Column, codes, lay_out, tabled, total
from .document import evidence_document
from .messages import words
from .reasons import name_of, said, sentence
from .table import listed, piped, section
from .text import PLAIN, Style, clock_ms, markdown_code, safe, wrapped

#: A status that is not online has its sign behind the age, so that no colour is needed to see it.
SIGNS: Final = {"warning": "?", "offline": "!"}
_WORD_COLORS: Final = {"alive": GREEN, "stuck": YELLOW, "silent": RED, "gone": RED, "no-agent": RED}
#: From so many machines on a square of them is unreadable.
MOST: Final = 24


def matrix_table(matrix: Matrix, style: Style = PLAIN) -> str:
    """Return who sees whom: a square, or a line a machine where that is too wide."""
    body = _square(matrix, style)
    title, key = style["matrix.title"], style["matrix.key"]
    if body is None:
        rows = [summary_of(matrix, name, style) for name in lines_of(matrix)]
        body, key = tabled("matrix", rows, style), style["matrix.summary_key"]
    lines = [title.format(at=clock_ms(matrix.now_ms, style)), "", *body, "", *wrapped(key, style.width, 0)]
    lines += listed(style["matrix.findings"], [said(found, style) for found in matrix.findings], style)
    told = style["matrix.ok"] if matrix.ok else style["matrix.not_ok"].format(count=len(matrix.findings))
    last = style["matrix.reached"].format(reached=matrix.reached, total=len(matrix.probes), told=told)
    code = BOLD + (GREEN if matrix.ok else RED)
    return "\n".join([*lines, "", *(style.paint(line, code) for line in wrapped(last, style.width, 0))])


def matrix_markdown(matrix: Matrix, style: Style = PLAIN) -> str:
    """Return the square as Markdown, a line a machine where that is too wide, and the findings as a list."""
    if len(matrix.machines) > MOST:
        head = [style[code] for code in codes("matrix")]
        rows = [[*summary_of(matrix, one, style).values()] for one in lines_of(matrix)]
    else:
        head = [style["matrix.observer"], *matrix.machines]
        rows = [
            [name_of(one, style), *(_field(matrix, one, name, style)[0] for name in matrix.machines)]
            for one in lines_of(matrix)
        ]
    lines = [f"## {style['matrix.title'].format(at=clock_ms(matrix.now_ms, style))}", "", *piped(head, rows)]
    told = [sentence(found, style, markdown_code) for found in matrix.findings]
    return "\n".join([*lines, *section(style["matrix.findings"], told)])


def matrix_document(matrix: Matrix, lang: str = "en") -> dict[str, Any]:
    """Return the document of `roosync-ops matrix --json`."""
    return {"ok": matrix.ok, "checkedAt": to_iso(matrix.now_ms), **evidence_document(matrix, lang)}


def short(ms: int, style: Style = PLAIN) -> str:
    """Write an age in at most five cells: `12s`, `14m`, `5h`, `11d`."""
    seconds = abs(ms) // 1000
    sign = "-" if ms < 0 and seconds else ""
    for size, unit in ((86_400, style["day"]), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{sign}{seconds // size}{unit}"
    return f"{sign}{seconds}s"


def lines_of(matrix: Matrix) -> list[str]:
    """Return the observers, and below them the machines that are none: what is known of those is self-reported."""
    return [*matrix.observers, *(name for name in matrix.machines if name not in matrix.observers)]


def _field(matrix: Matrix, observer: str, name: str, style: Style) -> tuple[str, str]:
    """Return what stands in one field, and its colour."""
    if observer == name:
        one = matrix.probes.get(name)
        return own_word(matrix, name, style), "" if one is None else _WORD_COLORS.get(one.agent.kind, DIM)
    if observer not in matrix.observers:
        return "", ""
    cell = matrix.cell(observer, name)
    color = YELLOW if cell.lags else COLORS[cell.status]
    if cell.age_ms is None:
        return "-", color
    return "left" if cell.status == "left" else f"{short(cell.age_ms, style)}{SIGNS.get(cell.status, '')}", color


def own_word(matrix: Matrix, name: str, style: Style) -> str:
    """Return in brackets what a machine says of itself; empty where it was not asked."""
    one = matrix.probes.get(name)
    if one is None:
        return ""
    kind = one.agent.kind
    age = matrix.cell(name, name).age_ms
    if kind == "alive":
        return f"[{'?' if age is None else short(age, style)}]"
    if kind == "off" and matrix.is_heard(name):
        kind = "mute"
    return f"[{words(style.lang).get(f'self.{kind}', '?')}]"


def _square(matrix: Matrix, style: Style) -> list[str] | None:
    """Return a line an observer; None where the machines are too many for the width."""
    names, rows = matrix.machines, lines_of(matrix)
    columns = [Column("", [name_of(row, style) for row in rows], 1)]
    for head, name in zip(names_apart(names), names, strict=True):
        fields = [_field(matrix, row, name, style) for row in rows]
        texts, colors = [safe(text) for text, _ in fields], [color for _, color in fields]
        columns.append(Column(head, texts, 1, right=True, colors=colors))
    fits = len(names) <= MOST and (style.width is None or total(columns) <= style.width)
    return lay_out(columns, style) if fits else None


def names_apart(names: tuple[str, ...]) -> list[str]:
    """Return the machines' names without the words that all of them begin with."""
    parts = [name.split("-") for name in names]
    common = 0
    while len(names) > 1 and all(len(part) > common + 1 and part[common] == parts[0][common] for part in parts):
        common += 1
    return ["-".join(part[common:]) for part in parts]


def summary_of(matrix: Matrix, name: str, style: Style) -> dict[str, str]:
    """Return one machine's line: its name, what it reports, how many see it and how fresh, how many it sees lag."""
    others = [one for one in matrix.observers if one != name]
    shown = [matrix.cell(one, name) for one in others]
    ages = sorted(cell.age_ms for cell in shown if cell.age_ms is not None)
    seen = sum(cell.status in ("online", "warning") for cell in shown)
    behind = sum(matrix.cell(name, other).lags for other in matrix.machines if other != name)
    is_machine = name in matrix.machines
    return {
        "machine": name_of(name, style),
        "matrix.own": safe(own_word(matrix, name, style)) if is_machine else "",
        "matrix.seen_by": f"{seen}/{len(others)}" if is_machine else "",
        "matrix.youngest": short(ages[0], style) if ages and is_machine else "-",
        "matrix.oldest": short(ages[-1], style) if ages and is_machine else "-",
        "matrix.lags": f"{behind}/{len(matrix.machines) - is_machine}" if name in matrix.observers else "-",
    }
