"""The sections of the page, each from the verdicts it shows."""

from typing import Final

from roosync_ops.judge import Matrix, probes
from roosync_ops.judge import history as h
from roosync_ops.judge.reports import Dashboard
from roosync_ops.show.dashboard import FLIPS_SHOWN, agent_cells, agent_heads
from roosync_ops.show.history import uptime
from roosync_ops.show.matrix import MOST, SIGNS, SUMMARY_KEYS, lines_of, names_apart, own_word, summary_of
from roosync_ops.show.messages import translated, words
from roosync_ops.show.reasons import basis_line, flip_said, name_of
from roosync_ops.show.table import cells, remarks
from roosync_ops.show.text import duration

from .html import Html, el, hidden, join
from .parts import TableRow, age, folded, listed, mark, moment, sample, section, short_age, status, strip, table, told

#: From so many machines on, what is not as expected comes first.
_RANKED: Final = 24


def machines(board: Dashboard, lang: str) -> Html:
    """The validation table."""
    word, verdicts = words(lang), board.validation.verdicts
    title = word["dashboard.machines"]
    if not verdicts:
        return section("machines", title, el("p", word["empty"]))
    if len(verdicts) > _RANKED:
        verdicts = tuple(sorted(verdicts, key=lambda one: (one.ok, one.reason is None)))
    heads = [word[code] for code in ("machine", "markdown.ok", "expected", "observed", "age", "last_seen", "why")]
    rows = (
        TableRow(
            one.machine_id,
            [
                mark(one.ok, lang),
                one.expected,
                status(one.observed, lang),
                age(one.age_ms, lang),
                moment(one.last_heartbeat_ms),
                cells(one, lang)["why"],
            ],
            not one.ok,
        )
        for one in verdicts
    )
    shown = table("machines", title, heads, rows, lang, "cards fleet")
    return section("machines", title, shown, el("p", basis_line(verdicts, lang), class_="note"))


def todo(board: Dashboard, lang: str) -> Html | None:
    """What is not as expected and why, each with the command that comes next."""
    word = words(lang)
    parts = [
        join(el("h3", word[code]), listed([told(text) for text in texts], lang, "todo"))
        for code, texts in remarks(board.validation, lang).items()
        if texts
    ]
    return section("todo", words(lang)["dashboard.todo"], parts) if parts else None


def week(board: Dashboard, lang: str) -> Html:
    """Each machine's last seven days."""
    word = words(lang)
    title = word["dashboard.week"]
    ends = [el("span", word[code]) for code in ("dashboard.seven", "dashboard.now")]
    axis = el("span", ends, class_="axis", aria_hidden="true")
    labels = [title, word["history.uptime"], word["history.outages"], *(word[f"span.{kind}"] for kind in h.KINDS)]
    heads = [word["machine"], join(hidden(title), axis), *labels[1:]]
    rows = []
    for past in board.pasts:
        totals = [duration(past.total_ms(kind), lang) if past.total_ms(kind) else "-" for kind in h.KINDS]
        rows.append(TableRow(past.machine_id, [strip(past, lang), uptime(past, lang), str(past.outages), *totals]))
    legend = [el("li", sample(kind), " ", word[f"span.{kind}"]) for kind in h.KINDS]
    key = join(el("ul", legend, class_="legend"), el("p", word["dashboard.uptime_key"], class_="note"))
    return section("week", title, table("week", title, heads, rows, lang, "cards history", labels), key)


def flips(board: Dashboard, lang: str) -> Html:
    """The last flips that a watcher reported, the newest first."""
    word = words(lang)
    last, title = board.flips[-FLIPS_SHOWN:][::-1], word["dashboard.flips"]
    if not last:
        return section("flips", title, el("p", word["dashboard.no_flips"], class_="note"))
    heads = [word["dashboard.when"], word["machine"], word["dashboard.what"], word["why"]]
    rows = (
        TableRow(said.at, [said.who, f"{said.was} → {said.to}", told(said.why)])
        for said in (flip_said(one, lang) for one in last)
    )
    content = table("flips", title, heads, rows, lang, "cards flips")
    return section("flips", title, content, el("p", word["dashboard.flips_from"], class_="note"))


