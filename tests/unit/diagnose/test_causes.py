"""Every cause can come about, ends in one sentence and one command, and every known trouble leads to one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import pytest

from roosync_ops.judge.diagnose_causes import CAUSES, GRAVE, NONE
from roosync_ops.show.diagnosis import cause_sentence
from roosync_ops.show.messages import catalogue
from roosync_ops.show.text import Style
from tests.unit.diagnose.builders import cause_of
from tests.unit.diagnose.provoked import PROVOKED

if TYPE_CHECKING:
    from pathlib import Path

    from roosync_ops.judge.diagnose_model import Diagnosis

#: Each troubleshooting entry of the procedure, by its heading, and the causes it leads to.
PROCEDURE: Final = {
    'Erreur : "machineId est requis pour l\'action register"': ("no-machine-id",),
    'Erreur : "Heartbeat service déjà démarré"': ("zombie",),
    "Heartbeat enregistré mais machine pas online": ("never-started",),
    "Machine redevient offline après quelques minutes": ("old-service-only", "not-permanent"),
}

#: Each field note of what went wrong, by its number, and the causes it leads to.
FIELD_NOTES: Final = {
    1: ("old-service-only", "agent-dead"),
    2: ("wrong-name", "case-double", "same-name-twice", "beats-from-elsewhere"),
    3: ("old-writer-erases-view", "view-incomplete"),
    4: ("zombie", "old-writer-rewrites-record"),
    5: ("downloads-stalled",),
    6: ("record-unreadable", "view-unreadable", "orphan-temporary-files"),
    7: ("beat-not-written", "share-read-only", "share-missing", "share-refused"),
    8: ("own-replica-stale", "uploads-stalled"),
    9: ("twin-identity",),
    10: ("machine-off", "not-in-inventory"),
    11: ("view-missing", "drive-not-mounted", "not-permanent", "not-enrolled"),
    12: ("zombie", "permanence-disabled", "no-shared-path"),
    13: ("no-logon-session", "agent-dead"),
    14: ("not-enrolled", "machine-off"),
}


@pytest.mark.parametrize("word", CAUSES)
def test_the_cause_is_found_where_it_is_provoked_and_told_with_what_mends_it(word: str, tmp_path: Path) -> None:
    name, provoke = PROVOKED[word]
    row = cause_of(provoke(tmp_path), name)
    assert row.cause == word, [check for check in row.checks if check.outcome != "ok"]
    _is_told_in_both_languages_and_mended_by_one_command(row)


def _is_told_in_both_languages_and_mended_by_one_command(row: Diagnosis) -> None:
    for lang in ("en", "fr"):
        assert re.search(r"[{}?]", cause_sentence(row, Style(lang)).replace("switched off?", "")) is None
    assert bool(row.command) == (CAUSES[row.cause].rank < NONE)
    assert re.search(r"[{}]|[A-Z]{3,}_|\b(MACHINE|HOST|LOGIN|HINT)\b", row.command) is None, row.command
    assert "\n" not in row.command


@pytest.mark.parametrize("entry", PROCEDURE)
def test_every_entry_of_the_procedure_leads_to_causes_that_can_be_provoked(entry: str, tmp_path: Path) -> None:
    for number, word in enumerate(PROCEDURE[entry]):
        name, provoke = PROVOKED[word]
        assert cause_of(provoke(tmp_path / str(number)), name).cause == word


@pytest.mark.parametrize("note", FIELD_NOTES)
def test_every_field_note_leads_to_causes_that_can_be_provoked(note: int, tmp_path: Path) -> None:
    for number, word in enumerate(FIELD_NOTES[note]):
        name, provoke = PROVOKED[word]
        assert cause_of(provoke(tmp_path / str(number)), name).cause == word


def test_nothing_is_listed_that_is_not_there() -> None:
    assert set(catalogue("en")["causes"]) == set(CAUSES) == set(PROVOKED)


def test_fix_never_touches_what_was_done_on_purpose() -> None:
    fixable = {word for word, cause in CAUSES.items() if cause.fix is not None}
    restarts = {word for word in fixable if CAUSES[word].fix == "restart"}
    assert restarts == {"never-started", "agent-dead", "zombie"}
    assert all(CAUSES[word].rank == GRAVE for word in restarts)
    assert fixable - restarts == {"view-missing", "view-unreadable", "view-incomplete", "orphan-temporary-files"}
