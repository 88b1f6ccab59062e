"""The words of the reports, in both languages. The status words stay PROTOCOL's in either."""

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
}


def words(lang: str) -> dict[str, str]:
    """Return the words of `lang`: "fr", else English."""
    return FR if lang == "fr" else EN


def headline(online: int, total: int, percent: int) -> str:
    """Return the procedure's own last line, the same in both languages."""
    return f"{online}/{total} machines online ({percent}%)"
