"""A bad build undoes itself on the machine: real loops, a real guard, the build before back and saying so."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.agent.builds import named_builds, on_trial
from roosync_ops.agent.trial import WHY
from roosync_ops.agent.verbs.guard import LOCK
from roosync_ops.remote_script import bundle
from tests.kits.agent_process import Agent, a_build, kill
from tests.kits.hosts import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BEATS = ("--heartbeat-interval", "300", "--offline-timeout", "3000", "--share-deadline", "1")
#: So slow that a trial lasts until a test is done with it.
SLOW = ("--heartbeat-interval", "60000", "--offline-timeout", "180000", "--share-deadline", "1")
RUN, LOOP, BEAT = (f"roosync_ops/agent/{name}.py" for name in ("verbs/run", "loop", "beat"))
STEP = "  now_ms=I.clock.wall_ms()\n  good"
TIME = "lastHeartbeat=to_iso(now_ms)"
HANGS = "  if I.beats>=3:__import__('time').sleep(9999)\n"
#: What is done to a build so that it comes up, and goes bad afterwards: file, text, its replacement.
LATER = {
    "dies after 3 beats": (LOOP, STEP, f"  if I.beats>=3:raise MemoryError\n{STEP}"),
    "hangs after 3 beats": (LOOP, STEP, HANGS + STEP),
    "eats memory": (LOOP, STEP, f"  I.__dict__.setdefault('hog',[]).append(b'x'*20_000_000)\n{STEP}"),
    "beats an hour ago": (BEAT, TIME, "lastHeartbeat=to_iso(now_ms-3600000)"),
    "beats in ten hours": (BEAT, TIME, "lastHeartbeat=to_iso(now_ms+36000000)"),
    "beats at one time": (BEAT, TIME, "lastHeartbeat=to_iso(session.started_at_ms-4000)"),
    "beats without a time": (BEAT, TIME, "lastHeartbeat='now'"),
    "beats as offline": (BEAT, "status=ONLINE", "status=OFFLINE"),
}
#: What keeps it from coming up at all: file, text, its replacement.
NEVER = {
    "cannot be imported": (RUN, "import os", "import os, no_such_module"),
    "ends at once": (RUN, " lock=_only_loop(", " raise MemoryError\n lock=_only_loop("),
    "another name": ("roosync_ops/agent/share.py", '{machine_id}.json")', '{machine_id}-x.json")'),
}
#: What keeps it from ending what it began: no trial would show that.
ENDLESS = {
    "stop fails": (" with take_turn(places):", " raise RuntimeError('bad stop')\n with take_turn(places):"),
    "stop ends nothing": ("  end_all(config,places,save=flags.save_state)", "  pass"),
    "stop tells nobody": (" config=config_of(flags)", " config=config_of(flags)\n flags.save_state=False"),
}
#: A first life is all it has: it cannot read what it wrote.
ONCE = (RUN, " publisher.loop=_", " if publisher.journal.generation:raise MemoryError\n publisher.loop=_")
GOOD = ("roosync_ops/agent/answer.py", "import json", "import json\nGOOD = 1")


class Machine:
    """A machine whose agent lies where rollouts put it; `old` is this build, which beats."""

    def __init__(self, root: Path, shared: Path) -> None:
        self.root, self.shared = root, shared
        self.local = root / "local dir"
        self.local.mkdir()
        self.old = self.lay(bundle.build())
        self.agent = Agent(self.local / self.old, root, shared)
        self.agent("start", *BEATS)

    def lay(self, build: bundle.Bundle) -> str:
        (self.local / build.file_name).write_bytes(build.data)
        return build.file_name

    def new(self, file: str, old: str, new: str) -> str:
        return self.lay(a_build(self.root / "new.pyz", file, old, new))

    def build_id(self) -> Any:
        return self.agent.record()["agent"]["buildId"]

    def rolled_back(self) -> Any:
        return self.agent.record()["agent"].get("rolledBack")

    def is_guarded(self) -> bool:
        return bool(on_trial(str(self.local)))

    def beats(self, seconds: float = 30) -> None:
        before = self.agent.sequence()
        wait_for("another beat", lambda: self.agent.sequence() > before, seconds)

    def comes_back(self) -> dict[str, Any]:
        """Wait until the build before beats and says why; return what it says."""
        said = wait_for("the build before", self.rolled_back)
        assert (self.build_id(), said["to"]) == (self.old[6:22], self.old[6:22])
        assert named_builds(str(self.local)) == [self.old]
        self.beats()
        assert self.agent("status")["rolledBack"] == said
        assert WHY[said["code"]].format(*said["values"]) == said["why"]
        return dict(said)


@pytest.fixture
def machine(tmp_path: Path, shared: Path) -> Iterator[Machine]:
    made = Machine(tmp_path, shared)
    yield made
    made.agent.end()


def test_a_good_build_proves_itself_and_is_on_trial_no_more(machine: Machine) -> None:
    name = machine.new(*GOOD)
    machine.agent("restart", "--to", name, *BEATS)
    wait_for("the end of the trial", lambda: not machine.is_guarded())
    assert named_builds(str(machine.local)) == [name, machine.old]
    assert machine.build_id() == name[6:22]
    assert machine.rolled_back() is None


@pytest.mark.parametrize("what", LATER)
def test_a_build_that_goes_bad_is_left_again(machine: Machine, what: str) -> None:
    name = machine.new(*LATER[what])
    machine.agent("restart", "--to", name, *BEATS)
    assert machine.comes_back()["from"] == name[6:22]


@pytest.mark.parametrize("what", NEVER)
def test_a_build_that_does_not_come_up_is_told_and_the_one_before_beats(machine: Machine, what: str) -> None:
    name = machine.new(*NEVER[what])
    answer = machine.agent("restart", "--to", name, *BEATS, code=1)
    assert answer["code"] == "ROLLED_BACK"
    machine.beats()
    assert machine.build_id() == machine.old[6:22]
    assert not machine.is_guarded()


@pytest.mark.parametrize("what", ENDLESS)
def test_a_build_that_cannot_stop_is_never_begun(
    machine: Machine, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    name = machine.new("roosync_ops/agent/verbs/stop.py", *ENDLESS[what])
    session = machine.agent.record()["agent"]["sessionId"]
    answer = machine.agent("restart", "--to", name, *BEATS, code=1)
    assert (answer["code"], "does not stop" in answer["detail"]) == ("ROLLED_BACK", True)
    machine.beats()
    assert machine.agent.record()["agent"]["sessionId"] == session
    assert not machine.is_guarded()
    assert not list(tmp_path.glob("roosync-????????"))


def test_a_build_that_does_not_come_up_a_second_time_is_never_begun(machine: Machine) -> None:
    session = machine.agent.record()["agent"]["sessionId"]
    answer = machine.agent("restart", "--to", machine.new(*ONCE), *BEATS, code=1)
    assert (answer["code"], "does not start again: " in answer["detail"]) == ("ROLLED_BACK", True)
    machine.beats()
    assert machine.agent.record()["agent"]["sessionId"] == session


def test_an_admin_that_is_gone_right_after_the_switch_leaves_nobody_dark(machine: Machine) -> None:
    name = machine.new(*NEVER["ends at once"])
    process = subprocess.Popen(machine.agent.line("restart", "--to", name, *BEATS), stdout=subprocess.DEVNULL)
    wait_for("the guard", lambda: machine.is_guarded() and _is_held(machine))
    process.kill()
    process.wait()
    assert machine.comes_back()["from"] == name[6:22]


def test_a_share_in_trouble_is_no_fault_of_the_new_build(machine: Machine) -> None:
    name = machine.new(*GOOD)
    machine.agent("restart", "--to", name, *BEATS)
    heartbeats = machine.shared / "heartbeats"
    aside = machine.shared.with_name("gone")
    machine.shared.rename(aside)
    time.sleep(9)  # longer than silence is borne: interval, deadline and LATE_S
    assert machine.is_guarded()
    aside.rename(machine.shared)
    wait_for("the end of the trial", lambda: not machine.is_guarded())
    assert json.loads((heartbeats / "m1.json").read_bytes())["agent"]["buildId"] == name[6:22]


def test_who_stops_it_ends_the_trial_and_nothing_starts_it_again(machine: Machine) -> None:
    machine.agent("restart", "--to", machine.new(*GOOD), *SLOW)
    assert machine.is_guarded()
    machine.agent("stop")
    assert not machine.is_guarded()
    wait_for("the guard's end", lambda: not _is_held(machine))
    assert machine.agent("status")["running"] is False


def test_a_guard_that_was_killed_is_back_with_the_next_start(machine: Machine) -> None:
    machine.agent("restart", "--to", machine.new(*LATER["hangs after 3 beats"]), *BEATS)
    wait_for("the guard", lambda: _is_held(machine))
    kill(_guard(machine))
    Agent(machine.local / "agent.pyz", machine.root, machine.shared)("restart", *BEATS)
    assert machine.comes_back()


def test_a_loop_that_another_one_follows_beats_once_more_before_it_ends(machine: Machine) -> None:
    """However long ago the last beat was, nobody waits longer than an interval for the next."""
    slow = ("--heartbeat-interval", "600000", "--offline-timeout", "2000000", "--share-deadline", "1")
    machine.agent("restart", *slow)
    before = machine.agent.sequence()
    machine.agent("restart", *slow)
    assert machine.agent.sequence() == before + 2


def _is_held(machine: Machine) -> bool:
    from roosync_ops.agent.lock import is_held  # noqa: PLC0415 - of the room under test

    return is_held(str(machine.agent.folder / LOCK))


def _guard(machine: Machine) -> int:
    done = subprocess.run(["pgrep", "-f", f"{machine.local}.* guard "], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[0])
