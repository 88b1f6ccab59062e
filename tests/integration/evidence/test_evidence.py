"""What stands still is named: an upload, a replica, the one here, a machine, an agent, a share; in bounded time."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from roosync_ops.lab.fleet import ADMIN
from roosync_ops.show import schemas
from tests.integration.evidence.conftest import ACTIVE
from tests.kits.hosts import child_process, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.evidence.conftest import Operator


def findings(document: Any) -> set[tuple[str, str | None]]:
    found = document["findings"] if "observers" in document else document["evidence"]["findings"]
    return {(one["kind"], one["machineId"]) for one in found}


def row(document: Any, name: str) -> Any:
    return next(one for one in document["machines"] if one["machineId"] == name)


def test_a_stalled_upload_and_a_stale_replica_are_told_apart(well: Operator) -> None:
    well.fleet.fault("upload-stall", "myia-po-2024")
    well.fleet.fault("download-stall", "myia-po-2023")
    expected = {("upload-stalled", "myia-po-2024"), ("observer-stale", "myia-po-2023")}
    schemas.of("matrix").validate_python(well.until(lambda document: findings(document) == expected, "matrix"))
    done = well("validate", "--probe", "--json")
    schemas.of("validate").validate_json(done.out)
    late = row(done.document, "myia-po-2024")
    assert (done.code, late["observed"], late["own"]["word"], late["basis"]) == (0, "online", "alive", "asked")
    assert row(done.document, "myia-po-2023")["ok"] is True
    table = well("validate", "--probe").out
    assert "myia-po-2024: agent running, its beats are not uploaded since " in table
    assert "observer myia-po-2023: its replica is stale since " in table


def test_a_stale_replica_here_a_machine_off_and_an_agent_gone_each_have_their_word(well: Operator) -> None:
    well.fleet.fault("download-stall", ADMIN)
    well.fleet.crash_agent("myia-po-2025")
    well.fleet.power_off("myia-web1")
    wanted = {("observer-stale", None), ("agent-gone", "myia-po-2025"), ("machine-off", "myia-web1")}
    found = well.until(lambda document: findings(document) == wanted, "validate", "--probe")
    assert [row(found, name)["observed"] for name in ("myia-po-2024", "myia-po-2023")] == ["online", "online"]
    assert row(found, "myia-po-2025")["reasonKind"] == "agent-gone"
    assert row(found, "myia-web1")["reasonKind"] == "machine-off"
    assert "observer this computer: its replica is stale since " in well("validate", "--probe").out
    blind = well("validate", "--probe", "never", "--json").document
    assert blind["summary"]["online"] == 0
    assert {one["reasonKind"] for one in blind["machines"] if not one["ok"]} == {"observer-suspected"}
    assert "evidence" not in blind
    assert "own" not in blind["machines"][0]


def test_without_a_share_here_the_machines_replicas_are_enough(well: Operator) -> None:
    done = well("validate", "--probe", "--json", shared=False)
    assert done.code == 0
    assert done.document["summary"] == {"total": 6, "online": 4, "percent": 66}


def test_signs_of_life_are_told_through_a_machine_as_from_a_share(well: Operator) -> None:
    for name in ("myia-po-2024", "myia-po-2023"):
        folder = well.fleet.host(name).shared / "listener-heartbeats"
        folder.mkdir(exist_ok=True)
        (folder / "myia-po-2026.heartbeat").write_text("2026-02-12T10:10:00Z\n")
    for words in (["--via", "myia-po-2024"], ["--probe"]):
        found = row(well("validate", *words, "--json", shared=False).document, "myia-po-2026")
        assert (found["observed"], found["lastSign"]) == (
            "unknown",
            {"at": "2026-02-12T10:10:00.000Z", "source": "listener"},
        )


def test_an_agent_whose_share_is_gone_says_so_itself(well: Operator) -> None:
    well.fleet.fault("unmounted", "myia-po-2024")
    found = well.until(lambda document: ("share-stuck", "myia-po-2024") in findings(document), "validate", "--probe")
    assert row(found, "myia-po-2024")["own"]["word"] == "stuck"
    assert row(found, "myia-po-2024")["own"]["since"] is not None
    well.until(lambda document: row(document, "myia-po-2024")["reasonKind"] == "share-stuck", "validate", "--probe")
    assert "myia-po-2024: agent running, share blocked since " in well("validate", "--probe").out


def full_backlog() -> list[socket.socket]:
    """Listen without ever accepting until further connections get no answer, as those to a dead machine do."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    made = [listener]
    for _ in range(3):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
        made.append(client)
    return made


