"""What a probe found, as words: a few for a table's cell, and one sentence with the cause and the next step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from roosync_ops.judge import HERE
from roosync_ops.judge import verdict as v

from .text import clock, duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DIAGNOSE: Final = "roosync-ops diagnose {machine}"

#: Kind to (a few words, one sentence).
EN: Final = {
    v.MACHINE_OFF: (
        "machine off",
        "{name}{silent} does not answer ({detail}): the machine is off, or not to be reached from here; see why: "
        + _DIAGNOSE,
    ),
    v.NOT_LET_IN: (
        "no access",
        "{name}{silent} is on, and does not let this computer in ({detail}), so nothing is known of its agent: "
        + _DIAGNOSE,
    ),
    v.NO_WORD: (
        "no usable answer",
        "{name}{silent} is on, and its answer says nothing of its agent ({detail}); see why: " + _DIAGNOSE,
    ),
    v.NO_AGENT: (
        "no agent",
        "{name} is on, and there is no agent on it; put one there: roosync-ops rollout --limit {machine}",
    ),
    v.AGENT_GONE: (
        "agent gone{at}",
        "{name} is on, and its agent is gone{since_when}; start it again: roosync-ops restart --limit {machine}",
    ),
    v.AGENT_SILENT: (
        "agent silent{at}",
        "the agent of {name} runs, and has not beaten{since_when}; restart it: roosync-ops restart --limit {machine}",
    ),
    v.SHARE_STUCK: (
        "share stuck{at}",
        (
            "{name}: agent alive, share stuck{since_when} ({state}: {detail}); restart the sync product there, or see "
            "more: " + _DIAGNOSE
        ),
    ),
    v.UPLOAD_STALLED: (
        "no upload{at}",
        (
            "{name}: agent alive, its beats do not leave it{since_when} ({behind} of {of} replicas lag); restart the "
            "sync product there, or see more: " + _DIAGNOSE
        ),
    ),
    v.OBSERVER_STALE: (
        "stale{at}",
        (
            "observer {name}: its replica is stale{since_when} ({behind} of {of} machines lag in it), so what it shows "
            "of others is old; restart the sync product there, and look again: roosync-ops matrix"
        ),
    ),
    v.LINK_STALLED: (
        "not arriving{at}",
        (
            "beats of {name} do not reach {observer_name}{since_when}: the upload of the one or the download of the "
            "other stands still, and no third machine tells which: roosync-ops matrix"
        ),
    ),
    v.SHARE_STALLED: (
        "share stalled{at}",
        (
            "nothing is replicated{since_when} ({behind} of {of} beats arrive nowhere): it is the share, not the "
            "machines; see to the sync product or its service, and look again: roosync-ops matrix"
        ),
    ),
    v.REPLICA_UNREADABLE: (
        "replica unread",
        "{name} could not read its own replica ({detail}); see why: roosync-ops diagnose",
    ),
    v.TWINS: (
        "two computers",
        "two computers beat as {name} ({detail}): stop the agent on the one that is not; see which: " + _DIAGNOSE,
    ),
    v.CLOCK_WRONG: (
        "clock {off_short}",
        "the clock of {name} is {off_long} this computer's; ages here are corrected by that; set it: " + _DIAGNOSE,
    ),
    v.READER_CLOCK_WRONG: (
        "this clock suspected",
        (
            "this computer's clock is {off_long} those of {count} machines that agree; set it, and look again: "
            "roosync-ops validate"
        ),
    ),
    v.CLOCK_STEPPED: (
        "clock stepped",
        "clock suspected: {name} counted a later beat at an earlier time, {back} before; see its clock: " + _DIAGNOSE,
    ),
    v.CLOCK_CONTRADICTED: (
        "clock suspected",
        (
            "clock suspected: {name} looks silent for {age}, and its record says that its clock was put back by "
            "{back}; ask the machine itself: roosync-ops validate --probe"
        ),
    ),
    v.CLOCK_DISAGREES: (
        "clock suspected",
        (
            "clock suspected: {name} stamps its beats with times at which they cannot have been sent, by when they "
            "arrived here; ask the machine itself: roosync-ops validate --probe"
        ),
    ),
    v.CLOCK_BEHIND: (
        "clock suspected",
        (
            "clock suspected: {name} looks silent for {age}, and its last beat had not come to the writer of "
            "heartbeat.json {unheard} after its stamp; ask the machine itself: roosync-ops validate --probe"
        ),
    ),
    v.CLOCK_HIDES: (
        "clock suspected",
        (
            "clock suspected: the heartbeat of {name} lies {ahead} in the future, and this computer has seen none "
            "arrive for {age}; ask the machine itself: roosync-ops validate --probe"
        ),
    ),
    v.LATE_HERE: (
        "late here {age}",
        (
            "{name} lives, by its own word, and is late here: {age} (its upload, or this replica); see which: "
            "roosync-ops matrix"
        ),
    ),
    v.LATE_SHARE: (
        "late {age}",
        "{name} is late: {age}, as this share has been today (up to {most}); ask it: roosync-ops validate --probe",
    ),
    v.CUT_OFF: (
        "cut off from here",
        "{name}{silent}: {detail} reaches it, and this computer does not, so nothing is known of its agent; see why: "
        + _DIAGNOSE,
    ),
    v.NOT_ASKED_HERE: (
        "could not be asked",
        "{name}{silent} could not be asked ({detail}), so the shared state alone says what it is; see why: "
        + _DIAGNOSE,
    ),
}
FR: Final = {
    v.MACHINE_OFF: (
        "machine éteinte",
        "{name}{silent} ne répond pas ({detail}) : elle est éteinte, ou injoignable d'ici ; voir pourquoi : "
        + _DIAGNOSE,
    ),
    v.NOT_LET_IN: (
        "pas d'accès",
        "{name}{silent} est allumée et refuse l'accès ({detail}) : on ne sait rien de son agent : " + _DIAGNOSE,
    ),
    v.NO_WORD: (
        "sans réponse utile",
        "{name}{silent} est allumée, et sa réponse ne dit rien de son agent ({detail}) ; voir pourquoi : " + _DIAGNOSE,
    ),
    v.NO_AGENT: (
        "pas d'agent",
        "{name} est allumée et n'a pas d'agent ; l'y installer : roosync-ops rollout --limit {machine}",
    ),
    v.AGENT_GONE: (
        "agent parti{at}",
        "{name} est allumée, son agent est parti{since_when} ; le relancer : roosync-ops restart --limit {machine}",
    ),
    v.AGENT_SILENT: (
        "agent muet{at}",
        "l'agent de {name} tourne et ne bat plus{since_when} ; le relancer : roosync-ops restart --limit {machine}",
    ),
    v.SHARE_STUCK: (
        "partage bloqué{at}",
        (
            "{name} : agent vivant, partage bloqué{since_when} ({state} : {detail}) ; y relancer le produit de "
            "synchronisation, ou en savoir plus : " + _DIAGNOSE
        ),
    ),
    v.UPLOAD_STALLED: (
        "rien ne part{at}",
        (
            "{name} : agent vivant, ses battements n'en sortent pas{since_when} ({behind} répliques sur {of} en "
            "retard) ; y relancer le produit de synchronisation, ou en savoir plus : " + _DIAGNOSE
        ),
    ),
    v.OBSERVER_STALE: (
        "périmée{at}",
        (
            "observateur {name} : sa réplique est périmée{since_when} ({behind} machines sur {of} y sont en retard), "
            "ce qu'elle montre des autres est ancien ; y relancer la synchronisation et regarder encore : "
            "roosync-ops matrix"
        ),
    ),
    v.LINK_STALLED: (
        "n'arrive pas{at}",
        (
            "les battements de {name} n'atteignent pas {observer_name}{since_when} : l'envoi de l'une ou la réception "
            "de l'autre est bloqué, et aucune troisième machine ne dit laquelle : roosync-ops matrix"
        ),
    ),
    v.SHARE_STALLED: (
        "partage à l'arrêt{at}",
        (
            "rien n'est répliqué{since_when} ({behind} battements sur {of} n'arrivent nulle part) : c'est le partage, "
            "pas les machines ; voir le produit de synchronisation ou son service, et regarder encore : "
            "roosync-ops matrix"
        ),
    ),
    v.REPLICA_UNREADABLE: (
        "réplique non lue",
        "{name} n'a pas pu lire sa propre réplique ({detail}) ; voir pourquoi : roosync-ops diagnose",
    ),
    v.TWINS: (
        "deux ordinateurs",
        (
            "deux ordinateurs battent sous le nom de {name} ({detail}) : arrêter l'agent sur celui qui ne l'est pas ; "
            "voir lequel : " + _DIAGNOSE
        ),
    ),
    v.CLOCK_WRONG: (
        "horloge {off_short}",
        "l'horloge de {name} est {off_long} celle-ci ; les âges en sont corrigés ; la régler : " + _DIAGNOSE,
    ),
    v.READER_CLOCK_WRONG: (
        "horloge d'ici suspecte",
        (
            "l'horloge de cet ordinateur est {off_long} celles de {count} machines qui concordent ; la régler, et "
            "regarder encore : roosync-ops validate"
        ),
    ),
    v.CLOCK_STEPPED: (
        "horloge reculée",
        (
            "horloge suspecte : {name} a compté un battement plus récent à une heure antérieure, de {back} ; voir son "
            "horloge : " + _DIAGNOSE
        ),
    ),
    v.CLOCK_CONTRADICTED: (
        "horloge suspecte",
        (
            "horloge suspecte : {name} semble muette depuis {age}, et son fichier dit que son horloge a reculé de "
            "{back} ; interroger la machine elle-même : roosync-ops validate --probe"
        ),
    ),
    v.CLOCK_DISAGREES: (
        "horloge suspecte",
        (
            "horloge suspecte : {name} date ses battements d'heures auxquelles ils n'ont pu partir, vu leur arrivée "
            "ici ; interroger la machine elle-même : roosync-ops validate --probe"
        ),
    ),
    v.CLOCK_BEHIND: (
        "horloge suspecte",
        (
            "horloge suspecte : {name} semble muette depuis {age}, et son dernier battement n'était pas chez l'auteur "
            "de heartbeat.json {unheard} après son heure ; interroger la machine elle-même : roosync-ops validate "
            "--probe"
        ),
    ),
    v.CLOCK_HIDES: (
        "horloge suspecte",
        (
            "horloge suspecte : le heartbeat de {name} est daté {ahead} dans le futur, et cet ordinateur n'en a vu "
            "arriver aucun depuis {age} ; interroger la machine elle-même : roosync-ops validate --probe"
        ),
    ),
    v.LATE_HERE: (
        "en retard ici {age}",
        (
            "{name} vit, dit-elle, et elle est en retard ici : {age} (son envoi, ou cette réplique) ; voir lequel : "
            "roosync-ops matrix"
        ),
    ),
    v.LATE_SHARE: (
        "en retard {age}",
        (
            "{name} est en retard : {age}, comme ce partage l'a été aujourd'hui (jusqu'à {most}) ; l'interroger : "
            "roosync-ops validate --probe"
        ),
    ),
    v.CUT_OFF: (
        "coupée d'ici",
        "{name}{silent} : {detail} l'atteint, et cet ordinateur non ; on ne sait rien de son agent ; voir pourquoi : "
        + _DIAGNOSE,
    ),
    v.NOT_ASKED_HERE: (
        "non interrogée",
        "{name}{silent} n'a pu être interrogée ({detail}) : seul l'état partagé dit ce qu'elle est ; voir pourquoi : "
        + _DIAGNOSE,
    ),
}
_HERE: Final = {"en": "this computer", "fr": "cet ordinateur"}
_AHEAD: Final = {"en": ("{off} ahead of", "{off} behind"), "fr": ("en avance de {off} sur", "en retard de {off} sur")}
_SHORT: Final = {"en": ("{off} ahead", "{off} behind"), "fr": ("+{off}", "-{off}")}
_SILENT: Final = {"en": " (silent for {age})", "fr": " (muette depuis {age})"}
_SINCE: Final = {"en": " since {since}", "fr": " depuis {since}"}


def name_of(machine_id: str, lang: str) -> str:
    """Return what an observer or a machine is called."""
    return _HERE["fr" if lang == "fr" else "en"] if machine_id == HERE else machine_id


def facts(
    machine_id: str, given: Mapping[str, Any], since: str | None, lang: str, quote: Callable[[str], str]
) -> dict[str, str]:
    """Return the facts of a probe's reasons as texts; `since` is a time as the wire writes it."""
    code = "fr" if lang == "fr" else "en"
    off, back = given.get("off"), given.get("back")
    found = {
        "name": name_of(machine_id, lang),
        "observer_name": name_of(str(given.get("observer") or ""), lang),
        "since_when": "" if since is None else _SINCE[code].format(since=clock(since)),
        "at": "" if since is None else _SINCE[code].format(since=f"{since[11:16]}Z"),
        "silent": "" if given.get("age") is None else _SILENT[code].format(age=duration(given["age"], lang)),
        "detail": quote(str(given.get("detail") or "?")),
        "state": quote(str(given.get("state") or "?")),
    }
    if isinstance(off, int):
        length = duration(abs(off), lang)
        found["off_long"] = _AHEAD[code][off < 0].format(off=length)
        found["off_short"] = _SHORT[code][off < 0].format(off=length)
    if isinstance(back, int):
        found["back"] = duration(back, lang)
    return found
