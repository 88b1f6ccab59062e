"""A reason's kind and facts as words: a few for the table, one sentence (cause and next step) below it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from roosync_ops import typed
from roosync_ops.judge import verdict as v
from roosync_ops.wire.findings import FILE_DELETED, ROLLED_BACK
from roosync_ops.wire.times import to_iso

from . import evidence_reasons
from .text import clock, duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from roosync_ops.judge import Reason

#: Kind to (a few words, one sentence).
_EN: Final = {
    v.NEVER_SEEN: (
        "never seen",
        (
            "{machine} was never seen in the shared state{sign_said}; put the agent on it: "
            "roosync-ops rollout --limit {machine}"
        ),
    ),
    v.NOT_UNDERSTOOD: (
        "unreadable file",
        (
            "{file} could not be used ({kind}: {detail}); have its machine write it again: "
            "roosync-ops restart --limit {machine}"
        ),
    ),
    v.NO_VALID_HEARTBEAT: (
        "no valid heartbeat",
        (
            "{file} holds no heartbeat to count from ({kind}: {detail}); have its machine write it again: "
            "roosync-ops restart --limit {machine}"
        ),
    ),
    v.MISSING_BEATS: (
        "{missed} beats missed",
        (
            "{machine} missed {missed} beats, the last one came {age} ago{sign_said}; see whether it comes back: "
            "roosync-ops validate --wait 60"
        ),
    ),
    v.SILENT: (
        "silent {age}",
        (
            "{machine} has been silent for {age}, since {since}{sign_said}; start it again: "
            "roosync-ops restart --limit {machine}"
        ),
    ),
    v.SELDOM: (
        "old service, {age}",
        (
            "{machine} is kept by the old service, which writes this seldom (the last time {age} ago{sign_said}); "
            "enrol it: roosync-ops rollout --limit {machine}"
        ),
    ),
    v.OLDER_SILENT: (
        "old service silent",
        (
            "{machine} has been silent for {age}, since {since}, and only the old service kept it{sign_said}; "
            "enrol it: roosync-ops rollout --limit {machine}"
        ),
    ),
    v.HAS_LEFT: (
        "stopped on purpose",
        (
            "{machine} was stopped on purpose at {since}{suspect}{undone_said}; start it again: "
            "roosync-ops restart --limit {machine}"
        ),
    ),
    v.BEATS_UNEXPECTEDLY: (
        "beats, expected off",
        (
            "{machine} is expected offline{because} and is {observed}{suspect}; correct the inventory, or stop it: "
            "roosync-ops stop --limit {machine}"
        ),
    ),
    v.CLOCK_SUSPECTED: (
        "clock suspected",
        "the last heartbeat of {machine} lies {ahead} in the future; compare its clock with this computer's",
    ),
    v.OBSERVER_SUSPECTED: (
        "observer suspected",
        (
            "{gone} of {of} machines look gone or late at once ({machine}: {heard}); suspect this observer's replica "
            "or the share before the machines, and look from elsewhere: roosync-ops matrix"
        ),
    ),
    v.FILE_BEHIND: (
        "replica behind?",
        (
            "{machine} is silent here for {age}, and this replica may be behind: heartbeat.json has a beat of it "
            "{newer} newer than its own file; look from elsewhere: roosync-ops matrix"
        ),
    ),
    v.VIEW_BEHIND: (
        "replica behind?",
        (
            "{machine} is silent here for {age}, and this replica may be behind: heartbeat.json is {lag} older than "
            "the last beat of {keeper}, which keeps it; look from elsewhere: roosync-ops matrix"
        ),
    ),
    v.NO_VIEW: ("no view", "there is no heartbeat.json to look in; see what stands there: roosync-ops status"),
    v.NOT_IN_HEARTBEATS: (
        "not in heartbeats",
        "heartbeat.json has no entry for {machine}; see what the shared state shows: roosync-ops status",
    ),
    v.STORED_STATUS: (
        "not online",
        "heartbeat.json says {status}, not online, for {machine}; look again: roosync-ops validate --wait 60",
    ),
    v.NOT_IN_LIST: (
        "not listed",
        "onlineMachines of heartbeat.json does not hold {machine}; look again: roosync-ops validate --wait 60",
    ),
    v.COUNT_NOT_UP: (
        "count not up",
        "onlineCount is {after}, was {before} and should be at least {wanted}; see who went: roosync-ops validate",
    ),
}
_FR: Final = {
    v.NEVER_SEEN: (
        "jamais vue",
        (
            "{machine} n'a jamais été vue dans l'état partagé{sign_said} ; y installer l'agent : "
            "roosync-ops rollout --limit {machine}"
        ),
    ),
    v.NOT_UNDERSTOOD: (
        "fichier illisible",
        (
            "{file} est inutilisable ({kind} : {detail}) ; le faire réécrire par sa machine : "
            "roosync-ops restart --limit {machine}"
        ),
    ),
    v.NO_VALID_HEARTBEAT: (
        "heartbeat non valide",
        (
            "{file} ne contient aucun heartbeat exploitable ({kind} : {detail}) ; le faire réécrire par sa machine : "
            "roosync-ops restart --limit {machine}"
        ),
    ),
    v.MISSING_BEATS: (
        "{missed} battements manqués",
        (
            "{machine} a manqué {missed} battements, le dernier date de {age}{sign_said} ; voir si elle revient : "
            "roosync-ops validate --wait 60"
        ),
    ),
    v.SILENT: (
        "muette {age}",
        (
            "{machine} est muette depuis {age} (dernier heartbeat : {since}){sign_said} ; la relancer : "
            "roosync-ops restart --limit {machine}"
        ),
    ),
    v.SELDOM: (
        "ancien service, {age}",
        (
            "{machine} est tenue par l'ancien service, qui écrit aussi rarement (il y a {age}{sign_said}) ; "
            "l'enrôler : roosync-ops rollout --limit {machine}"
        ),
    ),
    v.OLDER_SILENT: (
        "ancien service muet",
        (
            "{machine} est muette depuis {age} (dernier heartbeat : {since}), et seul l'ancien service la "
            "tenait{sign_said} ; l'enrôler : roosync-ops rollout --limit {machine}"
        ),
    ),
    v.HAS_LEFT: (
        "arrêtée exprès",
        (
            "{machine} a été arrêtée exprès à {since}{suspect}{undone_said} ; la relancer : "
            "roosync-ops restart --limit {machine}"
        ),
    ),
    v.BEATS_UNEXPECTEDLY: (
        "bat, attendue off",
        (
            "{machine} est attendue offline{because} et elle est {observed}{suspect} ; corriger l'inventaire, ou "
            "l'arrêter : roosync-ops stop --limit {machine}"
        ),
    ),
    v.CLOCK_SUSPECTED: (
        "horloge suspecte",
        "le dernier heartbeat de {machine} est daté {ahead} dans le futur ; comparer son horloge à celle-ci",
    ),
    v.OBSERVER_SUSPECTED: (
        "observateur suspect",
        (
            "{gone} machines sur {of} semblent perdues ou en retard d'un coup ({machine} : {heard}) ; soupçonner la "
            "réplique de cet observateur ou le partage avant les machines, et regarder d'ailleurs : "
            "roosync-ops matrix"
        ),
    ),
    v.FILE_BEHIND: (
        "réplique en retard ?",
        (
            "{machine} est muette ici depuis {age}, et cette réplique est peut-être en retard : heartbeat.json en a "
            "un battement plus récent de {newer} que son propre fichier ; regarder d'ailleurs : roosync-ops matrix"
        ),
    ),
    v.VIEW_BEHIND: (
        "réplique en retard ?",
        (
            "{machine} est muette ici depuis {age}, et cette réplique est peut-être en retard : heartbeat.json est "
            "plus vieux de {lag} que le dernier battement de {keeper}, qui le tient ; regarder d'ailleurs : "
            "roosync-ops matrix"
        ),
    ),
    v.NO_VIEW: ("pas de vue", "il n'y a pas de heartbeat.json à lire ; voir ce qui s'y trouve : roosync-ops status"),
    v.NOT_IN_HEARTBEATS: (
        "absente de heartbeats",
        "heartbeat.json n'a pas d'entrée pour {machine} ; voir l'état partagé : roosync-ops status",
    ),
    v.STORED_STATUS: (
        "pas online",
        "heartbeat.json dit {status}, et non online, pour {machine} ; regarder encore : roosync-ops validate --wait 60",
    ),
    v.NOT_IN_LIST: (
        "hors de la liste",
        "onlineMachines de heartbeat.json ne contient pas {machine} ; regarder encore : roosync-ops validate --wait 60",
    ),
    v.COUNT_NOT_UP: (
        "compte inchangé",
        (
            "onlineCount vaut {after}, valait {before} et devrait être au moins {wanted} ; voir qui manque : "
            "roosync-ops validate"
        ),
    ),
}
_ALL_EN: Final = {**_EN, **evidence_reasons.EN}
_ALL_FR: Final = {**_FR, **evidence_reasons.FR}
#: Facts that are in ms.
_DURATIONS: Final = ("age", "lag", "most", "newer", "unheard")
#: What is said besides where a clock is suspect as well.
_AHEAD: Final = {
    "en": " (its heartbeat lies {ahead} in the future: a clock is suspect)",
    "fr": " (son heartbeat est daté {ahead} dans le futur : horloge suspecte)",
}
#: What an older service did to a machine's own file, and the remedy.
_UNDONE: Final = {
    "en": {
        ROLLED_BACK: "; an older service{by} wrote an older record back{at}: enrol its machine, or end that service",
        FILE_DELETED: "; an older service{by} deleted its file since: enrol its machine, or end that service",
        "at": " at {at}",
        "by": " (on {by}?)",
    },
    "fr": {
        ROLLED_BACK: " ; un ancien service{by} a remis une fiche plus ancienne{at} : enrôler sa machine ou l'arrêter",
        FILE_DELETED: " ; un ancien service{by} a supprimé sa fiche depuis : enrôler sa machine ou l'arrêter",
        "at": " à {at}",
        "by": " (sur {by} ?)",
    },
}
#: What newer services' files show besides: (said, by source).
_SIGNS: Final = {
    "en": ("; last sign of life {age} ago ({source})", {}),
    "fr": (
        " ; dernier signe de vie il y a {age} ({source})",
        {"listener": "écoute", "worker": "tâche", "presence": "présence", "dashboard": "tableau de bord"},
    ),
}
_NEVER_HERE: Final = {"en": "never seen here", "fr": "jamais vue ici"}
_HEARD: Final = {"en": "last heard {age} ago", "fr": "dernier heartbeat il y a {age}"}


def brief(reason: Reason, lang: str = "en") -> str:
    """Return a few words for a table's cell. Not escaped."""
    return _texts(lang)[reason.kind][0].format_map(_facts(reason, lang))


