"""What diagnose makes of hostile words, of machines that left, and of answers that came late."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from roosync_ops.judge.diagnose_model import DiagnosisInput
from roosync_ops.show.diagnosis import seen_text
from roosync_ops.show.text import Style
from tests.kits.shares import NOW
from tests.unit.diagnose.builders import (
    NAMES,
    a_scene,
    a_sight,
    a_view,
    an_agent,
    cause_of,
    fleet,
    left_record,
    old_record,
    seen_in,
    with_agent,
)
from tests.unit.diagnose.provoked import PROVOKED

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("evil", ["/s'; touch /tmp/x; '", '/s" & calc "', "/s`id`", "/s$(id)", "/s\nid", "/s|id>x"])
def test_what_a_machine_says_means_nothing_to_the_shell_it_is_typed_into(tmp_path: Path, evil: str) -> None:
    sight = a_sight(share=("SHARE_MISSING", "there is no such folder", "look"), path=evil)
    command = cause_of(a_scene(tmp_path, sight)).command
    if not evil.isprintable():
        assert command == "roosync-ops diagnose m"
        return
    *login, there = shlex.split(command)
    assert (login, shlex.split(there)) == (["ssh", "me@m.local"], ["ls", "-ld", "--", evil])


@pytest.mark.parametrize(
    "evil", ['C:\\x" & calc "', "C:\\%PATH%", "C:\\$(id)", "C:\\a`b", "C:\\x\u201d;calc", "C:\\a^&b", "C:\\a;b"]
)
def test_what_no_windows_shell_reads_as_it_is_is_not_typed_at_all(tmp_path: Path, evil: str) -> None:
    share = ("SHARE_MISSING", "there is no such folder", "look")
    scene = a_scene(tmp_path, a_sight(share=share, path=evil), fleet=fleet(system="windows"))
    assert cause_of(scene).command == "roosync-ops diagnose m"
    good = a_scene(tmp_path, a_sight(share=share, path="G:\\Mon Drive\\x"), fleet=fleet(system="windows"))
    assert cause_of(good).command == """ssh me@m.local 'dir "G:\\Mon Drive\\x"'"""


@pytest.mark.parametrize("word", ["agent-dead", "agent-outdated", "login-refused", "not-enrolled", "share-missing"])
def test_nothing_has_to_be_mended_on_a_machine_that_is_off_as_expected(tmp_path: Path, word: str) -> None:
    scene = PROVOKED[word][1](tmp_path)
    m = scene.probes["m"]
    dead = m if m.report is None or m.status is None else with_agent(m, an_agent(running=False))
    silent = a_view(tmp_path / "silent", old_record())
    views = dict.fromkeys(scene.views, silent)
    off = replace(scene, fleet=fleet(expected="offline"), probes={**scene.probes, "m": dead})
    off = seen_in(off, views)
    assert cause_of(off).cause == "expected-off"


def test_a_stopped_machine_is_left_by_its_own_word_whatever_its_record_was_made_into(tmp_path: Path) -> None:
    """Somebody wrote an older record back over its last one: it still knows that it was stopped on purpose."""
    stopped = an_agent(running=False, beat_ms=NOW - 3_600_000, sequence=8, left_ms=NOW - 3_500_000)
    found = cause_of(a_scene(tmp_path, a_sight(agent=stopped), old_record()))
    assert (found.observed, found.cause, found.facts["since"]) == ("left", "stopped-on-purpose", NOW - 3_500_000)


def test_a_machine_that_left_is_left_in_whichever_replica_that_arrived(tmp_path: Path) -> None:
    scene = a_scene(tmp_path, a_sight(agent=an_agent(running=False, beat_ms=NOW - 60_000)), old_record())
    told = a_view(tmp_path / "told", left_record())
    found = cause_of(seen_in(scene, {**scene.views, "one": told}))
    assert (found.observed, found.cause) == ("left", "stopped-on-purpose")


@pytest.mark.parametrize("late_ms", [0, 600_000])
def test_a_replica_read_before_late_answers_is_not_stale_for_what_it_could_not_have(
    tmp_path: Path, late_ms: int
) -> None:
    scene = a_scene(tmp_path)
    sights = {
        name: a_sight(
            name,
            an_agent(
                machine_id=name, sequence=7 + late_ms // 30_000, beat_ms=NOW + late_ms - 5_000, now_ms=NOW + late_ms
            ),
        )
        for name in NAMES
    }
    here = DiagnosisInput(fleet(), NOW + late_ms, sights, scene.own)
    assert cause_of(here, None).cause == "well"
    assert cause_of(here).cause == "well"


def test_a_replica_that_was_old_when_it_was_read_is_stale_however_late_the_answers_are(tmp_path: Path) -> None:
    stale = a_view(tmp_path / "stale", *(old_record(name) for name in NAMES))
    sights = {
        name: a_sight(name, an_agent(machine_id=name, sequence=142, beat_ms=NOW + 595_000, now_ms=NOW + 600_000))
        for name in NAMES
    }
    assert cause_of(DiagnosisInput(fleet(), NOW + 600_000, sights, stale), None).cause == "own-replica-stale"


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        pytest.param(
            "task", "back once its user has logged on; after updates at night: Settings, Accounts", id="Windows"
        ),
        pytest.param("systemd-user", "systemd-user", id="systemd needs nobody"),
    ],
)
def test_permanence_bound_to_a_logon_is_told_as_that_with_what_helps_at_night(
    tmp_path: Path, kind: str, told: str
) -> None:
    row = cause_of(a_scene(tmp_path, a_sight("m", an_agent(permanence=kind))))
    (check,) = [check for check in row.checks if check.name == "permanence"]
    said = seen_text(check)
    assert told in said
    assert ("logged on" in said) == (kind == "task")
    assert ("session" in seen_text(check, Style("fr"))) == (kind == "task")
