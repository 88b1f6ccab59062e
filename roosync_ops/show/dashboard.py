"""The dashboard beside its page: the Markdown twin, for readers without a browser, the badge, and the tool's result."""

import html
from typing import Any, Final

from roosync_ops import __version__
from roosync_ops.judge import Validation
from roosync_ops.judge.reports import Dashboard
from roosync_ops.wire.names import OUR_WORKSPACE
from roosync_ops.wire.status import ONLINE
from roosync_ops.wire.times import to_iso

from .history import history_markdown
from .matrix import matrix_markdown
from .messages import translated
from .reasons import flip_text
from .table import markdown, piped
from .text import PLAIN, Style, age, clock_ms, duration, markdown_code, markdown_safe

#: How many of the last flips are shown.
FLIPS_SHOWN: Final = 20
#: What makes a new one.
COMMAND: Final = "roosync-ops dashboard"
#: White on each has a contrast of more than 4.5.
_GOOD, _BAD, _LABEL = "#17713a", "#b3261e", "#3a3f3c"
#: Pixels a letter takes, in DejaVu Sans of 11 pixels, and what is left and right of a text.
_LETTER: Final = 6.6
_AROUND: Final = 12


def dashboard_markdown(board: Dashboard, style: Style = PLAIN, *, presence: bool = False) -> str:
    """Return the whole dashboard. It begins with when it was made and by whom: it never ages by itself.

    With `presence` it has a line a machine that beats, as services of generation 4.0 read them.
    """
    seen = board.validation
    at = clock_ms(board.at_ms)
    last = board.flips[-FLIPS_SHOWN:][::-1]
    sees = [f"## {style['dashboard.sees']}", style["dashboard.not_probed"]]
    parts = [
        f"# {style['dashboard.title']}",
        f"**{style['dashboard.as_of'].format(at=at, observer=markdown_code(board.observer))}** "
        + style["dashboard.not_now"].format(command=f"`{COMMAND}`"),
        verdict_line(seen.total - seen.as_expected, style) + ".",
        "\n".join(_facts(board, style)),
        markdown(seen, style),
        history_markdown(board.pasts, board.from_ms, board.at_ms, style),
        f"## {style['dashboard.flips']}",
        "\n".join(f"- {markdown_safe(flip_text(flip, style))}" for flip in last) or style["dashboard.no_flips"],
        *(sees if board.matrix is None else [matrix_markdown(board.matrix, style)]),
        "\n".join(_agents(board, style)),
        *(["\n".join(_presence(board))] if presence else []),
        f"---\n\n{style['dashboard.written_by'].format(version=__version__)}",
    ]
    return "\n\n".join(parts) + "\n"


def verdict_line(wrong: int, style: Style) -> str:
    """Say how many machines are not as expected."""
    if wrong == 0:
        return style["dashboard.all_expected"]
    return style["dashboard.one_wrong"] if wrong == 1 else style["dashboard.wrong"].format(count=wrong)


def _presence(board: Dashboard) -> list[str]:
    """Return the protocol's line for each machine that is online by evidence, dated by that evidence."""
    return ["## presence"] + [
        f"### [{one.last_heartbeat}] {one.machine_id}|{OUR_WORKSPACE}"
        for one in board.validation.verdicts
        if one.observed == ONLINE and one.last_heartbeat_ms is not None and one.last_heartbeat_ms <= board.at_ms
    ]


def _facts(board: Dashboard, style: Style) -> list[str]:
    newest = style["dashboard.nothing_heard"]
    if board.newest_ms is not None:
        newest = f"{clock_ms(board.newest_ms)} ({duration(board.at_ms - board.newest_ms, style)})"
    facts = {
        "dashboard.observer": markdown_code(board.observer),
        "dashboard.replica": replica_said(board, style, code=True),
        "dashboard.newest": newest,
        "dashboard.asked": asked_said(board, style),
    }
    return [f"- {style[key]}{style['colon']} {text}" for key, text in facts.items()]


def replica_said(board: Dashboard, style: Style, *, code: bool = False) -> str:
    """Say whose replica was read; escaped for Markdown where `code`, else not escaped."""
    quote = markdown_code if code else str
    if board.replica is not None:
        return quote(board.replica)
    if board.trouble is None:
        return style["dashboard.no_replica"]
    return style["dashboard.replica_trouble"].format(trouble=quote(translated(board.trouble, style.lang)))


def asked_said(board: Dashboard, style: Style) -> str:
    """Say how many machines were asked, and how many answered."""
    if board.matrix is not None:
        asked = list(board.matrix.probes.values())
    else:  # those in doubt alone, where any was
        asked = [row.probe for row in board.validation.verdicts if row.probe is not None]
    if not asked:
        return style["dashboard.not_asked"]
    return style["dashboard.asked_count"].format(reached=sum(one.is_reached for one in asked), total=len(asked))


