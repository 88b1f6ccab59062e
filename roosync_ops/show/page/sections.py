"""The sections of the page, each from the verdicts it shows."""

from typing import Final

from roosync_ops.judge import Matrix, probes
from roosync_ops.judge import history as h
from roosync_ops.judge.reports import Dashboard
from roosync_ops.show.columns import codes
from roosync_ops.show.dashboard import FLIPS_SHOWN, agent_cells, agent_heads
from roosync_ops.show.history import uptime
from roosync_ops.show.matrix import MOST, SIGNS, lines_of, names_apart, own_word, summary_of
from roosync_ops.show.messages import translated
from roosync_ops.show.reasons import basis_line, flip_said, name_of
from roosync_ops.show.table import cells, remarks
from roosync_ops.show.text import Style, duration

from .html import Html, el, hidden, join
from .parts import TableRow, age, folded, listed, mark, moment, sample, section, short_age, status, strip, table, told

#: From so many machines on, what is not as expected comes first.
_RANKED: Final = 24


def machines(board: Dashboard, style: Style) -> Html:
    """The validation table."""
    verdicts = board.validation.verdicts
    title = style["dashboard.machines"]
    if not verdicts:
        return section("machines", title, el("p", style["empty"]))
    if len(verdicts) > _RANKED:
        verdicts = tuple(sorted(verdicts, key=lambda one: (one.ok, one.reason is None)))
    heads = [style[code] for code in ("machine", "markdown.ok", "expected", "observed", "age", "last_seen", "why")]
    rows = (
        TableRow(
            one.machine_id,
            [
                mark(one.ok, style),
                one.expected,
                status(one.observed, style),
                age(one.age_ms, style),
                moment(one.last_heartbeat_ms),
                cells(one, style)["why"],
            ],
            not one.ok,
        )
        for one in verdicts
    )
    shown = table("machines", title, heads, rows, style, "cards fleet")
    return section("machines", title, shown, el("p", basis_line(verdicts, style), class_="note"))


def todo(board: Dashboard, style: Style) -> Html | None:
    """What is not as expected and why, each with the command that comes next."""
    parts = [
        join(el("h3", style[code]), listed([told(text) for text in texts], style, "todo"))
        for code, texts in remarks(board.validation, style).items()
        if texts
    ]
    return section("todo", style["dashboard.todo"], parts) if parts else None


def week(board: Dashboard, style: Style) -> Html:
    """Each machine's last seven days."""
    title = style["dashboard.week"]
    ends = [el("span", style[code]) for code in ("dashboard.seven", "dashboard.now")]
    axis = el("span", ends, class_="axis", aria_hidden="true")
    labels = [title, style["history.uptime"], style["history.outages"], *(style[f"span.{kind}"] for kind in h.KINDS)]
    heads = [style["machine"], join(hidden(title), axis), *labels[1:]]
    rows = []
    for past in board.pasts:
        totals = [duration(past.total_ms(kind), style) if past.total_ms(kind) else "-" for kind in h.KINDS]
        rows.append(TableRow(past.machine_id, [strip(past, style), uptime(past, style), str(past.outages), *totals]))
    legend = [el("li", sample(kind), " ", style[f"span.{kind}"]) for kind in h.KINDS]
    key = join(el("ul", legend, class_="legend"), el("p", style["dashboard.uptime_key"], class_="note"))
    return section("week", title, table("week", title, heads, rows, style, "cards history", labels), key)


def flips(board: Dashboard, style: Style) -> Html:
    """The last flips that a watcher reported, the newest first."""
    last, title = board.flips[-FLIPS_SHOWN:][::-1], style["dashboard.flips"]
    if not last:
        return section("flips", title, el("p", style["dashboard.no_flips"], class_="note"))
    heads = [style["dashboard.when"], style["machine"], style["dashboard.what"], style["why"]]
    rows = (
        TableRow(said.at, [said.who, f"{said.was} → {said.to}", told(said.why)])
        for said in (flip_said(one, style) for one in last)
    )
    content = table("flips", title, heads, rows, style, "cards flips")
    return section("flips", title, content, el("p", style["dashboard.flips_from"], class_="note"))


def sees(board: Dashboard, style: Style) -> Html:
    """Who sees whom."""
    matrix = board.matrix
    title = style["dashboard.sees"]
    if matrix is None:
        return section("sees", title, el("p", style["dashboard.not_probed"], class_="note"))
    names, lines = matrix.machines, lines_of(matrix)
    if len(names) <= MOST:
        columns = [el("span", head, title=name) for head, name in zip(names_apart(names), names, strict=True)]
        rows = [TableRow(name_of(one, style), [_field(matrix, one, name, style) for name in names]) for one in lines]
        shown = table("sees", title, [style["matrix.observer"], *columns], rows, style, "square", names)
        return section("sees", title, shown, el("p", style["matrix.key"], class_="note"))
    rows = [TableRow(first, more) for first, *more in (summary_of(matrix, one, style).values() for one in lines)]
    shown = table("sees", title, [style[code] for code in codes("matrix")], rows, style, "square")
    key = el("p", style["matrix.summary_key"], class_="note")
    return section("sees", title, folded(shown, len(names), "sees", style), key)


def _field(matrix: Matrix, observer: str, name: str, style: Style) -> Html | str:
    if observer == name:
        return el("span", _own(matrix, name, style), class_="own")
    if observer not in matrix.observers:
        return ""
    cell = matrix.cell(observer, name)
    if cell.age_ms is None:
        return join("-", hidden(style["span.unknown"]))
    sign = el("span", SIGNS.get(cell.status, ""), aria_hidden="true")
    kind = "lags" if cell.lags else f"st-{cell.status}"
    said = hidden(f" {cell.status}")
    shown = "left" if cell.status == "left" else join(short_age(cell.age_ms, style), sign, said)
    return el("span", shown, class_=kind)


def _own(matrix: Matrix, name: str, style: Style) -> Html | str:
    """Return what a machine reports of itself; where that is the age of its last beat, the page counts it on."""
    one, heard = matrix.probes.get(name), matrix.cell(name, name).age_ms
    if one is None or one.agent.kind != probes.RUNNING or heard is None:
        return own_word(matrix, name, style)
    return join("[", short_age(heard, style), "]")


def agents(board: Dashboard, style: Style) -> Html:
    """What runs where, against the baseline."""
    title = style["dashboard.versions"]
    rows = (TableRow(name, agent_cells(name, board, style)) for name in board.installed)
    content = table("agents", title, agent_heads(board, style), rows, style, "cards agents")
    lacking = style["dashboard.no_baseline"].format(baseline=board.baseline)
    note = None if board.is_compared else el("p", lacking, class_="note")
    return section("agents", title, folded(content, len(board.installed), "agents", style), note)


def findings(board: Dashboard, style: Style) -> Html:
    """What was not understood, and who was seen that the inventory does not know."""
    seen = board.validation
    found = [join(el("code", one.file), f" {one.kind}: {translated(one.detail, style.lang)}") for one in seen.findings]
    body = listed(found, style, "findings") if found else el("p", style["dashboard.all_understood"], class_="note")
    strangers = [
        join(el("code", one.machine_id), " ", status(one.observed, style), " ", moment(one.last_heartbeat_ms))
        for one in seen.unexpected
    ]
    more = section("strangers", style["unexpected"], listed(strangers, style, "findings")) if strangers else None
    return join(more, section("findings", style["findings"], body))


#: From what is to be done about to what is there beside it.
ORDER: Final = (machines, todo, week, sees, flips, agents, findings)