def sentence(reason: Reason, lang: str = "en", quote: Callable[[str], str] = str) -> str:
    """Return one sentence: the cause and, where there is one, the next step.

    `quote` is applied to every text that comes from outside; by default nothing is escaped.
    """
    return typed.ending(_texts(lang)[reason.kind][1]).format_map(_facts(reason, lang, quote))


def command_of(kind: str, machine_id: str) -> str | None:
    """Return the next command that the sentence of this kind ends with, None where it names none.

    Taken from our own words alone: nothing that came from outside, and stands in the sentence, can be it.
    """
    _, text = _ALL_EN.get(kind, ("", ""))
    said, _, rest = text.rpartition(typed.COMMAND_BEGINS)
    return typed.ours(*(word.format(machine=machine_id) for word in rest.split())) if said else None


def _texts(lang: str) -> dict[str, tuple[str, str]]:
    return _ALL_FR if lang == "fr" else _ALL_EN


def _facts(reason: Reason, lang: str, quote: Callable[[str], str] = str) -> dict[str, str]:
    """Return the facts as texts: ages as durations, times as a reader writes them."""
    facts = {key: quote(value) if isinstance(value, str) else str(value) for key, value in reason.facts.items()}
    age, since = reason.facts.get("age"), reason.facts.get("since")
    facts.update({key: duration(reason.facts[key], lang) for key in _DURATIONS if reason.facts.get(key) is not None})
    written = to_iso(since) if isinstance(since, int) else since
    facts.update(evidence_reasons.facts(reason.machine_id, reason.facts, written, lang, quote))
    if written is not None:
        facts["since"] = clock(written)
    if reason.ahead_ms is not None:
        facts["ahead"] = duration(reason.ahead_ms, lang)
    code = "fr" if lang == "fr" else "en"
    facts["machine"] = reason.machine_id
    if age is None and "age" in facts:
        facts["age"] = _NEVER_HERE[code]
    facts["because"] = f" ({facts['why']})" if reason.facts.get("why") else ""
    facts["suspect"] = "" if reason.ahead_ms is None else _AHEAD[code].format_map(facts)
    facts["sign_said"] = _sign_said(reason.facts, lang)
    facts["undone_said"] = undone_said(reason.facts, lang)
    facts["heard"] = _NEVER_HERE[code] if age is None else _HEARD[code].format_map(facts)
    return facts


def undone_said(facts: Mapping[str, Any], lang: str) -> str:
    """Return what an older service did to a machine's own file, to be put behind what is known of it all the same."""
    word = _UNDONE["fr" if lang == "fr" else "en"]
    if facts.get("undone") not in word:
        return ""
    at, by = facts.get("undone_at"), facts.get("by")
    said = {
        "at": "" if at is None else word["at"].format(at=clock(to_iso(at))),
        "by": "" if by is None else word["by"].format(by=by),
    }
    return word[str(facts["undone"])].format(**said)


def _sign_said(facts: Mapping[str, Any], lang: str) -> str:
    if facts.get("sign") is None:
        return ""
    text, names = _SIGNS["fr" if lang == "fr" else "en"]
    source = str(facts["sign_of"])
    return text.format(age=duration(facts["sign"], lang), source=names.get(source, source))
