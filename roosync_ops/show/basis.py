"""What each verdict rests on, in words: of one machine, and of all in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from roosync_ops.judge.verdict import Basis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roosync_ops.judge import Verdict

_EN: Final = {
    Basis.HEARD: "heard here",
    Basis.ELSEWHERE: "heard by other replicas",
    "late": "late here, asked",
    Basis.ASKED: "asked",
    Basis.UNREACHABLE: "silent and unreachable",
    Basis.COULD_NOT_ASK: "silent, could not be asked",
    Basis.NO_AGENT: "silent, no agent to ask",
    Basis.NOT_ASKED: "silent, not asked",
}
_FR: Final = {
    Basis.HEARD: "entendue ici",
    Basis.ELSEWHERE: "entendue par d'autres répliques",
    "late": "en retard ici, interrogée",
    Basis.ASKED: "interrogée",
    Basis.UNREACHABLE: "muette et injoignable",
    Basis.COULD_NOT_ASK: "muette, non interrogeable",
    Basis.NO_AGENT: "muette, sans agent à interroger",
    Basis.NOT_ASKED: "muette, non interrogée",
}
#: So many names of one kind are shown; JSON has them all.
_SHOWN: Final = 10


def basis(row: Verdict, lang: str) -> str:
    """Return what one verdict rests on: `heard here`, `late here, asked (through myia-ai-01)`."""
    return f"{(_FR if lang == 'fr' else _EN)[_kind(row)]}{_through(row, lang)}"


def basis_line(rows: Sequence[Verdict], lang: str) -> str:
    """Return `Basis: heard here 5; late here, asked: myia-web1`: machines heard here are counted, the others named."""
    texts, groups = _FR if lang == "fr" else _EN, dict[str, list[str]]()
    for row in rows:
        groups.setdefault(_kind(row), []).append(f"{row.machine_id}{_through(row, lang)}")
    told = [_told(text, groups[kind], kind == Basis.HEARD, lang) for kind, text in texts.items() if kind in groups]
    return f"{'Fondement :' if lang == 'fr' else 'Basis:'} {'; '.join(told)}"


def _kind(row: Verdict) -> str:
    return "late" if row.rests_on == Basis.ASKED and row.observed == "online" else row.rests_on


def _through(row: Verdict, lang: str) -> str:
    """Name the machine that another was asked through, which this computer does not reach itself."""
    by = None if row.probe is None else row.probe.through
    return "" if by is None else f" ({'par' if lang == 'fr' else 'through'} {by})"


def _told(text: str, names: list[str], counted: bool, lang: str) -> str:
    if counted:
        return f"{text} {len(names)}"
    more = f" (+{len(names) - _SHOWN})" if len(names) > _SHOWN else ""
    return f"{text}{' :' if lang == 'fr' else ':'} {', '.join(names[:_SHOWN])}{more}"
