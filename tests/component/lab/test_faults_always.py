"""What holds whatever faults are applied and ended, in any order; and that each history can be replayed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roosync_ops.lab.faults import FAULTS, is_copy
from roosync_ops.lab.replica import File, FolderReplica, Stamp
from roosync_ops.lab.replicator import Replicator, uniform
from tests.kits.sync import local_trouble
from tests.unit.lab.virtual import MemoryReplica, World

if TYPE_CHECKING:
    from pathlib import Path

BEAT = "heartbeats/a.json"
MACHINES = "abc"
SHARED = "heartbeat.json"


def _world(seed: int) -> World:
    replicas = {name: MemoryReplica() for name in MACHINES}
    return World(replicas, Replicator(replicas, lambda _now: 0.4, seed))


def _own(machine: str) -> str:
    return f"heartbeats/{machine}.json"


@dataclass
class Fleet:
    """Three machines of which each writes its own file and all write one; what they wrote is remembered."""

    world: World
    written: dict[str, list[bytes]] = field(default_factory=dict)
    count: int = 0

    def write(self, machine: str, name: str) -> None:
        trouble = local_trouble(self.world.sync.links[machine])
        if trouble.hangs or trouble.write is not None:
            return
        self.count += 1
        content = b"%s %d" % (machine.encode(), self.count)
        self.world.replicas[machine].write(name, content)
        self.written.setdefault(name, []).append(content)

    def end(self) -> None:
        for link in self.world.sync.links.values():
            link.faults.clear()
        for machine in MACHINES:
            self.world.sync.switch(machine, up=True, down=True)
        self.world.settle()
        self.world.settle()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("own"), st.sampled_from(MACHINES), st.just("")),
        st.tuples(st.just("shared"), st.sampled_from(MACHINES), st.just("")),
        st.tuples(st.sampled_from(["on", "off"]), st.sampled_from(MACHINES), st.sampled_from(list(FAULTS))),
        st.tuples(st.just("wait"), st.sampled_from("19"), st.just("")),
    ),
    max_size=50,
)


def _play(fleet: Fleet, steps: list[tuple[str, str, str]]) -> None:
    for what, machine, fault in steps:
        if what == "own":
            fleet.write(machine, _own(machine))
        elif what == "shared":
            fleet.write(machine, SHARED)
        elif what == "wait":
            fleet.world.run(int(machine) / 2)
        else:
            fleet.world.sync.fault(fault, machine, on=what == "on")


def _fleet(seed: int) -> Fleet:
    w = _world(seed)
    w.sync.delay = uniform(0.0, 2.0, seed)
    return Fleet(w)


@settings(deadline=None)  # a busy computer is no failure
@given(STEPS, st.integers(0, 1000))
def test_whatever_happened_in_the_end_every_replica_holds_what_the_last_writer_wrote(
    steps: list[tuple[str, str, str]], seed: int
) -> None:
    fleet = _fleet(seed)
    _play(fleet, steps)
    fleet.end()
    a, b, c = (replica.contents() for replica in fleet.world.replicas.values())
    assert a == b == c
    for machine in MACHINES:
        last = fleet.written.get(_own(machine), [None])[-1]
        assert a.get(_own(machine)) == last
    fleet.write("b", SHARED)
    fleet.end()
    assert {replica.text(SHARED) for replica in fleet.world.replicas.values()} == {fleet.written[SHARED][-1]}


@settings(deadline=None)  # a busy computer is no failure
@given(STEPS, st.integers(0, 1000))
def test_no_file_appears_that_was_never_written_but_for_named_conflict_copies(
    steps: list[tuple[str, str, str]], seed: int
) -> None:
    fleet = _fleet(seed)
    _play(fleet, steps)
    fleet.end()
    everything = {content for contents in fleet.written.values() for content in contents}
    for name, content in fleet.world.replicas["a"].contents().items():
        assert name in fleet.written or is_copy(name)
        assert content in everything


@settings(deadline=None, max_examples=20)  # a busy computer is no failure
@given(steps=STEPS)
def test_nothing_outside_the_shares_folder_is_touched(
    steps: list[tuple[str, str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    top = tmp_path_factory.mktemp("top")
    (top / "precious").write_text("x")
    replicas = {name: FolderReplica(top / name / "share") for name in MACHINES}
    for name, replica in replicas.items():
        replica.root.mkdir(parents=True)
        replica.deliver(_own(name), File(name.encode()))
    sync = Replicator(replicas, uniform(0.0, 1.0))
    for number, (what, machine, fault) in enumerate(steps):
        if what in ("on", "off"):
            sync.fault(fault, machine, on=what == "on")
        elif what in ("own", "shared") and machine in replicas:
            name = _own(machine) if what == "own" else SHARED
            (replicas[machine].root / name).write_bytes(b"%d" % number)
        sync.step(float(number))
    outside = {path.relative_to(top).as_posix() for path in top.rglob("*") if "share" not in path.parts}
    assert outside == {"precious", *MACHINES}


def test_a_folder_that_is_a_link_leads_nobody_out_of_the_share(tmp_path: Path) -> None:
    outside, share = tmp_path / "outside", tmp_path / "share"
    outside.mkdir()
    share.mkdir()
    (outside / "a.json").write_text("precious")
    (share / "heartbeats").symlink_to(outside)
    replica = FolderReplica(share)
    for touch in (lambda: replica.deliver(BEAT, File(b"x")), lambda: replica.remove(BEAT), lambda: replica.read(BEAT)):
        with pytest.raises(OSError, match="link"):
            touch()
    assert (outside / "a.json").read_text() == "precious"
    assert len(list(outside.iterdir())) == 1


def history(seed: int) -> str:
    """The digest of all that happens in an hour with every fault on and off, and of what is there in the end."""
    told: list[str] = []

    class Told(MemoryReplica):
        """Tells what the product does to it."""

        def deliver(self, name: str, file: File) -> Stamp:
            told.append(f"{name} {file!r}")
            return super().deliver(name, file)

        def remove(self, name: str) -> None:
            told.append(name)
            super().remove(name)

    replicas = {name: Told() for name in MACHINES}
    sync = Replicator(replicas, uniform(0.5, 20.0, seed), seed)
    names = list(FAULTS)
    for now in range(3600):
        if now % 30 == 0:
            for machine in MACHINES:
                replicas[machine].write(_own(machine), b"%d" % now)
                replicas[machine].write(SHARED, b"%s %d" % (machine.encode(), now))
        if now % 60 == 0:
            minute = now // 60
            sync.fault(names[minute % len(names)], MACHINES[minute % 3])
            sync.fault(names[(minute - 2) % len(names)], MACHINES[(minute - 2) % 3], on=False)
        sync.step(float(now))
    ends = [repr(sorted(replica.contents().items())) for replica in replicas.values()]
    assert len(told) > 2 * 3 * 120 + 200  # what the machines wrote themselves, and what the product did
    return hashlib.sha256("\n".join(told + ends).encode()).hexdigest()


def test_the_same_seed_replays_the_same_bytes_in_another_process_too() -> None:
    program = "from tests.component.lab.test_faults_always import history; print(history(7))"
    done = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": salt, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout.strip()
        for salt in ("1", "2")
    ]
    assert done == [history(7)] * 2


def test_another_seed_is_another_history() -> None:
    assert history(7) != history(8)
