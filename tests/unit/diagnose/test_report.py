"""What a person and a program are shown."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import pytest

from roosync_ops import show
from roosync_ops.judge.diagnose import diagnose
from roosync_ops.show import schemas
from roosync_ops.show.diagnosis import Fix, diagnoses_document, diagnoses_table, seen_text
from roosync_ops.show.messages import _sentences
from roosync_ops.show.text import Style, cells
from tests.unit.diagnose.builders import NAMES, a_scene, a_sight, an_agent, not_reached, old_record
from tests.unit.diagnose.provoked import PROVOKED

if TYPE_CHECKING:
    from pathlib import Path

FIXES = (
    Fix("restart", "m", done=True),
    Fix("rebuild-view", None, done=False, problem="no room"),
    Fix("sweep", None, done=True, files=("heartbeats/.gone.tmp",)),
)


def zombie(tmp_path: Path) -> str:
    sight = a_sight(agent=an_agent(beat_ms=1, sequence=2))
    found = diagnose(a_scene(tmp_path, sight, old_record()))
    return diagnoses_table(found, style=Style(width=80))


def test_all_is_well_is_one_line(tmp_path: Path) -> None:
    assert diagnoses_table(diagnose(a_scene(tmp_path))) == "3 machines: as expected"


def test_only_what_is_not_as_expected_is_shown(tmp_path: Path) -> None:
    text = zombie(tmp_path)
    assert "Cause: zombie: " in text
    assert "  Next: roosync-ops restart m" in text
    assert "one  expected" not in text
    assert text.endswith("3 machines: 2 as expected, 1 not")


def test_several_are_a_table_first_a_line_each(tmp_path: Path) -> None:
    scene = a_scene(tmp_path, not_reached("LOGIN_REFUSED"))
    scene = replace(scene, probes={**scene.probes, "one": not_reached("SILENT")})
    lines = diagnoses_table(diagnose(scene), style=Style(width=120)).split("\n")
    assert [line.split()[1] for line in lines[1:3]] == ["one", "m"]
    assert "login-refused" in lines[2]


def test_a_note_is_told_in_a_line(tmp_path: Path) -> None:
    text = diagnoses_table(diagnose(PROVOKED["conflict-copies"][1](tmp_path)))
    assert "As expected, but look at:\n  m: conflict-copies: " in text


@pytest.mark.parametrize("word", PROVOKED)
def test_it_fits_the_terminal_but_for_the_command_and_a_path_which_are_copied_whole(tmp_path: Path, word: str) -> None:
    name, provoke = PROVOKED[word]
    found = diagnose(provoke(tmp_path), None if name is None else [name])
    for lang, width in product(("en", "fr"), (80, 120)):
        text = diagnoses_table(found, FIXES, Style(lang, width), everything=True)
        following = ("  Next: ", "  À faire : ")
        wide = [line for line in text.split("\n") if cells(line) > width and not line.startswith(following)]
        assert [line for line in wide if not line.strip().startswith(str(tmp_path))] == []
        assert "\x1b" not in text


def test_colour_is_only_where_it_is_asked_for(tmp_path: Path) -> None:
    found = diagnose(a_scene(tmp_path, not_reached("SILENT")))
    assert "\x1b[31m✗" in diagnoses_table(found, style=Style(color=True))
    assert "\x1b" not in diagnoses_table(found)


def test_what_a_machine_says_never_reaches_the_terminal_raw(tmp_path: Path) -> None:
    evil = "\x1b]0;gotcha\x07\u202e"
    sight = a_sight(share=("SHARE_PROBLEM", evil, evil), path=evil, python={"executable": evil, "version": evil})
    found = diagnose(a_scene(tmp_path, sight))
    for text in (diagnoses_table(found, everything=True), show.json_text(diagnoses_document(found))):
        assert not any(char in text for char in "\x1b\x07\u202e")


@pytest.mark.parametrize("word", PROVOKED)
def test_the_json_is_what_its_schema_says(tmp_path: Path, word: str) -> None:
    name, provoke = PROVOKED[word]
    found = diagnose(provoke(tmp_path), None if name is None else [name])
    document = schemas.of("diagnose").validate_python(diagnoses_document(found, FIXES, "fr", dry=True))
    row = document["here"] if name is None else document["machines"][0]
    assert row["cause"] == word
    assert document["ok"] == found.ok


def test_the_same_order_of_machines_for_programs(tmp_path: Path) -> None:
    document = diagnoses_document(diagnose(a_scene(tmp_path)))
    assert [row["machineId"] for row in document["machines"]] == list(NAMES)


@pytest.mark.parametrize("word", PROVOKED)
def test_what_was_seen_is_told_in_french_too(tmp_path: Path, word: str) -> None:
    name, provoke = PROVOKED[word]
    found = diagnose(provoke(tmp_path), None if name is None else [name])
    checks = [check for row in (*found.machines, found.here) for check in row.checks]
    untold = {check.seen for check in checks if re.sub(r"\{\w+\}", "", check.seen).strip(" :")} - _sentences("fr")[
        0
    ].keys()
    assert untold == set()
    assert all("?" not in seen_text(check, Style(lang)) for check in checks for lang in ("en", "fr"))
