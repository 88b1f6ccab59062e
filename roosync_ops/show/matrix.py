"""Who sees whom, as a table, Markdown or JSON. A row is one replica; brackets hold what a machine reports of itself."""

from typing import Any, Final

from roosync_ops.judge import Matrix
from roosync_ops.wire.times import to_iso

from .columns import BOLD, COLORS, DIM, GREEN, RED, YELLOW, Column, codes, lay_out, paint, tabled, total
from .document import evidence_document
from .messages import words
from .reasons import name_of, said, sentence
from .table import listed, piped
from .text import clock_ms, local, markdown_code, safe, wrapped

#: A status that is not online has its sign behind the age, so that no colour is needed to see it.
SIGNS: Final = {"warning": "?", "offline": "!"}
_WORD_COLORS: Final = {"alive": GREEN, "stuck": YELLOW, "silent": RED, "gone": RED, "no-agent": RED}
#: From so many machines on a square of them is unreadable.
MOST: Final = 24


@local()
def matrix_table(matrix: Matrix, lang: str = "en", width: int | None = None, *, color: bool = False) -> str:
    """Return who sees whom in `width` cells (None: any): a square, or a line a machine where that is too wide."""
    word = words(lang)
    body = _square(matrix, lang, width, color=color)
    title, key = word["matrix.title"], word["matrix.key"]
    if body is None:
        rows = [summary_of(matrix, name, lang) for name in lines_of(matrix)]
        body, key = tabled("matrix", rows, lang, width, color=color), word["matrix.summary_key"]
    lines = [title.format(at=clock_ms(matrix.now_ms)), "", *body, "", *wrapped(key, width, 0)]
    lines += listed(word["matrix.findings"], [said(found, lang) for found in matrix.findings], lang, width, color=color)
    told = word["matrix.ok"] if matrix.ok else word["matrix.not_ok"].format(count=len(matrix.findings))
    last = word["matrix.reached"].format(reached=matrix.reached, total=len(matrix.probes), told=told)
    style = BOLD + (GREEN if matrix.ok else RED) if color else ""
    return "\n".join([*lines, "", *(paint(line, style) for line in wrapped(last, width, 0))])


def matrix_markdown(matrix: Matrix, lang: str = "en") -> str:
    """Return the square as Markdown, a line a machine where that is too wide, and the findings as a list."""
    word = words(lang)
    if len(matrix.machines) > MOST:
        head = [word[code] for code in codes("matrix")]
        rows = [[*summary_of(matrix, one, lang).values()] for one in lines_of(matrix)]
    else:
        head = [word["matrix.observer"], *matrix.machines]
        rows = [
            [name_of(one, lang), *(_field(matrix, one, name, lang)[0] for name in matrix.machines)]
            for one in lines_of(matrix)
        ]
    lines = [f"## {word['matrix.title'].format(at=clock_ms(matrix.now_ms))}", ""]
    lines += piped(head, rows)
    if matrix.findings:
        lines += ["", f"### {word['matrix.findings']}", ""]
        lines += [f"- {sentence(found, lang, markdown_code)}" for found in matrix.findings]
    return "\n".join(lines)


def matrix_document(matrix: Matrix, lang: str = "en") -> dict[str, Any]:
    """Return the document of `roosync-ops matrix --json`."""
    return {"ok": matrix.ok, "checkedAt": to_iso(matrix.now_ms), **evidence_document(matrix, lang)}


def short(ms: int, lang: str = "en") -> str:
    """Write an age in at most five cells: `12s`, `14m`, `5h`, `11d`."""
    seconds = abs(ms) // 1000
    sign = "-" if ms < 0 and seconds else ""
    for size, unit in ((86_400, words(lang)["day"]), (3600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{sign}{seconds // size}{unit}"
    return f"{sign}{seconds}s"


def lines_of(matrix: Matrix) -> list[str]:
    """Return the observers, and below them the machines that are none: what is known of those is self-reported."""
    return [*matrix.observers, *(name for name in matrix.machines if name not in matrix.observers)]


def _field(matrix: Matrix, observer: str, name: str, lang: str) -> tuple[str, str]:
    """Return what stands in one field, and its colour."""
    if observer == name:
        one = matrix.probes.get(name)
        return own_word(matrix, name, lang), "" if one is None else _WORD_COLORS.get(one.agent.kind, DIM)
    if observer not in matrix.observers:
        return "", ""
    cell = matrix.cell(observer, name)
    color = YELLOW if cell.lags else COLORS[cell.status]
    if cell.age_ms is None:
        return "-", color
    return "left" if cell.status == "left" else f"{short(cell.age_ms, lang)}{SIGNS.get(cell.status, '')}", color


def own_word(matrix: Matrix, name: str, lang: str) -> str:
    """Return in brackets what a machine says of itself; empty where it was not asked."""
    one = matrix.probes.get(name)
    if one is None:
        return ""
    kind = one.agent.kind
    age = matrix.cell(name, name).age_ms
    if kind == "alive":
        return f"[{'?' if age is None else short(age, lang)}]"
    if kind == "off" and matrix.is_heard(name):
        kind = "mute"
    return f"[{words(lang).get(f'self.{kind}', '?')}]"


def _square(matrix: Matrix, lang: str, width: int | None, *, color: bool) -> list[str] | None:
    """Return a line an observer; None where the machines are too many for the width."""
    names, rows = matrix.machines, lines_of(matrix)
    columns = [Column("", [name_of(row, lang) for row in rows], 1)]
    for head, name in zip(names_apart(names), names, strict=True):
        fields = [_field(matrix, row, name, lang) for row in rows]
        texts, colors = [safe(text) for text, _ in fields], [color for _, color in fields]
        columns.append(Column(head, texts, 1, right=True, colors=colors))
    fits = len(names) <= MOST and (width is None or total(columns) <= width)
    return lay_out(columns, width, color=color) if fits else None


def names_apart(names: tuple[str, ...]) -> list[str]:
    """Return the machines' names without the words that all of them begin with."""
    parts = [name.split("-") for name in names]
    common = 0
    while len(names) > 1 and all(len(part) > common + 1 and part[common] == parts[0][common] for part in parts):
        common += 1
    return ["-".join(part[common:]) for part in parts]


def summary_of(matrix: Matrix, name: str, lang: str) -> dict[str, str]:
    """Return one machine's line: its name, what it reports, how many see it and how fresh, how many it sees lag."""
    others = [one for one in matrix.observers if one != name]
    shown = [matrix.cell(one, name) for one in others]
    ages = sorted(cell.age_ms for cell in shown if cell.age_ms is not None)
    seen = sum(cell.status in ("online", "warning") for cell in shown)
    behind = sum(matrix.cell(name, other).lags for other in matrix.machines if other != name)
    is_machine = name in matrix.machines
    return {
        "machine": name_of(name, lang),
        "matrix.own": safe(own_word(matrix, name, lang)) if is_machine else "",
        "matrix.seen_by": f"{seen}/{len(others)}" if is_machine else "",
        "matrix.youngest": short(ages[0], lang) if ages and is_machine else "-",
        "matrix.oldest": short(ages[-1], lang) if ages and is_machine else "-",
        "matrix.lags": f"{behind}/{len(matrix.machines) - is_machine}" if name in matrix.observers else "-",
    }
