"""A rollout in batches: who is replaced when, when it stops, and how the next one goes on."""

import errno
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.cli import ramp
from roosync_ops.cli.journal import RunJournal
from roosync_ops.errors import CommandError
from roosync_ops.fleet import Machine
from roosync_ops.pyinfra_ops.ledger import ON_TRIAL, REPLACED, ROLLED_BACK, WAITS
from roosync_ops.pyinfra_ops.plan import Difference
from roosync_ops.pyinfra_ops.run import Result
from roosync_ops.transport.link import Failure

NAMES = [f"myia-{number}" for number in range(1, 6)]
MACHINES = [Machine(machine_id=name, heartbeat_interval=1000) for name in NAMES]
UNREACHED = Failure("connect", "TIMEOUT", "no answer", "roosync-ops diagnose")


class Fleet:
    """Answers as machines would: `old` run another build, `bad` go back, `dead` are not reached, `lost` no more.

    On those that are `taken` another rollout has put its build by the time of the deploy of that number. Those that are
    `late` are not seen online right after the change.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - each is another kind of machine
        self,
        old: Sequence[str] = NAMES,
        bad: Sequence[str] = (),
        dead: Sequence[str] = (),
        lost: Sequence[str] = (),
        taken: Mapping[str, int] = MappingProxyType({}),
        late: Sequence[str] = (),
    ) -> None:
        self.old, self.bad, self.dead, self.lost, self.taken, self.late = old, bad, dead, lost, taken, late
        self.asked: list[tuple[str, list[str]]] = []

    def __call__(self, deploy: str, machines: Sequence[Machine]) -> tuple[Result, ...]:
        self.asked.append((deploy, [machine.machine_id for machine in machines]))
        return tuple(self._row(deploy, machine.machine_id) for machine in machines)

    def _row(self, deploy: str, name: str) -> Result:
        if name in self.dead or (deploy == "prove" and name in self.lost):
            return Result(name, failure=UNREACHED)
        if len(self.asked) >= self.taken.get(name, 100):
            return Result(name, failure=Failure("start", REPLACED, "another rollout has put build x there", ""))
        if deploy == "ramp" and name in self.old:
            return Result(name, skipped=WAITS)
        if deploy == "prove" and name in self.bad:
            return Result(name, failure=Failure("proved", ROLLED_BACK, "its loop ended", ""))
        if deploy == "rollout" and name in self.late:
            return Result(
                name, {"push": "changed", "online": "failed"}, failure=Failure("online", "NOT_RUNNING", "", "")
            )
        return Result(name, {"push": "changed"}, differences=(Difference("build", "old", "new"),))

    def replaced(self) -> list[list[str]]:
        return [names for deploy, names in self.asked if deploy == "rollout"]


def run(fleet: Fleet, **options: Any) -> tuple[ramp.Ramp, dict[str, str]]:
    by = ramp.Batches(**{name: options.pop(name) for name in ("batch", "soak", "max_fail") if name in options})
    found = ramp.Ramp(chosen=MACHINES, act=fleet, note=lambda _: None, by=by, **options)
    return found, {row.machine_id: row.outcome for row in found.run()}


@given(st.integers(0, 60), st.lists(st.sampled_from(["1", "3", "25%", "100%", "0", "1%"]), min_size=1, max_size=4))
def test_batches_are_everybody_once(total: int, words: list[str]) -> None:
    found = ramp.sizes(",".join(words), total)
    assert sum(found) == total
    assert all(size > 0 for size in found)


@pytest.mark.parametrize(
    ("text", "total", "sizes"),
    [("1,25%,100%", 8, [1, 2, 5]), ("1,100%", 1, [1]), ("2", 5, [2, 2, 1]), ("all", 5, [5]), ("10%", 3, [1, 1, 1])],
)
def test_the_last_word_holds_for_the_rest(text: str, total: int, sizes: list[int]) -> None:
    assert ramp.sizes(text, total) == sizes


@pytest.mark.parametrize("text", ["", "x", "-1", "1,,2", "50%%", "²"])
def test_what_is_no_batch_is_refused(text: str) -> None:
    with pytest.raises(CommandError):
        ramp.sizes(text, 5)


def test_one_is_replaced_first_and_the_others_once_it_is_proved() -> None:
    fleet = Fleet()
    found, words = run(fleet)
    assert fleet.asked == [
        ("ramp", NAMES), ("rollout", NAMES[:1]), ("prove", NAMES[:1]), ("rollout", NAMES[1:]), ("prove", NAMES[1:]),
        ("prove", NAMES[:1]),
    ]  # fmt: skip
    assert (found.stopped, set(words.values())) == (False, {"changed"})


@pytest.mark.parametrize("options", [{}, {"max_fail": "5"}])
@pytest.mark.parametrize("when", [1, 2])
def test_who_finds_another_rollouts_build_on_one_machine_goes_no_further(options: dict[str, str], when: int) -> None:
    """Be it one that was enrolled at once, or only found so afterwards, whatever number may fail."""
    fleet = Fleet(old=NAMES[1:], taken={NAMES[0]: when})
    found, words = run(fleet, **options)
    assert (found.stopped, fleet.replaced()) == (True, [])
    assert list(words.values()) == ["failed", *["skipped"] * 4]


def test_who_changes_a_machine_last_has_seen_all_that_it_changed_after_that() -> None:
    """Else two rollouts at once could leave two builds, and nobody would say so."""
    fleet = Fleet(taken={NAMES[0]: 6})
    _, words = run(fleet)
    assert fleet.asked[5:] == [("prove", NAMES[:1])]
    assert words == {NAMES[0]: "failed", **dict.fromkeys(NAMES[1:], "changed")}


def test_whoever_has_nothing_to_lose_is_asked_once() -> None:
    fleet = Fleet(old=())
    run(fleet)
    assert fleet.asked == [("ramp", NAMES)]


def test_a_build_that_goes_back_reaches_one_machine() -> None:
    fleet = Fleet(bad=NAMES)
    found, words = run(fleet)
    assert fleet.replaced() == [NAMES[:1]]
    assert found.stopped
    assert list(words.values()) == ["rolled-back", *["skipped"] * 4]


def test_one_that_is_being_left_again_as_it_is_looked_at_is_told_as_rolled_back() -> None:
    """Its loop does not run just then: that is what going back looks like, and no outcome."""
    found, words = run(Fleet(bad=NAMES, late=NAMES))
    assert found.stopped
    assert list(words.values()) == ["rolled-back", *["skipped"] * 4]


def test_one_that_was_not_online_at_once_and_proves_itself_is_done() -> None:
    found, words = run(Fleet(late=NAMES))
    assert (found.stopped, set(words.values())) == (False, {"changed"})


def test_a_dead_machine_stops_nobody_unless_that_is_said() -> None:
    fleet = Fleet(old=NAMES[1:], dead=NAMES[:1])
    assert run(fleet)[0].stopped is False
    assert fleet.replaced() == [NAMES[1:2], NAMES[2:]]
    strict = Fleet(old=NAMES[1:], dead=NAMES[:1])
    assert run(strict, max_fail="0")[0].stopped is True
    assert strict.replaced() == []


def test_a_machine_that_is_lost_with_the_new_build_on_it_is_the_last_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("roosync_ops.cli.ramp.time.monotonic", lambda: now[0])
    monkeypatch.setattr("roosync_ops.cli.ramp.time.sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    fleet = Fleet(lost=NAMES[:1])
    found, words = run(fleet)
    assert (found.stopped, fleet.replaced()) == (True, [NAMES[:1]])
    assert list(words.values()) == ["unreachable", *["skipped"] * 4]


@pytest.mark.parametrize(("max_fail", "batches"), [("0", 1), ("1", 2), ("20%", 2), ("2", 3), ("100%", 5)])
def test_so_many_may_fail_and_not_one_more(max_fail: str, batches: int) -> None:
    fleet = Fleet(bad=NAMES)
    run(fleet, batch="1", max_fail=max_fail)
    assert len(fleet.replaced()) == batches


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Have time go on by sleeping alone; each is kept."""
    slept: list[float] = []
    monkeypatch.setattr("roosync_ops.cli.ramp.time.monotonic", lambda: sum(slept))
    monkeypatch.setattr("roosync_ops.cli.ramp.time.sleep", slept.append)
    return slept


