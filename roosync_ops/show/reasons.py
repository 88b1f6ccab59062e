"""Reasons and flips as words: a few for a cell, one sentence (cause, next step) below it; and what verdicts rest on."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from roosync_ops.judge import HERE, Reason, Verdict
from roosync_ops.judge.verdict import Basis
from roosync_ops.wire.times import to_iso

from . import messages
from .messages import Sentence, translated, words
from .text import PLAIN, Style, clock, clock_ms, duration, safe

#: Facts that are in ms.
_DURATIONS: Final = ("age", "back", "lag", "most", "newer", "unheard")
#: What verdicts rest on, in the order it is told; LATE is asked, and online.
_LATE: Final = "late"
_BASES: Final = dict.fromkeys((Basis.HEARD, Basis.ELSEWHERE, _LATE, *Basis))
#: So many names of one kind are shown; JSON has them all.
_SHOWN: Final = 10


def brief(reason: Reason, style: Style = PLAIN) -> str:
    """Return a few words for a table's cell. Not escaped."""
    text: str = messages.catalogue(style.lang)["reasons"][reason.kind][0]
    return text.format_map(_facts(reason, style))


def said(reason: Reason, style: Style = PLAIN, quote: Callable[[str], str] = str) -> Sentence:
    """Return one sentence, the cause and, where there is one, the next step; apart from it the command for that.

    `quote` is applied to every text that comes from outside; by default nothing is escaped.
    """
    return messages.said(reason.kind, style.lang, _facts(reason, style, quote))


def sentence(reason: Reason, style: Style = PLAIN, quote: Callable[[str], str] = str) -> str:
    """Return what is said, the command at its end."""
    return str(said(reason, style, quote))


def name_of(machine_id: str, style: Style) -> str:
    """Return what an observer or a machine is called."""
    return style["fact.here"] if machine_id == HERE else machine_id


def off_said(off_ms: int, style: Style, brief: str = "") -> str:
    """Return `3 s ahead of`, or brief `3 s ahead`."""
    way = "behind" if off_ms < 0 else "ahead"
    return style[f"fact.clock_{way}{brief}"].format(off=duration(abs(off_ms), style))


def undone_said(facts: Mapping[str, Any], style: Style) -> str:
    """Return what an older service did to a machine's own file, to be put behind what is known of it all the same."""
    undone = facts.get("undone")
    if undone is None:
        return ""
    at, by = facts.get("undone_at"), facts.get("by")
    return style[f"fact.{undone}"].format(
        at="" if at is None else style["fact.at"].format(at=clock_ms(at, style)),
        by="" if by is None else style[f"fact.{facts['by_basis']}"].format(by=by),
    )


def _facts(reason: Reason, style: Style, quote: Callable[[str], str] = str) -> dict[str, str]:
    """Return the facts as texts: ages as durations, times as a reader writes them."""
    given = reason.facts
    age, since, off = given.get("age"), given.get("since"), given.get("off")
    since = to_iso(since) if isinstance(since, int) else since
    facts = {key: quote(value) if isinstance(value, str) else str(value) for key, value in given.items()}
    facts |= {key: duration(given[key], style) for key in _DURATIONS if given.get(key) is not None}
    facts |= {
        "machine": reason.machine_id,
        "name": name_of(reason.machine_id, style),
        "observer_name": name_of(str(given.get("observer") or ""), style),
        "since_when": "" if since is None else style["fact.since"].format(since=clock(since, style)),
        "at": "" if since is None else style["fact.since"].format(since=f"{since[11:16]}Z"),
        "silent": "" if age is None else style["fact.silent"].format(age=facts["age"]),
        "detail": quote(translated(str(given.get("detail") or "?"), style.lang)),
        "because": f" ({facts['why']})" if given.get("why") else "",
        "sign_said": "",
        "undone_said": undone_said(given, style),
    }
    if given.get("sign") is not None:
        source = words(style.lang).get(f"sign.{given['sign_of']}", str(given["sign_of"]))
        facts["sign_said"] = style["fact.sign"].format(age=duration(given["sign"], style), source=source)
    # The agent's own words are its user's language; only what its system said of a refusal has no word of ours.
    trouble = words(style.lang).get(f"share.{given.get('state')}", style["share.refused"])
    facts["trouble"] = trouble.format(detail=facts["detail"])
    if since is not None:
        facts["since"] = clock(since, style)
    if "until" in facts:
        facts["until"] = clock_ms(given["until"], style)
    if isinstance(off, int):
        facts["off_long"], facts["off_short"] = off_said(off, style), off_said(off, style, "_brief")
    if age is None and "age" in facts:
        facts["age"] = style["fact.never_here"]
    facts["ahead"] = "" if reason.ahead_ms is None else duration(reason.ahead_ms, style)
    facts["suspect"] = "" if reason.ahead_ms is None else style["fact.ahead"].format_map(facts)
    facts["heard"] = style["fact.never_here" if age is None else "fact.heard"].format_map(facts)
    return facts


