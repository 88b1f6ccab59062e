"""The sections of the page, each from the verdicts it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from roosync_ops.judge import history as h
from roosync_ops.judge import probes
from roosync_ops.show.dashboard_markdown import FLIPS_SHOWN, agent_cells
from roosync_ops.show.evidence_reasons import name_of
from roosync_ops.show.flips import said as flip_said
from roosync_ops.show.history import uptime
from roosync_ops.show.matrix import MOST, SIGNS, SUMMARY_KEYS, lines_of, names_apart, own_word, summary_of
from roosync_ops.show.messages import words
from roosync_ops.show.reasons import brief, said
from roosync_ops.show.table import beside
from roosync_ops.show.text import clock, duration

from .ages import age, moment, short_age
from .html import Html, el, hidden, join
from .parts import folded, listed, mark, row, section, status, table, told
from .strip import sample, strip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from roosync_ops.judge import Matrix, Verdict
    from roosync_ops.judge.dashboard import Dashboard
    from roosync_ops.judge.history import Past

#: From so many machines on, what is not as expected comes first.
_RANKED: Final = 24


def machines(board: Dashboard, lang: str) -> Html:
    """The validation table."""
    word, verdicts = words(lang), board.validation.verdicts
    if not verdicts:
        return section("machines", words(lang)["dashboard.machines"], el("p", word["empty"]))
    if len(verdicts) > _RANKED:
        verdicts = tuple(sorted(verdicts, key=lambda one: (one.ok, one.reason is None)))
    labels = [word["markdown.ok"], word["expected"], word["observed"], word["age"], word["last_seen"], word["why"]]
    body = [_machine(one, labels, lang) for one in verdicts]
    title = words(lang)["dashboard.machines"]
    return section("machines", title, table("machines", title, [word["machine"], *labels], body, lang, "cards fleet"))


def _machine(one: Verdict, labels: Sequence[str], lang: str) -> Html:
    why = brief(one.reason, lang) if one.reason is not None else one.why or ""
    cells = [
        mark(one.ok, lang),
        one.expected,
        status(one.observed, lang),
        age(one.age_ms, lang),
        moment(one.last_heartbeat_ms),
        why,
    ]
    return row(one.machine_id, cells, labels, None if one.ok else "bad")


def todo(board: Dashboard, lang: str) -> Html | None:
    """What is not as expected and why, each with the command that comes next."""
    word, verdicts = words(lang), board.validation.verdicts
    lists = {
        word["not_as_expected"]: [said(one.reason, lang) for one in verdicts if one.reason and not one.ok],
        word["look_at"]: [said(one.reason, lang) for one in verdicts if one.reason and one.ok],
        word["probe"]: [said(found, lang) for found in beside(board.validation)],
    }
    parts = [
        join(el("h3", title), listed([told(text) for text in texts], lang, "todo"))
        for title, texts in lists.items()
        if texts
    ]
    return section("todo", words(lang)["dashboard.todo"], parts) if parts else None


def week(board: Dashboard, lang: str) -> Html:
    """Each machine's last seven days."""
    word = words(lang)
    labels = [
        word["dashboard.week"],
        word["history.uptime"],
        word["history.outages"],
        *(word[f"span.{kind}"] for kind in h.KINDS),
    ]
    axis = el(
        "span",
        el("span", word["dashboard.seven"]),
        el("span", word["dashboard.now"]),
        class_="axis",
        aria_hidden="true",
    )
    body = [_week(past, labels, lang) for past in board.pasts]
    columns = [word["machine"], join(hidden(word["dashboard.week"]), axis), *labels[1:]]
    legend = [el("li", sample(kind), " ", word[f"span.{kind}"]) for kind in h.KINDS]
    key = join(el("ul", legend, class_="legend"), el("p", word["dashboard.uptime_key"], class_="note"))
    return section(
        "week", word["dashboard.week"], table("week", word["dashboard.week"], columns, body, lang, "cards history"), key
    )


def _week(past: Past, labels: Sequence[str], lang: str) -> Html:
    totals = [duration(past.total_ms(kind), lang) if past.total_ms(kind) else "-" for kind in h.KINDS]
    return row(past.machine_id, [strip(past, lang), uptime(past, lang), str(past.outages), *totals], labels)


