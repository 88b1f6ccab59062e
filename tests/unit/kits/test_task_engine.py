"""The stand-in's engine obeys a task as documented; under virtual time, so that no test waits."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kits.winlab.tasks import clock
from tests.kits.winlab.tasks.definition import Trigger
from tests.kits.winlab.tasks.engine import (
    LOGOFF,
    NEVER_RUN,
    REFUSED,
    RUNNING,
    TERMINATED,
    Engine,
    Launch,
    Order,
    Registered,
    Stop,
    World,
    disabled,
)

from .task_documents import AT_LOGON, EXEC, KEEP_ALIVE, NO_LIMIT, POWERED, task

START = 1_800_000_000.0
ME = World(session="me")
PATH = "\\ours\\beat"


@dataclass
class Machine:
    """An engine, a clock that goes when told, and processes that end when told."""

    now: float = START
    world: World = ME
    running: list[int] = field(default_factory=list)
    started: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine = Engine(self.now)
        self.engine.tick(self.now, self.world)

    def register(self, triggers: str = "", settings: str = POWERED + NO_LIMIT, **more: str) -> Registered:
        return self.engine.register(PATH, task(triggers, settings, **more), self.now)

    def pass_time(self, seconds: float, step: float = 1.0) -> None:
        for _ in range(round(seconds / step)):
            self.now += step
            self.obey(self.engine.tick(self.now, self.world))

    def obey(self, orders: list[Order]) -> None:
        for order in orders:
            if isinstance(order, Launch):
                self.running.append(order.instance)
                self.started.append(self.now - START)
            elif isinstance(order, Stop):
                self.ends(order.instance, 1)

    def ends(self, instance: int, code: int) -> None:
        self.running.remove(instance)
        self.obey(self.engine.ended(PATH, instance, code, self.now))


def test_a_repetition_brings_back_a_killed_process_within_its_interval() -> None:
    machine = Machine()
    record = machine.register(KEEP_ALIVE)
    machine.pass_time(61)
    first = machine.running[0]
    machine.ends(first, 9)
    assert record.last_result == 9
    machine.pass_time(60)
    assert machine.running == [first + 1]
    assert record.last_result == RUNNING


def test_ignore_new_starts_no_second_and_writes_refused_over_running() -> None:
    machine = Machine()
    record = machine.register(KEEP_ALIVE)
    machine.pass_time(300)
    assert len(machine.started) == 1
    assert record.last_result == REFUSED


def test_parallel_starts_another_each_time() -> None:
    machine = Machine()
    machine.register(KEEP_ALIVE, POWERED + NO_LIMIT + "<MultipleInstancesPolicy>Parallel</MultipleInstancesPolicy>")
    machine.pass_time(300)
    assert len(machine.running) == 5


def test_queue_starts_one_more_when_the_running_one_ends() -> None:
    machine = Machine()
    machine.register(KEEP_ALIVE, POWERED + NO_LIMIT + "<MultipleInstancesPolicy>Queue</MultipleInstancesPolicy>")
    machine.pass_time(300)
    assert len(machine.started) == 1
    machine.ends(machine.running[0], 0)
    assert len(machine.started) == 2
    machine.ends(machine.running[0], 0)
    assert machine.running == []


def test_stop_existing_replaces_the_running_one() -> None:
    machine = Machine()
    machine.register(KEEP_ALIVE, POWERED + NO_LIMIT + "<MultipleInstancesPolicy>StopExisting</MultipleInstancesPolicy>")
    machine.pass_time(180)
    assert len(machine.started) == 3
    assert len(machine.running) == 1


def test_a_logon_starts_at_once_a_logoff_ends_and_nothing_starts_meanwhile() -> None:
    machine = Machine(world=World())
    record = machine.register(AT_LOGON + KEEP_ALIVE)
    machine.pass_time(120)
    assert machine.started == []
    assert record.last_result == REFUSED
    machine.world = ME
    machine.pass_time(2)
    assert len(machine.running) == 1
    machine.world = World()
    machine.pass_time(120)
    assert machine.running == []
    assert len(machine.started) == 1


def test_logoff_itself_leaves_its_own_result() -> None:
    machine = Machine()
    record = machine.register()
    machine.obey(machine.engine.run(PATH, machine.now))
    machine.world = World()
    machine.pass_time(1)
    assert record.last_result == LOGOFF


def test_somebody_elses_logon_starts_nothing() -> None:
    machine = Machine(world=World())
    machine.register(AT_LOGON)
    machine.world = World(session="HOST\\other")
    machine.pass_time(10)
    assert machine.started == []


@pytest.mark.parametrize("session", ["me", "ME", "HOST\\me"])
def test_a_user_is_found_by_name_with_or_without_the_machines(session: str) -> None:
    machine = Machine(world=World())
    machine.register(AT_LOGON)
    machine.world = World(session=session)
    machine.pass_time(2)
    assert len(machine.started) == 1


def test_a_run_without_a_session_is_refused() -> None:
    machine = Machine(world=World())
    record = machine.register()
    assert machine.engine.run(PATH, machine.now) == []
    assert record.last_result == REFUSED


def test_a_task_that_needs_no_session_runs_without() -> None:
    machine = Machine(world=World())
    machine.register(logon="S4U")
    assert len(machine.engine.run(PATH, machine.now)) == 1


def test_a_new_task_has_never_run() -> None:
    assert Machine().register().last_result == NEVER_RUN


def test_a_disabled_task_is_not_started_and_its_running_instance_goes_on() -> None:
    machine = Machine()
    record = machine.register(KEEP_ALIVE)
    machine.pass_time(61)
    disabled(record, enabled=False)
    machine.pass_time(300)
    assert len(machine.running) == 1
    machine.ends(machine.running[0], 0)
    machine.pass_time(300)
    assert machine.running == []
    disabled(record, enabled=True)
    machine.pass_time(60)
    assert len(machine.running) == 1


def test_a_disabled_trigger_starts_nothing() -> None:
    machine = Machine()
    machine.register(KEEP_ALIVE.replace("<Enabled>true", "<Enabled>false"))
    machine.pass_time(180)
    assert machine.started == []


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
