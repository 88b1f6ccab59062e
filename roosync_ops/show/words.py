"""The words of the reports, in both languages. The status words stay the protocol's in either."""

from __future__ import annotations

from typing import Final

EN: Final = {
    "colon": ":",
    "machine": "Machine",
    "expected": "Expected",
    "observed": "Observed",
    "heartbeat": "Heartbeat",
    "active": "active",
    "age": "Age",
    "last_seen": "Last seen",
    "why": "Why",
    "status": "Status",
    "version": "Version",
    "read_from": "Read from",
    "md_expected": "Expected status",
    "md_active": "Heartbeat active",
    "md_observed": "Observed status",
    "md_ok": "As expected",
    "yes": "Yes",
    "no": "No",
    "not_as_expected": "Not as expected",
    "look_at": "As expected, but look at",
    "unexpected": "Seen, but not in the inventory (not counted)",
    "findings": "Not understood in the shared state",
    "more": "… and {count} more; --json lists them all",
    "shared": "Shared state {shared} at {at}",
    "nothing": "No machine has been seen there yet.",
    "validation": "Fleet validation",
    "groups": "Groups",
    "empty": "The inventory holds no machine.",
    "probe": "Evidence from the machines",
    "matrix_title": "Who sees whom at {at}",
    "matrix_key": "A row is what one replica shows. ? warning, ! offline, - never seen; [ ] a machine's own word.",
    "matrix_summary_key": "Lags: machines of which its replica shows an older beat than others do.",
    "matrix_observer": "Observer",
    "matrix_own": "Own word",
    "matrix_seen_by": "Seen by",
    "matrix_youngest": "Newest",
    "matrix_oldest": "Oldest",
    "matrix_lags": "Lags",
    "matrix_findings": "What follows",
    "matrix_ok": "nothing stands still",
    "matrix_not_ok": "{count} to look at",
    "matrix_reached": "{reached}/{total} machines asked have answered; {told}",
}
FR: Final = {
    "colon": " :",
    "machine": "Machine",
    "expected": "Attendu",
    "observed": "Observé",
    "heartbeat": "Heartbeat",
    "active": "actif",
    "age": "Âge",
    "last_seen": "Vue le",
    "why": "Pourquoi",
    "status": "Status",
    "version": "Version",
    "read_from": "Lu dans",
    "md_expected": "Status Attendu",
    "md_active": "Heartbeat Actif",
    "md_observed": "Status Observé",
    "md_ok": "Conforme",
    "yes": "Oui",
    "no": "Non",
    "not_as_expected": "Non conforme",
    "look_at": "Conforme, mais à vérifier",
    "unexpected": "Vues, mais absentes de l'inventaire (non comptées)",
    "findings": "Non compris dans l'état partagé",
    "more": "… et {count} de plus ; --json les liste toutes",
    "shared": "État partagé {shared} à {at}",
    "nothing": "Aucune machine n'y a encore été vue.",
    "validation": "Validation Globale",
    "groups": "Groupes",
    "empty": "L'inventaire ne contient aucune machine.",
    "probe": "Ce que disent les machines",
    "matrix_title": "Qui voit qui, à {at}",
    "matrix_key": "Une ligne : ce que montre une réplique. ? warning, ! offline, - jamais vue ; [ ] elle-même.",
    "matrix_summary_key": "Retards : machines dont sa réplique montre un battement plus ancien que d'autres.",
    "matrix_observer": "Observateur",
    "matrix_own": "Elle-même",
    "matrix_seen_by": "Vue par",
    "matrix_youngest": "Récent",
    "matrix_oldest": "Ancien",
    "matrix_lags": "Retards",
    "matrix_findings": "Ce qui en suit",
    "matrix_ok": "rien n'est à l'arrêt",
    "matrix_not_ok": "{count} à examiner",
    "matrix_reached": "{reached} machines sur {total} ont répondu ; {told}",
}


def words(lang: str) -> dict[str, str]:
    """Return the words of `lang`: "fr", else English."""
    return FR if lang == "fr" else EN


def headline(online: int, total: int, percent: int) -> str:
    """Return the procedure's own last line, the same in both languages."""
    return f"{online}/{total} machines online ({percent}%)"
