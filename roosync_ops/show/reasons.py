"""A reason's kind and facts as words: a few for the table, one sentence (cause and next step) below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from roosync_ops.wire.times import to_iso

from . import evidence_reasons, messages
from .messages import Said, words
from .text import clock, clock_ms, duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from roosync_ops.judge import Reason

#: Facts that are in ms.
_DURATIONS: Final = ("age", "lag", "most", "newer", "unheard")


def brief(reason: Reason, lang: str = "en") -> str:
    """Return a few words for a table's cell. Not escaped."""
    return messages.brief(reason.kind, lang, _facts(reason, lang))


def said(reason: Reason, lang: str = "en", quote: Callable[[str], str] = str) -> Said:
    """Return one sentence, the cause and, where there is one, the next step; apart from it the command for that.

    `quote` is applied to every text that comes from outside; by default nothing is escaped.
    """
    return messages.said(reason.kind, lang, _facts(reason, lang, quote))


def sentence(reason: Reason, lang: str = "en", quote: Callable[[str], str] = str) -> str:
    """Return what is said, the command at its end."""
    return str(said(reason, lang, quote))


def _facts(reason: Reason, lang: str, quote: Callable[[str], str] = str) -> dict[str, str]:
    """Return the facts as texts: ages as durations, times as a reader writes them."""
    word = words(lang)
    facts = {key: quote(value) if isinstance(value, str) else str(value) for key, value in reason.facts.items()}
    age, since = reason.facts.get("age"), reason.facts.get("since")
    facts.update({key: duration(reason.facts[key], lang) for key in _DURATIONS if reason.facts.get(key) is not None})
    written = to_iso(since) if isinstance(since, int) else since
    facts.update(evidence_reasons.facts(reason.machine_id, reason.facts, written, lang, quote))
    if written is not None:
        facts["since"] = clock(written)
    if "until" in facts:
        facts["until"] = clock_ms(reason.facts["until"])
    if reason.ahead_ms is not None:
        facts["ahead"] = duration(reason.ahead_ms, lang)
    facts["machine"] = reason.machine_id
    if age is None and "age" in facts:
        facts["age"] = word["fact.never_here"]
    facts["because"] = f" ({facts['why']})" if reason.facts.get("why") else ""
    facts["suspect"] = "" if reason.ahead_ms is None else word["fact.ahead"].format_map(facts)
    facts["sign_said"] = _sign_said(reason.facts, lang)
    facts["undone_said"] = undone_said(reason.facts, lang)
    facts["heard"] = word["fact.never_here" if age is None else "fact.heard"].format_map(facts)
    return facts


def undone_said(facts: Mapping[str, Any], lang: str) -> str:
    """Return what an older service did to a machine's own file, to be put behind what is known of it all the same."""
    word, undone = words(lang), facts.get("undone")
    if undone is None:
        return ""
    at, by = facts.get("undone_at"), facts.get("by")
    return word[f"fact.{undone}"].format(
        at="" if at is None else word["fact.at"].format(at=clock_ms(at)),
        by="" if by is None else word[f"fact.{facts['by_basis']}"].format(by=by),
    )


def _sign_said(facts: Mapping[str, Any], lang: str) -> str:
    if facts.get("sign") is None:
        return ""
    word, source = words(lang), str(facts["sign_of"])
    return word["fact.sign"].format(age=duration(facts["sign"], lang), source=word.get(f"sign.{source}", source))
