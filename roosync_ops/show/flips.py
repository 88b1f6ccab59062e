"""A flip as one line, in either language; whatever came from outside leaves it escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from roosync_ops import typed
from roosync_ops.judge import flip as f

from .text import clock, duration, safe

if TYPE_CHECKING:
    from collections.abc import Mapping

_EN: Final = {
    f.FIRST_BEAT: "first heartbeat seen",
    f.BEATS_AGAIN: "beats again",
    f.STARTED_AGAIN: "started again after its stop on purpose",
    f.STOPPED: "stopped on purpose",
    f.SILENT: "silent{since}, while others were heard; next: roosync-ops restart --limit {machine}",
    f.SILENT_ALONE: ("silent{since}; nobody else beats here, so it may be the share: roosync-ops matrix"),
    f.AGENT_GONE: "its agent is gone{since}, as the machine says; next: roosync-ops restart --limit {machine}",
    f.UNREACHABLE: "silent{since}, and nobody reaches it; see why: roosync-ops diagnose {machine}",
    f.RECORD_GONE: "its record is gone from the share, which tells nothing of the machine; next: roosync-ops status",
    f.FLAPPING: "comes and goes ({detail}): no more of it until it settles",
    f.SETTLED: "has settled",
    f.SHARE_SILENT: "no heartbeat of anybody comes in; suspect this replica or the share before the machines: "
    "roosync-ops matrix",
    f.SHARE_SUSPECT: "most machines look gone at once; suspect this replica or the share before them: "
    "roosync-ops matrix",
    f.SHARE_UNAVAILABLE: "cannot be read{detail_after}",
    f.SHARE_BACK: "heartbeats come in again",
}
_FR: Final = {
    f.FIRST_BEAT: "premier heartbeat vu",
    f.BEATS_AGAIN: "bat de nouveau",
    f.STARTED_AGAIN: "relancée après son arrêt volontaire",
    f.STOPPED: "arrêtée exprès",
    f.SILENT: "muette{since}, alors que d'autres battent ; la relancer : roosync-ops restart --limit {machine}",
    f.SILENT_ALONE: ("muette{since} ; personne d'autre ne bat ici, ce peut être le partage : roosync-ops matrix"),
    f.AGENT_GONE: "agent parti{since}, dit la machine ; le relancer : roosync-ops restart --limit {machine}",
    f.UNREACHABLE: "muette{since}, et personne ne l'atteint ; voir pourquoi : roosync-ops diagnose {machine}",
    f.RECORD_GONE: "son fichier a disparu du partage, ce qui ne dit rien de la machine ; voir : roosync-ops status",
    f.FLAPPING: "va et vient ({detail}) : plus un mot d'elle avant qu'elle ne se stabilise",
    f.SETTLED: "s'est stabilisée",
    f.SHARE_SILENT: "plus aucun heartbeat n'arrive ; soupçonner cette réplique ou le partage avant les machines : "
    "roosync-ops matrix",
    f.SHARE_SUSPECT: "presque toutes les machines semblent perdues d'un coup ; soupçonner cette réplique ou le partage "
    "avant elles : roosync-ops matrix",
    f.SHARE_UNAVAILABLE: "illisible{detail_after}",
    f.SHARE_BACK: "les heartbeats arrivent de nouveau",
}
_SINCE: Final = {"en": " for {0}", "fr": " depuis {0}"}
_SHARE: Final = {"en": "shared state", "fr": "état partagé"}


def flip_text(flip: Mapping[str, Any], lang: str = "en") -> str:
    """Return one line for a flip in its JSON form (`Flip.as_dict`, or an entry of the history)."""
    who = _word(flip, "machineId") or _SHARE["fr" if lang == "fr" else "en"]
    return safe(
        f"{clock(_word(flip, 'at'))}  {who}  {_word(flip, 'from')} -> {_word(flip, 'to')}  {reason(flip, lang)}"
    )


def reason(flip: Mapping[str, Any], lang: str = "en") -> str:
    """Return why, as a sentence; the bare word of a reason that is not known. Not escaped."""
    code = "fr" if lang == "fr" else "en"
    kind, detail = _word(flip, "reason"), _word(flip, "detail")
    silence = flip.get("silentMs")
    facts = {
        "machine": _word(flip, "machineId"),
        "detail": detail,
        "detail_after": f": {detail}" if detail else "",
        "since": _SINCE[code].format(duration(silence, lang)) if type(silence) is int else "",
    }
    text = (_FR if lang == "fr" else _EN).get(kind)
    return kind if text is None else typed.ending(text).format_map(facts)


def _word(flip: Mapping[str, Any], key: str) -> str:
    value = flip.get(key)
    return value if isinstance(value, str) else ""