def test_two_dead_machines_and_one_that_hangs_cost_no_more_than_their_own_time(well: Operator, tmp_path: Path) -> None:
    mute = socket.socket()
    mute.bind(("127.0.0.1", 0))
    mute.listen(8)
    dead = [full_backlog(), full_backlog()]
    ports = {"dead-1": dead[0][0], "dead-2": dead[1][0], "mute": mute}
    lines = ", ".join(
        f"machine({name!r}, host='127.0.0.1', port={one.getsockname()[1]})" for name, one in ports.items()
    )
    inventory = tmp_path / "inventory.py"
    text = well.fleet.inventory.read_text(encoding="utf-8").rpartition("\ncheck_groups(")[0]
    inventory.write_text(f"{text}\nlost = [{lines}]\n", encoding="utf-8")
    quick = well("matrix", "--json")
    done = well("matrix", "--connect-timeout", "1", "--timeout", "4", "--json", inventory=inventory)
    for one in (mute, *dead[0], *dead[1]):
        one.close()
    assert findings(done.document) >= {
        ("machine-off", "dead-1"),
        ("machine-off", "dead-2"),
        ("no-usable-answer", "mute"),
    }
    assert {one["machineId"] for one in done.document["machines"] if one["word"] == "alive"} >= {"myia-po-2024"}
    assert done.seconds < quick.seconds * 2 + 60


def test_nobody_to_ask_is_no_verdict(well: Operator) -> None:
    done = well("matrix", "myia-ai-01", "myia-po-2026", "--json", shared=False)
    assert done.code == 3
    assert done.document["error"]["code"] == "NOBODY_ASKED"


def test_patience_keeps_what_was_seen_at_home_and_never_in_the_share(well: Operator, tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    before = sorted(path.name for path in well.fleet.shared.iterdir())
    keep = ("--memory", str(memory))
    assert well("validate", "--patience", "auto", *keep, "--json").document["patienceMs"] == 4_000
    names = ("myia-po-2024", "myia-web1")
    counted = ("arrival", "between-readings")
    found = well.until(
        lambda document: all(row(document, name)["ageBasis"] in counted for name in names),
        "validate", "--patience", "30", *keep,
    )  # fmt: skip
    assert (found["patienceMs"], found["ok"]) == (30_000, True)
    assert len(list(memory.glob("seen-*.json"))) == 1
    assert sorted(path.name for path in well.fleet.shared.iterdir()) == before


def test_shares_are_measured_on_the_machines_and_the_ways_between_them(well: Operator) -> None:
    """Two of them over SSH, with this computer's own; the beats of all four are what is timed."""
    names = ["myia-po-2024", "myia-po-2023"]
    done = well("verify-share", str(well.fleet.shared), "--via", ",".join(names), "--seconds", "10", "--json")
    document = schemas.of("verify-share").validate_python(done.document)
    traits = ["replace", "names", "locks", "flush", "propagation"]
    assert [one["name"] for one in document["traits"]] == traits
    for machine in document["machines"]:
        assert [one["name"] for one in machine["traits"]] == traits, machine
        assert machine["shared"] == str(well.fleet.host(machine["machineId"]).shared)
        assert machine["code"] is None
    ways = {(one["source"], one["observer"]) for one in document["propagation"]}
    assert ways == {(name, to) for name in ACTIVE for to in (None, *names) if name != to}
    assert all(-one["errorS"] - 0.1 <= one["p50S"] <= one["p99S"] for one in document["propagation"])
    assert leftovers(well) == []


def test_a_machine_that_is_off_costs_the_others_nothing_and_alone_is_no_verdict(well: Operator) -> None:
    done = well("verify-share", "--via", "myia-po-2024,myia-ai-01", "--seconds", "0", "--json", shared=False)
    assert done.code == 1
    off, on = sorted(
        schemas.of("verify-share").validate_python(done.document)["machines"], key=lambda one: one["machineId"]
    )
    assert (off["machineId"], off["code"], off["traits"]) == ("myia-ai-01", "REFUSED", [])
    assert on["ok"]
    alone = well("verify-share", "--via", "myia-ai-01", "--json", shared=False)
    assert (alone.code, alone.document["error"]["code"]) == (3, "NOBODY_ASKED")


def test_a_measuring_that_is_broken_off_leaves_nothing(well: Operator) -> None:
    words = ["verify-share", "--via", "myia-po-2024", "--seconds", "600", "--inventory", str(well.fleet.inventory)]
    with child_process([sys.executable, "-m", "roosync_ops", *words], stdout=subprocess.DEVNULL) as process:
        wait_for("it to measure", lambda: leftovers(well))
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 130
    wait_for("nothing to be left", lambda: not leftovers(well))


def leftovers(operator: Operator) -> list[str]:
    """Return what any measuring left in any replica."""
    replicas = [operator.fleet.shared, *(operator.fleet.host(name).shared for name in ACTIVE)]
    return [str(path) for replica in replicas for path in replica.glob(".roosync-verify-*")]
