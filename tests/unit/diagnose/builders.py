"""A small fleet that is well, seen by all, unless a test says otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.judge.diagnose import diagnose
from roosync_ops.judge.diagnose_model import HERE, Agent, Diagnosis, DiagnosisInput, Sight
from roosync_ops.state import read_folder
from roosync_ops.wire.times import to_iso
from tests.kits.shares import NOW, ours, put, put_view

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from roosync_ops.state import SharedState

NAMES = ("one", "two", "m")
PATH = "/srv/share"


def fleet(**fields: Any) -> Fleet:
    """Return a fleet whose machine `m` has `fields`."""
    return Fleet(Machine.of(name, {"shared": PATH, **(fields if name == "m" else {})}) for name in NAMES)


def an_agent(age_ms: int = 10_000, **fields: Any) -> Agent:
    return replace(
        Agent(
            version="0.1.0",
            running=True,
            loop_is_current=True,
            started_ms=NOW - 3_600_000,
            permanence="process",
            installed=True,
            enabled=True,
            sequence=7,
            beat_ms=NOW - age_ms,
            now_ms=NOW,
        ),
        **fields,
    )


def a_sight(name: str = "m", agent: Agent | None = None, **fields: Any) -> Sight:
    well = Sight(
        name,
        host=f"{name}.local",
        user="me",
        login=("ssh", f"me@{name}.local"),
        addresses=("192.0.2.7",),
        answers="open",
        hostname=name.upper(),
        python="3.11.2",
        has_agent=True,
        agent_is_current=True,
        config_is_current=True,
        agent=agent or an_agent(machine_id=name),
        share_path=PATH,
    )
    return replace(well, **fields)


def not_reached(code: str, reason: str = "unreachable: it said no", step: str = "connect", **fields: Any) -> Sight:
    """Return what is known of a machine that did not let us in."""
    blank = Sight("m", host="m.local", user="me", login=("ssh", "me@m.local"))
    return replace(blank, trouble=(step, code, reason, "ssh me@m.local true"), **fields)


def a_view(folder: Path, *records: dict[str, Any], without: Iterable[str] = (), view: bool = True) -> SharedState:
    """Return what a replica shows: everybody's fresh record, but for those `without` and those given as `records`."""
    folder.mkdir(parents=True, exist_ok=True)
    given = {record["machineId"] for record in records}
    everybody = [ours(name) for name in NAMES if name not in given and name not in without] + list(records)
    for record in everybody:
        put(folder, record)
    if view:
        put_view(folder, *everybody)
    return read_folder(folder, NOW)


def a_scene(tmp_path: Path, sight: Sight | None = None, *records: dict[str, Any], **fields: Any) -> DiagnosisInput:
    """Return a scene where every replica shows the same: a fleet that is well, but for `sight` and the `records`."""
    state = a_view(tmp_path / "share", *records)
    sights = {name: a_sight(name) for name in NAMES}
    if sight is not None:
        sights["m"] = sight
    views = {name: state for name, seen in sights.items() if seen.agent is not None and seen.agent.success}
    return replace(DiagnosisInput(fleet(), NOW, sights, {**views, HERE: state}, None, ()), **fields)


def cause_of(scene: DiagnosisInput, name: str | None = "m") -> Diagnosis:
    """Return the diagnosis of one machine; None is this computer and the share."""
    found = diagnose(scene, [] if name is None else [name])
    return found.here if name is None else found.machines[0]


def checks_of(row: Diagnosis) -> dict[str, str]:
    return {check.name: check.outcome for check in row.checks}


def old_record(name: str = "m", age_ms: int = 3_600_000, **agent: Any) -> dict[str, Any]:
    """Return a record that our agent wrote some time ago."""
    return ours(name, age_ms, sequence=3, **agent)


def left_record(name: str = "m") -> dict[str, Any]:
    return ours(name, 60_000, sequence=8, state="left", leftAt=to_iso(NOW - 50_000))


def names_of(rows: Sequence[Diagnosis]) -> list[str | None]:
    return [row.machine_id for row in rows]