def _agents(board: Dashboard, style: Style) -> list[str]:
    rows = [[name, *map(markdown_safe, agent_cells(name, board, style))] for name in board.installed]
    heads = [markdown_safe(head) for head in agent_heads(board, style)]
    lacking = markdown_safe(style["dashboard.no_baseline"].format(baseline=board.baseline))
    return [f"## {style['dashboard.agents']}", "", *piped(heads, rows), *([] if board.is_compared else ["", lacking])]


def agent_heads(board: Dashboard, style: Style) -> list[str]:
    """Return what stands over the machine and `agent_cells`. Not escaped."""
    own = [style[code] for code in ("machine", "dashboard.agent", "dashboard.interval", "dashboard.timeout")]
    return [*own, style["dashboard.against"].format(baseline=board.baseline)]


def agent_cells(name: str, board: Dashboard, style: Style) -> list[str]:
    """Return version, interval, timeout and how it compares with the baseline. Not escaped."""
    differing, stated = board.differing(name), board.installed[name] or {}
    if not stated:
        compared = style["dashboard.no_record"]
    elif name == board.baseline:
        compared = style["dashboard.baseline"]
    elif differing is None:
        compared = style["dashboard.not_compared"]
    else:
        compared = ", ".join(differing) or style["dashboard.same"]
    lasts = [age(stated.get(key), style) for key in ("heartbeatInterval", "offlineTimeout")]
    return [stated.get("version") or "-", *lasts, compared]


def badge(validation: Validation, style: Style = PLAIN) -> str:
    """Return `fleet | 4/6 online (66%) | 2026-02-12 10:15Z`, green where all is as expected.

    A picture cannot tell by itself how old it is, so the time of the check is a part of it.
    """
    sign = "✓" if validation.ok else "✗"
    count = f"{sign} {validation.online}/{validation.total} online ({validation.percent}%)"
    day, time = to_iso(validation.checked_at_ms)[:16].split("T")
    label = style["dashboard.badge"]
    parts = [(label, _LABEL), (count, _GOOD if validation.ok else _BAD), (f"{day} {time}Z", _LABEL)]
    name = html.escape(", ".join(text for text, _ in parts))
    drawn, left = [], 0
    for said, color in parts:
        width = round(len(said) * _LETTER) + _AROUND
        at, length = left + width / 2, width - _AROUND
        drawn.append(
            f'<rect x="{left}" width="{width}" height="20" fill="{color}"/>'
            f'<text x="{at:g}" y="14" textLength="{length}" lengthAdjust="spacingAndGlyphs">{html.escape(said)}</text>'
        )
        left += width
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left}" height="20" role="img" aria-label="{name}">'
        f'<title>{name}</title><clipPath id="r"><rect width="{left}" height="20" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)" font-family="DejaVu Sans,Verdana,Geneva,sans-serif" font-size="11" fill="#fff" '
        f'text-anchor="middle">{"".join(drawn)}</g></svg>\n'
    )


def refreshed(board: Dashboard, path: str) -> dict[str, Any]:
    """Return `roosync_refresh_dashboard`'s result, in the protocol's shape.

    What the tool says of a machine's MCP configuration, this says of its heartbeat agent. An *inventory* is what a
    machine says of itself: its own record in the shared state, whatever it is expected to be; `status` tells of that,
    never of the heartbeat. *diffs* counts what a record states otherwise than the baseline's: agent version,
    heartbeatInterval, offlineTimeout, autoSyncEnabled; where the baseline has none it says that, and the machine has an
    inventory all the same, so that the two counts add up to the total.
    Source of the words: scripts/roosync/generate-mcp-dashboard.ps1 of jsboige/roo-extensions.

    `path` is the Markdown twin's, as it is the Markdown file that the tool it is named after returns.
    """
    present = sum(one is not None for one in board.installed.values())
    return {
        "success": True,
        "dashboardPath": path,
        "timestamp": to_iso(board.at_ms),
        "baseline": board.baseline,
        "machines": [_machine(name, board) for name in board.installed],
        "metrics": {
            "totalMachines": len(board.installed),
            "machinesWithInventory": present,
            "machinesWithoutInventory": len(board.installed) - present,
        },
    }


def _machine(name: str, board: Dashboard) -> dict[str, str]:
    differing = board.differing(name)
    if board.installed[name] is None:
        said = "❌ Inventaire manquant", "Bootstrap requis"
    elif name == board.baseline:
        said = "✅ Baseline", "-"
    elif differing is None:
        said = "⚠️ Erreur comparaison", f"Inventaire source introuvable: {board.baseline}"
    else:
        said = "✅ Disponible", f"{len(differing)} diffs"
    return {"id": name, "status": said[0], "diffs": said[1]}
