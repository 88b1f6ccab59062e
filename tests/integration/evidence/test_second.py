"""The default in real processes: a death told at once, no living machine offline, and each verdict's basis."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.lab.fleet import ADMIN
from roosync_ops.show import schemas
from roosync_ops.wire.times import now_ms
from tests.integration.evidence.conftest import ACTIVE
from tests.integration.evidence.test_evidence import full_backlog, row
from tests.kits.shares import ours, put

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from roosync_ops.lab.fleet import LabFleet
    from tests.integration.evidence.conftest import Operator

NAME = "myia-po-2024"
OTHERS = [name for name in ACTIVE if name != NAME]


@pytest.mark.parametrize(
    ("befalls", "observed", "basis", "why"),
    [
        pytest.param(lambda lab: lab.fault("upload-stall", NAME), "online", "asked", "late-here", id="upload stall"),
        pytest.param(lambda lab: lab.crash_agent(NAME), "offline", "asked", "agent-gone", id="agent killed"),
        pytest.param(
            lambda lab: lab.power_off(NAME), "offline", "silent-and-unreachable", "machine-off", id="power off"
        ),
        pytest.param(lambda lab: lab.fault("unmounted", NAME), "offline", "asked", "share-stuck", id="share gone"),
        pytest.param(lambda lab: lab.fault("hang", NAME), "offline", "asked", "share-stuck", id="share hangs"),
    ],
)
def test_what_befell_a_machine_is_what_the_default_says_of_it(
    well: Operator, befalls: Callable[[LabFleet], Any], observed: str, basis: str, why: str
) -> None:
    befalls(well.fleet)
    wanted = (observed, basis, why)

    def told(document: Any) -> bool:
        one = row(document, NAME)
        return (one["observed"], one["basis"], one["reasonKind"]) == wanted

    found = well.until(told, "validate")
    schemas.of("validate").validate_python(found)
    assert [row(found, name)["observed"] for name in OTHERS] == ["online"] * len(OTHERS)


def test_a_replica_here_that_stands_still_makes_nobody_offline(well: Operator) -> None:
    well.fleet.fault("download-stall", ADMIN)
    well.fleet.crash_agent(NAME)
    found = well.until(lambda seen: row(seen, NAME)["reasonKind"] == "agent-gone", "validate")
    assert [row(found, name)["observed"] for name in OTHERS] == ["online"] * len(OTHERS)
    well.until(
        lambda seen: {row(seen, name)["basis"] for name in ACTIVE} == {"silent-not-asked"},
        "validate",
        "--probe",
        "never",
    )


def moved(well: Operator, tmp_path: Path, port: int) -> Path:
    """Return an inventory in which one machine's ssh is at another port."""
    text = well.fleet.inventory.read_text(encoding="utf-8")
    inventory = tmp_path / "inventory.py"
    here = str(well.fleet.port(NAME))
    assert text.count(here) == 1
    inventory.write_text(text.replace(here, str(port)), encoding="utf-8")
    return inventory


def test_an_ssh_that_hangs_leaves_the_folders_word_and_says_so(well: Operator, tmp_path: Path) -> None:
    mute = socket.socket()
    mute.bind(("127.0.0.1", 0))
    mute.listen(8)
    well.fleet.fault("upload-stall", NAME)
    inventory = moved(well, tmp_path, mute.getsockname()[1])
    well.until(lambda seen: row(seen, NAME)["observed"] == "offline", "validate", "--probe", "never")
    one = row(well("validate", "--json", inventory=inventory).document, NAME)
    mute.close()
    assert (one["basis"], one["reasonKind"]) == ("silent-could-not-be-asked", "no-usable-answer")


def test_a_hundred_machines_with_ten_dead_and_some_late_are_asked_within_the_limit(
    well: Operator, tmp_path: Path
) -> None:
    dead = [full_backlog() for _ in range(10)]
    text = well.fleet.inventory.read_text(encoding="utf-8").rpartition("\ncheck_groups(")[0]
    lines = [
        f"machine('dead-{at}', host='127.0.0.1', port={one[0].getsockname()[1]})" for at, one in enumerate(dead)
    ] + [f"machine('well-{at}', host='127.0.0.1', port=1)" for at in range(100 - len(dead) - len(ACTIVE))]
    inventory, shared = tmp_path / "inventory.py", tmp_path / "shared"
    inventory.write_text(f"{text}\nmore = [{', '.join(lines)}]\n", encoding="utf-8")
    (shared / "heartbeats").mkdir(parents=True)
    now = now_ms()
    for at in range(len(dead)):
        put(shared, ours(f"dead-{at}", 200_000, now))
    for at in range(100 - len(dead) - len(ACTIVE)):
        put(shared, ours(f"well-{at}", 0, now))
    for name in ACTIVE:
        put(shared, ours(name, 214_000, now))
    done = well("validate", "--shared", str(shared), "--json", inventory=inventory, shared=False)
    for one in dead:
        for end in one:
            end.close()
    found = done.document
    assert {row(found, f"dead-{at}")["basis"] for at in range(len(dead))} == {"silent-and-unreachable"}
    assert {(row(found, name)["observed"], row(found, name)["basis"]) for name in ACTIVE} == {("online", "asked")}
    assert {row(found, f"well-{at}")["basis"] for at in range(80)} == {"heard-here"}
    assert done.seconds < 60, done.seconds  # 6 s and a start on a computer of its own
