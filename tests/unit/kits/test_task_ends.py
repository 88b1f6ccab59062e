"""How instances of tasks end, and what is started again, made up for, or gone on with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kits.winlab.tasks import clock
from tests.kits.winlab.tasks.definition import Trigger
from tests.kits.winlab.tasks.engine import (
    LOGOFF,
    REFUSED,
    RUNNING,
    TERMINATED,
    Launch,
    World,
)
from tests.unit.kits.task_machine import ME, PATH, START, Machine

from .task_documents import EXEC, KEEP_ALIVE, NO_LIMIT, POWERED, task


@pytest.mark.parametrize(("limit", "ends"), [("PT5S", True), ("PT0S", False)])
def test_a_time_limit_ends_what_a_trigger_started(limit: str, ends: bool) -> None:
    machine = Machine()
    record = machine.register(KEEP_ALIVE, POWERED + f"<ExecutionTimeLimit>{limit}</ExecutionTimeLimit>")
    machine.pass_time(59 + 7 - START % 60)
    assert (machine.running == []) == ends
    assert (record.last_result == TERMINATED) == ends


def test_a_time_limit_is_not_for_starts_on_demand() -> None:
    machine = Machine()
    machine.register("", POWERED + "<ExecutionTimeLimit>PT5S</ExecutionTimeLimit>")
    machine.obey(machine.engine.run(PATH, machine.now))
    machine.pass_time(60)
    assert len(machine.running) == 1


def test_the_default_limit_ends_a_task_after_72_hours() -> None:
    machine = Machine()
    machine.register(KEEP_ALIVE, POWERED)
    machine.pass_time(60)
    first = machine.running[0]
    machine.pass_time(72 * 3600 - 100, step=50)
    assert machine.running == [first]
    machine.pass_time(300, step=50)
    assert machine.running == [first + 1]


def test_end_stops_and_says_terminated() -> None:
    machine = Machine()
    record = machine.register()
    machine.obey(machine.engine.run(PATH, machine.now))
    machine.obey(machine.engine.end(PATH))
    assert machine.running == []
    assert record.last_result == TERMINATED


def test_a_task_that_may_not_be_terminated_is_not() -> None:
    machine = Machine()
    machine.register("", POWERED + "<AllowHardTerminate>false</AllowHardTerminate>")
    machine.obey(machine.engine.run(PATH, machine.now))
    assert machine.engine.end(PATH) == []


def test_batteries_stop_and_refuse_unless_the_task_says_otherwise() -> None:
    machine = Machine()
    record = machine.register(KEEP_ALIVE, NO_LIMIT)
    machine.pass_time(60)
    assert len(machine.running) == 1
    machine.world = World(session="me", battery=True)
    machine.pass_time(120)
    assert machine.running == []
    assert record.last_result == REFUSED


def test_batteries_do_not_matter_to_a_task_that_ignores_them() -> None:
    machine = Machine(world=World(session="me", battery=True))
    machine.register(KEEP_ALIVE)
    machine.pass_time(60)
    assert len(machine.running) == 1


RESTARTING = "<RestartOnFailure><Interval>PT10M</Interval><Count>2</Count></RestartOnFailure>"


def test_restart_on_failure_is_for_what_could_not_start_and_only_so_often() -> None:
    machine = Machine()
    record = machine.register(settings=POWERED + RESTARTING)
    tries = 0
    orders = machine.engine.run(PATH, machine.now)
    for _ in range(4000):
        for order in orders:
            tries += 1
            machine.engine.failed(PATH, order.instance, 0x80070002, machine.now)
        machine.now += 1
        orders = machine.engine.tick(machine.now, ME)
    assert tries == 3
    assert record.last_result == 0x80070002


@pytest.mark.parametrize("code", [1, 9, 0xC000013A])
def test_restart_on_failure_does_not_bring_back_what_exits_with_an_error(code: int) -> None:
    machine = Machine()
    machine.register(settings=POWERED + RESTARTING)
    machine.obey(machine.engine.run(PATH, machine.now))
    machine.ends(machine.running[0], code)
    machine.pass_time(3600, step=10)
    assert machine.running == []


def test_actions_run_one_after_another() -> None:
    machine = Machine()
    record = machine.register(actions=EXEC * 2)
    (first,) = machine.engine.run(PATH, machine.now)
    assert machine.engine.ended(PATH, first.instance, 3, machine.now) == [Launch(PATH, first.instance, 1)]
    assert record.last_result == RUNNING
    machine.engine.ended(PATH, first.instance, 4, machine.now)
    assert record.last_result == 4


def test_a_boot_trigger_starts_a_task_of_before_the_boot_and_only_then() -> None:
    before = Machine()
    record = before.register("<BootTrigger><Delay>PT30S</Delay></BootTrigger>", logon="S4U")
    before.pass_time(100)
    assert before.started == []
    after = Machine(now=START + 1000)
    after.engine.restore(record)
    after.pass_time(29)
    assert after.started == []
    after.pass_time(3)
    assert len(after.started) == 1


def test_a_registration_trigger_starts_a_task_once() -> None:
    machine = Machine()
    machine.register("<RegistrationTrigger/>")
    machine.pass_time(10)
    assert len(machine.started) == 1


@pytest.mark.parametrize("available", [True, False])
def test_a_missed_start_is_made_up_for_ten_minutes_after_the_boot_where_the_task_wants_it(available: bool) -> None:
    once = "<TimeTrigger><StartBoundary>2027-01-15T08:01:40Z</StartBoundary></TimeTrigger>"
    before = Machine()
    record = before.register(once, POWERED + f"<StartWhenAvailable>{str(available).lower()}</StartWhenAvailable>")
    after = Machine(now=START + 5000)
    after.engine.restore(record)
    after.pass_time(590)
    assert after.started == []
    after.pass_time(20)
    assert bool(after.started) == available


def test_what_ran_when_the_machine_went_down_does_not_run_any_more() -> None:
    before = Machine()
    record = before.register(KEEP_ALIVE)
    before.pass_time(60)
    record.instances.clear()
    after = Machine(now=START + 5000)
    after.engine.restore(record)
    assert record.last_result == LOGOFF


def test_a_new_definition_loses_the_running_instance_or_keeps_it() -> None:
    for keep, running in ((False, 0), (True, 1)):
        machine = Machine()
        machine.register()
        machine.obey(machine.engine.run(PATH, machine.now))
        record = machine.engine.register(PATH, task(), machine.now, keep=keep)
        assert len(record.instances) == running


def test_durations_pass_as_much_faster_as_the_machine_says() -> None:
    machine = Machine(world=World(session="me", scale=60))
    machine.register(KEEP_ALIVE)
    machine.pass_time(3, step=0.1)
    assert 1 <= len(machine.started) <= 1
    machine.ends(machine.running[0], 1)
    machine.pass_time(1.1, step=0.1)
    assert len(machine.running) == 1


@given(
    st.floats(60, 1e6), st.one_of(st.none(), st.floats(60, 1e6)),
    st.lists(st.floats(-1e6, 1e7), min_size=3, max_size=3).map(sorted), st.sampled_from([1.0, 60.0, 600.0]),
)  # fmt: skip
def test_no_start_is_lost_or_doubled_however_time_is_cut_into_looks(
    interval: float, duration: float | None, looks: list[float], scale: float
) -> None:
    trigger = Trigger("TimeTrigger", interval=interval, duration=duration)
    early, middle, late = (clock.index(trigger, START, START + look, scale) for look in looks)
    assert 0 <= early <= middle <= late
    assert clock.due(trigger, START, START + looks[0], START + looks[2], scale) == (late > early)


@given(st.floats(60, 1e5), st.one_of(st.none(), st.floats(60, 1e5)), st.floats(-1e5, 1e6))
def test_the_next_start_is_the_next_one_that_is_due(interval: float, duration: float | None, at: float) -> None:
    trigger = Trigger("TimeTrigger", interval=interval, duration=duration)
    now = START + at
    following = clock.following(trigger, START, now, 1.0)
    if following is None:
        assert duration is not None
        assert clock.index(trigger, START, now + 1e9, 1.0) == clock.index(trigger, START, now, 1.0)
    else:
        assert following >= now
        assert clock.due(trigger, START, now, following + 0.001, 1.0)