def flips(board: Dashboard, lang: str) -> Html:
    """The last flips that a watcher told, the newest first."""
    word = words(lang)
    last = board.flips[-FLIPS_SHOWN:][::-1]
    if not last:
        return section("flips", word["dashboard.flips"], el("p", word["dashboard.no_flips"], class_="note"))
    columns = [word["dashboard.when"], word["machine"], word["dashboard.what"], word["why"]]
    body = [_flip(one, columns[1:], lang) for one in last]
    content = table("flips", word["dashboard.flips"], columns, body, lang, "cards flips")
    return section("flips", word["dashboard.flips"], content, el("p", word["dashboard.flips_from"], class_="note"))


def _flip(one: Mapping[str, Any], labels: Sequence[str], lang: str) -> Html:
    at, who = one.get("at"), one.get("machineId")
    change = f"{one.get('from')} → {one.get('to')}"
    cells = [who if isinstance(who, str) else words(lang)["fact.share"], change, told(flip_said(one, lang))]
    return row(clock(at) if isinstance(at, str) else "-", cells, labels)


def sees(board: Dashboard, lang: str) -> Html:
    """Who sees whom."""
    word, matrix = words(lang), board.matrix
    if matrix is None:
        return section("sees", word["dashboard.sees"], el("p", word["dashboard.not_probed"], class_="note"))
    square = len(matrix.machines) <= MOST
    content = _square(matrix, lang) if square else _summary(matrix, lang)
    key = words(lang)["matrix.key" if square else "matrix.summary_key"]
    count = 0 if square else len(matrix.machines)
    return section("sees", word["dashboard.sees"], folded(content, count, "sees", lang), el("p", key, class_="note"))


def _square(matrix: Matrix, lang: str) -> Html:
    names = matrix.machines
    corner = words(lang)["matrix.observer"]
    columns = [el("span", head, title=name) for head, name in zip(names_apart(names), names, strict=True)]
    body = [
        row(name_of(one, lang), [_field(matrix, one, name, lang) for name in names], names) for one in lines_of(matrix)
    ]
    return table("sees", words(lang)["dashboard.sees"], [corner, *columns], body, lang, "square")


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
    """Return a machine's own word; where it is the age of its last beat, that counts on."""
    one, heard = matrix.probes.get(name), matrix.cell(name, name).age_ms
    if one is None or one.agent.kind != probes.RUNNING or heard is None:
        return own_word(matrix, name, lang)
    return join("[", short_age(heard, lang), "]")


def _summary(matrix: Matrix, lang: str) -> Html:
    word = words(lang)
    columns = [word[key] for key in SUMMARY_KEYS]
    body = [
        row(line[0], line[1:], columns[1:]) for line in (summary_of(matrix, name, lang) for name in lines_of(matrix))
    ]
    return table("sees", words(lang)["dashboard.sees"], columns, body, lang, "square")


def agents(board: Dashboard, lang: str) -> Html:
    """What runs where, against the baseline."""
    word = words(lang)
    labels = [
        word["dashboard.agent"],
        word["dashboard.interval"],
        word["dashboard.timeout"],
        word["dashboard.against"].format(baseline=board.baseline),
    ]
    body = [row(one.machine_id, agent_cells(one, board, lang), labels) for one in board.installed]
    content = table("agents", word["dashboard.versions"], [word["machine"], *labels], body, lang, "cards agents")
    note = (
        None
        if board.is_compared
        else el("p", word["dashboard.no_baseline"].format(baseline=board.baseline), class_="note")
    )
    return section("agents", word["dashboard.versions"], folded(content, len(board.installed), "agents", lang), note)


def findings(board: Dashboard, lang: str) -> Html:
    """What was not understood, and who was seen that the inventory does not know."""
    word, seen = words(lang), board.validation
    found = [join(el("code", one.file), f" {one.kind}: {one.detail}") for one in seen.findings]
    body = listed(found, lang, "findings") if found else el("p", word["dashboard.all_understood"], class_="note")
    strangers = [
        join(el("code", one.machine_id), " ", status(one.observed, lang), " ", moment(one.last_heartbeat_ms))
        for one in seen.unexpected
    ]
    more = section("strangers", word["unexpected"], listed(strangers, lang, "findings")) if strangers else None
    return join(more, section("findings", word["findings"], body))
