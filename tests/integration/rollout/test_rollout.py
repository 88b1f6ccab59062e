"""The rollout over real SSH: what it does, what it does not do twice, and who it refuses."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from roosync_ops.fleet import load_inventory
from roosync_ops.gather.source import read_state
from roosync_ops.pyinfra_ops.run import Event, Result
from roosync_ops.remote_script import bundle
from roosync_ops.state import StateUnavailableError
from tests.integration.rollout.conftest import DEAD, NAMES, deploy, outcomes, still, tree
from tests.kits.agent_process import a_build
from tests.kits.hosts import PATIENCE_S
from tests.kits.hung import hung_server, too_busy
from tests.kits.product import record, roosync_ops
from tests.kits.sshd import Fleet


def test_three_machines_are_rolled_out_to_and_a_dead_one_stops_nobody(fleet: Fleet, inventory: Path) -> None:
    results = deploy("rollout", inventory, "lab", "dead")
    for name in NAMES:
        assert results[name].outcome == "changed", results[name]
        assert record(fleet.shared, name)["agent"]["state"] == "running"
    dead = results[DEAD]
    assert dead.outcome == "unreachable"
    assert dead.failure is not None
    assert dead.failure.hint.startswith("ssh -i ")


def test_a_first_rollout_takes_two_round_trips_and_a_second_one(fleet: Fleet, inventory: Path) -> None:
    assert fleet.shared.is_dir()
    first, second = deploy("rollout", inventory), deploy("rollout", inventory)
    assert {result.round_trips for result in first.values()} == {2}
    assert {result.round_trips for result in second.values()} == {1}


def test_a_first_rollout_is_one_login_on_each_machine(fleet: Fleet, tmp_path: Path) -> None:
    inventory = fleet.inventory(tmp_path / "inventory.py")  # where nobody is dead, nobody is asked about the dead
    answer = roosync_ops("rollout", "-i", inventory, "--shared", fleet.shared)
    assert answer.code == 0, answer
    logs = [(fleet.root / f"{name}.log").read_text() for name in NAMES]
    assert [log.count("Accepted publickey") for log in logs] == [1] * len(NAMES)


def test_a_server_that_closes_its_first_connections_is_asked_again(fleet: Fleet, tmp_path: Path) -> None:
    with too_busy(fleet[NAMES[0]].port, 2) as port:
        inventory = fleet.inventory(tmp_path / "inventory.py", port=port)
        known = fleet.known_hosts.read_text()
        fleet.known_hosts.write_text(known + known.splitlines()[0].replace(f":{fleet[NAMES[0]].port} ", f":{port} "))
        (result,) = deploy("rollout", inventory, NAMES[0]).values()
    assert result.outcome == "changed", result


def test_a_second_rollout_leaves_every_file_as_it_was(fleet: Fleet, inventory: Path) -> None:
    deploy("rollout", inventory)
    before, agents = still(fleet), sorted(fleet.sessions())
    results = deploy("rollout", inventory)
    assert outcomes(results) == {"unchanged"}, results
    assert still(fleet) == before
    assert sorted(fleet.sessions()) == agents


def test_dry_says_what_is_to_do_and_writes_nothing(fleet: Fleet, inventory: Path) -> None:
    before, share = {host.machine_id: tree(host.home) for host in fleet}, tree(fleet.shared)
    results = deploy("rollout", inventory, dry=True)
    assert outcomes(results) == {"planned"}
    planned = [step for step, outcome in results[NAMES[0]].steps.items() if outcome == "planned"]
    assert planned == ["push", "configure", "install", "register", "start"]
    assert {host.machine_id: tree(host.home) for host in fleet} == before
    assert tree(fleet.shared) == share
    assert set(share) == {"dashboards"}


def test_a_new_agent_takes_over_while_the_old_one_runs_and_goes_on_counting(fleet: Fleet, inventory: Path) -> None:
    deploy("rollout", inventory, NAMES[0])
    host = fleet[NAMES[0]]
    number = record(fleet.shared, host.machine_id)["agent"]["sequence"]
    # an older build, in one file, put there and started as a rollout of then would have
    a_build(host.local_dir / "agent.pyz", "roosync_ops/agent/answer.py", "import json", "import json\nOLDER = 1")
    results = deploy("rollout", inventory, NAMES[0])
    assert results[NAMES[0]].steps["push"] == "changed", results
    assert results[NAMES[0]].steps["configure"] == "unchanged"
    part = record(fleet.shared, host.machine_id)["agent"]
    assert part["buildId"] == bundle.build().build_id
    assert part["sequence"] > number
    assert part["state"] == "running"


def test_a_machine_with_another_name_is_refused_and_nothing_is_put_on_it(tmp_path: Path) -> None:
    with Fleet(tmp_path, NAMES, hostnames={"myia-web1": "somebody-else"}) as fleet:
        inventory = fleet.inventory(tmp_path / "inventory.py")
        results = deploy("rollout", inventory)
        refused = results["myia-web1"]
        assert refused.failure is not None
        assert refused.failure.code == "IDENTITY"
        assert refused.round_trips == 1
        assert tree(fleet["myia-web1"].home) == {}
        assert {results[name].outcome for name in NAMES[:2]} == {"changed"}


def test_every_machine_is_looked_at_before_the_first_is_changed(fleet: Fleet, tmp_path: Path) -> None:
    """The last to be refused takes a second to answer; until then nothing is on the others' disks."""
    slow = tmp_path / "slow-python"
    slow.write_text('#!/bin/sh\nsleep 1\nexec /usr/bin/env python3 "$@"\n')
    slow.chmod(0o755)
    inventory = fleet.inventory(tmp_path / "inventory.py")
    text = inventory.read_text()
    fields = fleet.fields(fleet[NAMES[2]], python=str(slow))
    lines = [f"machine({NAMES[2]!r}, **{fields!r})," if NAMES[2] in line else line for line in text.splitlines()]
    inventory.write_text("\n".join(lines))
    seen: list[tuple[str, bool]] = []

    def tell(told: Event | Result) -> None:
        kind = "done" if isinstance(told, Result) else "step" if told.step else "looked-at"
        seen.append((kind, any(host.local_dir.exists() for host in fleet)))

    deploy("rollout", inventory, tell=tell)
    assert [changed for kind, changed in seen if kind == "looked-at"] == [False, False, False]
    assert [kind for kind, _ in seen].index("step") == 3
    assert [kind for kind, _ in seen].count("done") == 3


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        pytest.param(lambda _: None, "SHARE_MISSING", id="missing"),
        pytest.param(lambda share: share.write_text(""), "SHARE_NOT_A_FOLDER", id="not-a-folder"),
    ],
)
def test_a_share_that_cannot_be_used_is_refused_before_anything_is_put_on_the_machine(
    fleet: Fleet, inventory: Path, spoil: Any, code: str
) -> None:
    shutil.rmtree(fleet.shared)
    spoil(fleet.shared)
    results = deploy("rollout", inventory)
    assert {result.failure.code for result in results.values() if result.failure} == {code}
    assert {path for host in fleet for path in tree(host.home)} == set()


