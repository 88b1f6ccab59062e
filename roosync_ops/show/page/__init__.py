"""The dashboard as one HTML page that needs nothing else: no network, no font, no file beside it.

It is opened from a synced folder, hours later perhaps, so as it is written it says that it is not current; its script
takes that back only while it is. Without its script it stays so.
"""

import base64
import hashlib
from functools import cache
from importlib.resources import files

from roosync_ops import __version__
from roosync_ops.judge.reports import Dashboard
from roosync_ops.show.dashboard import COMMAND, asked_said, replica_said, verdict_line
from roosync_ops.show.messages import headline, translated
from roosync_ops.show.text import PLAIN, Style, clock, clock_ms

from . import sections
from .html import Html, el, join, text
from .parts import age, moment


def page(board: Dashboard, style: Style = PLAIN) -> str:
    """Return the whole document, as a file."""
    return document(board, style, fragment(board, style), live=False)


def document(board: Dashboard, style: Style, content: Html, *, live: bool) -> str:
    """Return the whole document around a `fragment`; a `live` one asks the server it came from for what is new."""
    seen = board.validation
    then = f"{style['dashboard.at']} {clock(seen.checked_at)}"
    title = f"{headline(seen.online, seen.total)} {then} · roosync-ops"
    facts = {
        "language": style["language"],
        "title": title,
        "skip": style["dashboard.skip"],
        "policy": policy(live=live),
    }
    parts = {"style": _asset("page.css"), "content": content, "script": _asset("page.js")}
    return _asset("page.html").format(**{name: text(fact) for name, fact in facts.items()}, **parts)


def fragment(
    board: Dashboard, style: Style = PLAIN, *, live: bool = False, trouble: str | None = None, key: str | None = None
) -> Html:
    """Return what changes from look to look; `trouble` is why the last look failed, `key` what this one goes by."""
    parts = [section(board, style) for section in sections.ORDER]
    updated = f" {style['dashboard.updated']}" if live else None
    footer = el("footer", style["dashboard.written_by"].format(version=__version__), updated)
    content = [_banner(board, style, trouble), _header(board, style), el("main", parts), footer]
    data = {
        "data_checked": board.at_ms,
        "data_fresh": board.fresh_ms,
        "data_live": live,
        "data_trouble": trouble is not None,
        "data_key": key,
    }
    return el("div", content, id="page", **data)


def policy(*, live: bool) -> str:
    """Return the Content-Security-Policy: this very script and style, and nothing from anywhere."""
    connect = "'self'" if live else "'none'"
    return (
        f"default-src 'none'; script-src '{_hash('page.js')}'; style-src '{_hash('page.css')}'; img-src data:; "
        f"connect-src {connect}; base-uri 'none'; form-action 'none'"
    )


def _banner(board: Dashboard, style: Style, trouble: str | None) -> Html:
    at = clock_ms(board.at_ms)
    since = join(" (", el("span", data_age=0), f" {style['dashboard.ago']})")
    new = _with_command(style["dashboard.stale_old_after"], COMMAND)
    old = join(style["dashboard.stale_old"].format(at=at), el("span", since, class_="since"), ". ", new)
    texts = {
        "old": old,
        "gone": _with_command(style["dashboard.stale_gone"], f"{COMMAND} --serve"),
        "skew": style["dashboard.stale_skew"],
        "trouble": trouble and style["dashboard.stale_trouble"].format(trouble=translated(trouble, style.lang)),
    }
    lines = [el("p", text, data_when=when, hidden=when != "old") for when, text in texts.items() if text is not None]
    stale = style["dashboard.stale"]
    return el("aside", el("strong", stale), lines, class_="banner", id="banner", aria_label=stale)


def _with_command(text: str, command: str) -> Html:
    before, _, after = text.partition("{command}")
    return join(before, el("code", command), after)


def _header(board: Dashboard, style: Style) -> Html:
    seen = board.validation
    wrong = seen.total - seen.as_expected
    newest = style["dashboard.nothing_heard"]
    if board.newest_ms is not None:
        newest = join(moment(board.newest_ms), " · ", age(board.at_ms - board.newest_ms, style))
    facts = {
        "dashboard.checked": join(moment(board.at_ms), " · ", age(0, style)),
        "dashboard.observer": board.observer,
        "dashboard.replica": replica_said(board, style),
        "dashboard.newest": newest,
        "dashboard.asked": asked_said(board, style),
    }
    then = el("span", f" {style['dashboard.at']} {clock_ms(board.at_ms)}", class_="was")
    return el(
        "header",
        el("p", style["dashboard.title"], class_="brand"),
        el("h1", headline(seen.online, seen.total), then),
        el("p", verdict_line(wrong, style), class_="verdict bad" if wrong else "verdict good"),
        el("dl", [el("div", el("dt", style[key]), el("dd", value)) for key, value in facts.items()]),
    )


@cache
def _asset(name: str) -> str:
    return files(__package__ or "roosync_ops.show.page").joinpath(name).read_text(encoding="utf-8")


@cache
def _hash(name: str) -> str:
    digest = hashlib.sha256(_asset(name).encode("utf-8")).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")