def basis(row: Verdict, style: Style) -> str:
    """Return what one verdict rests on: `heard here`, `late here, asked (through myia-ai-01)`."""
    return f"{style[f'basis.{_basis(row)}']}{_through(row, style)}"


def basis_line(rows: Sequence[Verdict], style: Style) -> str:
    """Return `Basis: heard here 5; late here, asked: myia-web1`: machines heard here are counted, the others named."""
    groups, told = dict[str, list[str]](), list[str]()
    for row in rows:
        groups.setdefault(_basis(row), []).append(f"{row.machine_id}{_through(row, style)}")
    for kind in filter(groups.__contains__, _BASES):
        text, names = style[f"basis.{kind}"], groups[kind]
        more = f" (+{len(names) - _SHOWN})" if len(names) > _SHOWN else ""
        named = f"{style['colon']} {', '.join(names[:_SHOWN])}{more}"
        told.append(f"{text} {len(names)}" if kind == Basis.HEARD else f"{text}{named}")
    return f"{style['basis']}{style['colon']} " + f"{style['semicolon']} ".join(told)


def _basis(row: Verdict) -> str:
    return _LATE if row.rests_on == Basis.ASKED and row.observed == "online" else row.rests_on


def _through(row: Verdict, style: Style) -> str:
    """Name the machine that another was asked through, which this computer does not reach itself."""
    by = None if row.probe is None else row.probe.through
    return "" if by is None else style["fact.through"].format(by=by)


class FlipSaid(NamedTuple):
    """A flip in its JSON form (`Flip.as_dict`, or an entry of the history), in words. Not escaped."""

    at: str
    who: str
    was: str
    to: str
    why: Sentence

    @property
    def change(self) -> str:
        return f"{self.was} -> {self.to}"


def flip_said(flip: Mapping[str, Any], style: Style = PLAIN) -> FlipSaid:
    """Return what is said of a flip, and why as a sentence: the bare word of a reason that is not known."""
    keys = ("at", "machineId", "from", "to", "reason", "detail")
    at, who, was, to, reason, detail = (value if isinstance(value := flip.get(key), str) else "" for key in keys)
    silence = flip.get("silentMs")
    facts = {
        "machine": who,
        "detail": translated(detail, style.lang),
        "detail_after": f": {translated(detail, style.lang)}" if detail else "",
        "since": style["fact.for"].format(length=duration(silence, style)) if type(silence) is int else "",
    }
    why = messages.flip_said(reason, style.lang, facts)
    return FlipSaid(clock(at, style), who or style["fact.share"], was, to, why)


def flip_text(flip: Mapping[str, Any], style: Style = PLAIN) -> str:
    """Return one line for a flip, escaped."""
    said = flip_said(flip, style)
    return safe(f"{said.at}  {said.who}  {said.change}  {said.why}")