def test_a_machine_that_hangs_at_login_bounds_the_rollout_and_stops_nobody(
    fleet: Fleet, inventory: Path, tmp_path: Path
) -> None:
    assert inventory.exists()
    with hung_server() as port:
        ssh = {"ssh_key": str(fleet.key), "ssh_known_hosts_file": str(fleet.known_hosts)}
        hung = f"hung = [machine('myia-ai-01', host='127.0.0.1', port={port}, ssh={ssh!r})]"
        both = fleet.inventory(tmp_path / "both.py", extra=hung)
        began = time.monotonic()
        results = deploy("rollout", both, "lab", "hung", connect_timeout_s=2)
    assert time.monotonic() - began < PATIENCE_S
    assert results["myia-ai-01"].outcome == "unreachable"
    assert {results[name].outcome for name in NAMES} == {"changed"}


def test_an_unknown_host_key_is_refused(fleet: Fleet, inventory: Path) -> None:
    fleet.known_hosts.write_text("")
    results = deploy("rollout", inventory)
    assert {result.failure.code for result in results.values() if result.failure} == {"HOST_KEY"}
    assert {path for host in fleet for path in tree(host.home)} == set()


def test_a_login_that_is_refused_is_told(fleet: Fleet, inventory: Path) -> None:
    Path(f"{fleet.key}.pub").write_text("")
    (result,) = deploy("rollout", inventory, NAMES[0]).values()
    assert result.failure is not None
    assert result.failure.code == "LOGIN_REFUSED"


def test_a_folder_where_the_record_belongs_stops_no_rollout(fleet: Fleet, inventory: Path) -> None:
    host = fleet[NAMES[0]]
    (host.heartbeat / "in-the-way").mkdir(parents=True)
    assert outcomes(deploy("rollout", inventory, NAMES[0])) == {"changed"}
    (aside,) = host.heartbeat.parent.glob(".*.aside")
    assert (aside / "in-the-way").is_dir()
    assert host.heartbeat.is_file()


def test_restart_is_another_process_and_nobody_sees_it_leave(fleet: Fleet, inventory: Path) -> None:
    deploy("rollout", inventory, NAMES[0])
    before = record(fleet.shared, NAMES[0])["agent"]
    (result,) = deploy("restart", inventory, NAMES[0]).values()
    after = record(fleet.shared, NAMES[0])["agent"]
    assert result.outcome == "changed", result
    assert after["sessionId"] != before["sessionId"]
    assert after["sequence"] > before["sequence"]
    assert after["state"] == "running"


def test_a_stopped_machine_has_left_and_a_rollout_starts_it_again(fleet: Fleet, inventory: Path) -> None:
    deploy("rollout", inventory, NAMES[0])
    assert outcomes(deploy("stop", inventory, NAMES[0])) == {"changed"}
    assert record(fleet.shared, NAMES[0])["agent"]["state"] == "left"
    assert outcomes(deploy("stop", inventory, NAMES[0])) == {"unchanged"}
    (result,) = deploy("rollout", inventory, NAMES[0]).values()
    assert [step for step, outcome in result.steps.items() if outcome == "changed"] == ["register", "start"]


