"""`roosync-ops status` and `machines`: what is there, judged against nothing."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from roosync_ops.show import schemas

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Done

    Run = Callable[..., Done]
    Beat = Callable[..., None]


def test_status_needs_no_inventory_and_is_0_whatever_it_shows(run: Run, beat: Beat, place: Path) -> None:
    (place / "inventory.py").unlink()
    beat("ghost", 10**9)
    done = run("status", "--shared", "shared", "--json")
    assert done.code == 0
    assert [(row["machineId"], row["status"]) for row in done.document["machines"]] == [("ghost", "offline")]
    schemas.of("status").validate_json(done.out)


def test_status_shows_a_table(run: Run, beat: Beat) -> None:
    beat("a")
    lines = run("status", "--shared", "shared").out.splitlines()
    assert lines[0].startswith("Shared state shared at ")
    assert lines[3].split()[:2] == ["a", "online"]


def test_status_of_a_share_that_is_missing_is_3(run: Run) -> None:
    assert run("status", "--shared", "gone").code == 3


@pytest.mark.parametrize("named", ["gone", "", "empty", "a\tfile", "no\0path"])
def test_what_status_names_next_runs_without_an_inventory_too(run: Run, place: Path, named: str) -> None:
    (place / "inventory.py").unlink()
    (place / "empty").mkdir()
    (place / "a\tfile").touch()
    done = run("status", "--shared", named)
    assert done.code in (2, 3)
    if done.next.startswith("roosync-ops "):
        assert run(*shlex.split(done.next)[1:]).code == 0


def test_status_prints_its_schema(run: Run) -> None:
    assert "SurveyDocument" in run("status", "--schema").document["$defs"]


def test_machines_list_shows_expectation_and_ssh_target(run: Run) -> None:
    assert run("machines", "list").out.splitlines()[1:] == [
        "a        online    me@a.local:2222  enroll",
        "b        offline   b                off     éteinte",
    ]


def test_machines_list_as_json_is_one_document(run: Run) -> None:
    rows = run("machines", "list", "--json", "--limit", "off").document["machines"]
    assert [(row["machineId"], row["expected"], row["why"], row["groups"]) for row in rows] == [
        ("b", "offline", "éteinte", ["off"])
    ]


def test_machines_check_of_a_sound_inventory_is_0(run: Run) -> None:
    assert run("machines", "check").out == "inventory.py: 2 machines (enroll 1, off 1); all sound\n"
    assert run("machines", "check", "--json").document["groups"] == {"enroll": 1, "off": 1}


def test_machines_check_of_a_wrong_inventory_is_2_in_one_sentence(run: Run, place: Path) -> None:
    (place / "inventory.py").write_text('from roosync_ops.fleet import machine\nx = [machine("a"), machine("a")]\n')
    done = run("machines", "check")
    assert (done.code, done.out) == (2, "")
    assert "a: machine_id: defined twice" in done.err
    assert run("machines", "check", "--json").document["error"]["code"] == "INVENTORY"
