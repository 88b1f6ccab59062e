"""The stand-in's engine obeys a task as documented; under virtual time, so that no test waits."""

import pytest

from tests.kits.winlab.tasks.engine import (
    LOGOFF,
    NEVER_RUN,
    REFUSED,
    RUNNING,
    World,
    disabled,
)
from tests.unit.kits.task_machine import ME, PATH, Machine

from .task_documents import AT_LOGON, KEEP_ALIVE, NO_LIMIT, POWERED


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