def test_uninstall_leaves_nothing_on_a_machine_but_its_record_in_the_share(fleet: Fleet, inventory: Path) -> None:
    deploy("rollout", inventory)
    (fleet.shared / "somebody-else.txt").write_text("precious")
    assert outcomes(deploy("uninstall", inventory)) == {"changed"}
    for host in fleet:
        assert [path for path in tree(host.home) if "roosync" in path] == []
        assert record(fleet.shared, host.machine_id)["agent"]["state"] == "left"
    assert (fleet.shared / "somebody-else.txt").read_text() == "precious"
    assert fleet.sessions() == []
    assert outcomes(deploy("uninstall", inventory)) == {"unchanged"}


def test_verify_passes_what_is_online_and_names_what_is_not(fleet: Fleet, inventory: Path) -> None:
    deploy("rollout", inventory)
    deploy("stop", inventory, NAMES[0])
    results = deploy("verify", inventory)
    failure = results[NAMES[0]].failure
    assert failure is not None
    assert failure.code == "NOT_RUNNING"
    assert {results[name].outcome for name in NAMES[1:]} == {"unchanged"}
    assert fleet.shared.is_dir()


def test_another_configuration_is_carried_to_the_loop(fleet: Fleet, tmp_path: Path) -> None:
    deploy("rollout", fleet.inventory(tmp_path / "a.py"), NAMES[0])
    other = fleet.inventory(tmp_path / "b.py", heartbeat_interval=1_000, metadata={"room": "à côté", "rack": 7})
    (result,) = deploy("rollout", other, NAMES[0]).values()
    assert [step for step, outcome in result.steps.items() if outcome == "changed"] == ["configure", "start"]
    found = record(fleet.shared, NAMES[0])
    assert found["agent"]["heartbeatInterval"] == 1_000
    assert found["metadata"]["room"] == "à côté"
    assert outcomes(deploy("rollout", other, NAMES[0])) == {"unchanged"}


def test_paths_with_spaces_quotes_and_accents_work(tmp_path: Path) -> None:
    with Fleet(tmp_path, NAMES[:1]) as fleet:
        odd = tmp_path / "Mon Drive" / 'd\'été "$HOME" `id` é'
        odd.mkdir(parents=True)
        local = fleet[NAMES[0]].home / 'état; local & "co"'
        inventory = fleet.inventory(tmp_path / "inventory.py", shared=str(odd), local_dir=str(local))
        assert outcomes(deploy("rollout", inventory)) == {"changed"}
        assert record(odd, NAMES[0])["agent"]["state"] == "running"
        assert outcomes(deploy("rollout", inventory)) == {"unchanged"}
        assert outcomes(deploy("uninstall", inventory)) == {"changed"}
        assert not local.exists()


def test_the_shared_state_is_read_through_a_machine_that_has_it(fleet: Fleet, inventory: Path) -> None:
    deploy("rollout", inventory)
    machines = load_inventory(inventory)
    machine = machines.get(NAMES[0])
    assert machine is not None
    document = read_state(machine, timeout_s=20)
    assert {piece["machineId"] for piece in document["evidence"]} == set(NAMES)
    assert document["shared"] == str(fleet.shared)


@pytest.mark.parametrize("name", [DEAD, NAMES[0]])
def test_a_machine_that_cannot_tell_the_shared_state_says_why(fleet: Fleet, inventory: Path, name: str) -> None:
    machine = load_inventory(inventory).get(name)
    assert machine is not None
    with pytest.raises(StateUnavailableError) as caught:
        read_state(machine, timeout_s=20)
    assert name in caught.value.reason
    assert caught.value.hint
    assert fleet.shared.is_dir()


def test_a_machine_that_hangs_does_not_hang_the_reading(fleet: Fleet, inventory: Path) -> None:
    with hung_server() as port:
        inventory.write_text(inventory.read_text().replace(f"'port': {fleet[NAMES[0]].port}", f"'port': {port}"))
        machine = load_inventory(inventory).get(NAMES[0])
        assert machine is not None
        began = time.monotonic()
        with pytest.raises(StateUnavailableError, match=r"no answer|said nothing"):
            read_state(machine, timeout_s=2)
    assert time.monotonic() - began < PATIENCE_S


def test_a_machine_taken_for_windows_that_is_none_is_told_apart(fleet: Fleet, tmp_path: Path) -> None:
    inventory = fleet.inventory(tmp_path / "wrong.py", system="windows", permanence="auto", python=None)
    before = {host.machine_id: tree(host.home) for host in fleet}
    for result in deploy("rollout", inventory).values():
        assert result.failure is not None
        assert result.failure.code == "WRONG_SYSTEM"
        assert 'system="windows"' in result.failure.reason
    assert {host.machine_id: tree(host.home) for host in fleet} == before