def test_the_next_batch_waits_until_the_shared_state_shows_the_one_before(sleeps: list[float]) -> None:
    fleet, looks = Fleet(), iter([{NAMES[0]: "the old build"}, {}])
    asked: list[Any] = []

    def unseen(builds: Any) -> dict[str, str]:
        asked.append({machine.machine_id: build for machine, build in builds})
        return next(looks)

    found, words = run(fleet, unseen=unseen, wait=60)
    assert asked == [{NAMES[0]: "new"}] * 2
    assert len(sleeps) == 1
    assert (found.stopped, set(words.values())) == (False, {"changed"})


def test_whom_the_shared_state_does_not_show_as_the_new_build_is_the_last_to_get_it(sleeps: list[float]) -> None:
    fleet = Fleet()
    found, words = run(fleet, unseen=lambda _: {NAMES[0]: "it shows the old build"}, wait=60)
    assert (found.stopped, fleet.replaced()) == (True, [NAMES[:1]])
    assert list(words.values()) == ["failed", *["skipped"] * 4]
    assert 60 <= sum(sleeps) < 70


def test_beyond_forty_machines_a_batch_is_told_in_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"m{number}" for number in range(41)]
    many = [Machine(machine_id=name, heartbeat_interval=1000) for name in names]
    act = Fleet(old=names, bad=names[1:3])
    ramp.Ramp(chosen=many, act=act, note=lambda _: None, by=ramp.Batches()).run()
    assert capsys.readouterr().err.splitlines()[1:] == ["1/2: 1 done", "2/2: 2 rolled back, 38 done"]


