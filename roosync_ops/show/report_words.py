"""The words of a report, in both languages."""

from __future__ import annotations

from typing import Final

EN: Final = {
    "validation": "Validation report, {at}",
    "rollout": "Rollout report, {at}",
    "dry": "Dry rollout, {at}: every machine was looked at, nothing was changed",
    "unseen": "Rollout report",
    "objective": "**Objective:** {objective}",
    "observed": "**Observed:** {observed}",
    "no_table": "No shared state was named in the rollout, so there is no table: `roosync-ops validate --shared DIR`",
    "changed": "What changed",
    "changed_since": "What changed since {since}",
    "nothing": "Nothing.",
    "not_watched": (
        "No watcher has told a flip on this computer, so short ones are not known: `roosync-ops schedule --install`"
    ),
    "outage": "{machine}: no heartbeat for {length}, from {start} to {end}, by its own record",
    "wrong": "Not as expected, and why",
    "odd": "As expected, but look at",
    "next": "Next",
    "as_expected_left_out": "*{count} machines that are as expected are left out of this table.*",
    "cut": "*Cut: a comment holds {limit} characters. The rest: `roosync-ops report`*",
    "steps": "{machine}: {word}",
    "check": "{machine}: {reason}",
    "share": "Shared state",
    "reason_unknown": "no reason is known",
    "changed_word": "done",
    "unchanged_word": "no change",
    "planned_word": "to do",
    "failed_word": "failed",
    "unreachable_word": "unreachable",
    "skipped_word": "skipped",
}
FR: Final = {
    "validation": "Rapport de validation, {at}",
    "rollout": "Rapport de déploiement, {at}",
    "dry": "Déploiement à blanc, {at} : chaque machine a été examinée, rien n'a été changé",
    "unseen": "Rapport de déploiement",
    "objective": "**Objectif :** {objective}",
    "observed": "**Observé :** {observed}",
    "no_table": (
        "Le déploiement ne nommait pas d'état partagé, donc pas de tableau : `roosync-ops validate --shared DIR`"
    ),
    "changed": "Ce qui a changé",
    "changed_since": "Ce qui a changé depuis {since}",
    "nothing": "Rien.",
    "not_watched": (
        "Aucune bascule n'a été annoncée sur cet ordinateur, les plus brèves sont donc inconnues : "
        "`roosync-ops schedule --install`"
    ),
    "outage": "{machine} : aucun heartbeat pendant {length}, de {start} à {end}, d'après son propre fichier",
    "wrong": "Non conforme, et pourquoi",
    "odd": "Conforme, mais à vérifier",
    "next": "Ensuite",
    "as_expected_left_out": "*{count} machines conformes ne figurent pas dans ce tableau.*",
    "cut": "*Coupé : un commentaire contient {limit} caractères. La suite : `roosync-ops report`*",
    "steps": "{machine} : {word}",
    "check": "{machine} : {reason}",
    "share": "État partagé",
    "reason_unknown": "sans raison connue",
    "changed_word": "fait",
    "unchanged_word": "rien à changer",
    "planned_word": "à faire",
    "failed_word": "échec",
    "unreachable_word": "injoignable",
    "skipped_word": "passée",
}


def report_words(lang: str) -> dict[str, str]:
    """Return the words of `lang`: "fr", else English."""
    return FR if lang == "fr" else EN