def sees(board: Dashboard, lang: str) -> Html:
    """Who sees whom."""
    word, matrix = words(lang), board.matrix
    title = word["dashboard.sees"]
    if matrix is None:
        return section("sees", title, el("p", word["dashboard.not_probed"], class_="note"))
    names, lines = matrix.machines, lines_of(matrix)
    if len(names) <= MOST:
        columns = [el("span", head, title=name) for head, name in zip(names_apart(names), names, strict=True)]
        rows = [TableRow(name_of(one, lang), [_field(matrix, one, name, lang) for name in names]) for one in lines]
        shown = table("sees", title, [word["matrix.observer"], *columns], rows, lang, "square", names)
        return section("sees", title, shown, el("p", word["matrix.key"], class_="note"))
    rows = [TableRow(line[0], line[1:]) for line in (summary_of(matrix, one, lang) for one in lines)]
    shown = table("sees", title, [word[key] for key in SUMMARY_KEYS], rows, lang, "square")
    key = el("p", word["matrix.summary_key"], class_="note")
    return section("sees", title, folded(shown, len(names), "sees", lang), key)


def _field(matrix: Matrix, observer: str, name: str, lang: str) -> Html | str:
    if observer == name:
        return el("span", _own(matrix, name, lang), class_="own")
    if observer not in matrix.observers:
        return ""
    cell = matrix.cell(observer, name)
    if cell.age_ms is None:
        return join("-", hidden(words(lang)["span.unknown"]))
    sign = el("span", SIGNS.get(cell.status, ""), aria_hidden="true")
    kind = "lags" if cell.lags else f"st-{cell.status}"
    said = hidden(f" {cell.status}")
    shown = "left" if cell.status == "left" else join(short_age(cell.age_ms, lang), sign, said)
    return el("span", shown, class_=kind)


def _own(matrix: Matrix, name: str, lang: str) -> Html | str:
    """Return what a machine reports of itself; where that is the age of its last beat, the page counts it on."""
    one, heard = matrix.probes.get(name), matrix.cell(name, name).age_ms
    if one is None or one.agent.kind != probes.RUNNING or heard is None:
        return own_word(matrix, name, lang)
    return join("[", short_age(heard, lang), "]")


def agents(board: Dashboard, lang: str) -> Html:
    """What runs where, against the baseline."""
    word = words(lang)
    title = word["dashboard.versions"]
    rows = (TableRow(name, agent_cells(name, board, lang)) for name in board.installed)
    content = table("agents", title, agent_heads(board, lang), rows, lang, "cards agents")
    lacking = word["dashboard.no_baseline"].format(baseline=board.baseline)
    note = None if board.is_compared else el("p", lacking, class_="note")
    return section("agents", title, folded(content, len(board.installed), "agents", lang), note)


def findings(board: Dashboard, lang: str) -> Html:
    """What was not understood, and who was seen that the inventory does not know."""
    word, seen = words(lang), board.validation
    found = [join(el("code", one.file), f" {one.kind}: {translated(one.detail, lang)}") for one in seen.findings]
    body = listed(found, lang, "findings") if found else el("p", word["dashboard.all_understood"], class_="note")
    strangers = [
        join(el("code", one.machine_id), " ", status(one.observed, lang), " ", moment(one.last_heartbeat_ms))
        for one in seen.unexpected
    ]
    more = section("strangers", word["unexpected"], listed(strangers, lang, "findings")) if strangers else None
    return join(more, section("findings", word["findings"], body))


#: From what is to be done about to what is there beside it.
ORDER: Final = (machines, todo, week, sees, flips, agents, findings)