def test_a_machine_that_is_on_trial_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("roosync_ops.cli.ramp.time.sleep", slept.append)
    words = iter([ON_TRIAL, "", ROLLED_BACK])

    def act(deploy: str, machines: Sequence[Machine]) -> tuple[Result, ...]:
        if deploy == "prove":
            code = next(words)
            failure = Failure("proved" if code else "connect", code, "not yet", "")
            return tuple(Result(machine.machine_id, failure=failure) for machine in machines)
        return tuple(Result(each.machine_id, skipped=WAITS if deploy == "ramp" else None) for each in machines)

    (row,) = ramp.Ramp(chosen=MACHINES[:1], act=act, note=lambda _: None, by=ramp.Batches(batch="1")).run()
    assert row.outcome == "rolled-back"
    assert len(slept) == 2


def test_the_journal_names_who_failed_and_who_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    journal = RunJournal(tmp_path / "inventory.py")
    with journal.held(MACHINES):
        pass
    assert RunJournal(tmp_path / "inventory.py").left() == NAMES  # killed before anything was done
    journal.note(
        [Result(NAMES[0], {"push": "changed"}), Result(NAMES[1], failure=UNREACHED), Result(NAMES[2], skipped=WAITS)]
    )
    assert journal.left() == NAMES[1:]
    journal.note([Result(name) for name in NAMES])
    with pytest.raises(CommandError, match="left no machine behind"):
        journal.left()


def test_a_second_rollout_says_who_is_at_it_and_since_when(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    second = RunJournal(tmp_path / "inventory.py")
    with RunJournal(tmp_path / "inventory.py").held(MACHINES):
        with pytest.raises(CommandError, match=r"pid \d+, since 20"), second.held(MACHINES):
            pass
        with RunJournal(tmp_path / "another.py").held(MACHINES):
            pass


def test_a_rollout_that_cannot_be_written_down_is_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    full = OSError(errno.ENOSPC, "No space left on device")
    journal = RunJournal(tmp_path / "inventory.py")
    with monkeypatch.context() as patch:
        patch.setattr("roosync_ops.wire.local.write", Mock(side_effect=full))
        with pytest.raises(CommandError, match=r"none is begun: .*No space left"), journal.held(MACHINES):
            pytest.fail("it began")
    with journal.held(MACHINES):
        monkeypatch.setattr("roosync_ops.wire.local.write", Mock(side_effect=full))
        journal.note([Result(name) for name in NAMES])  # a disk that fills on the way stops nothing
    assert journal.left() == list(NAMES)
