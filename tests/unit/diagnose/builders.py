"""A small fleet that is well, seen by all, unless a test says otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.gather.probe import agent_state
from roosync_ops.judge import HERE, AgentState, ProbeResult, probes
from roosync_ops.judge.diagnose import diagnose
from roosync_ops.judge.diagnose_model import Diagnosis, DiagnosisInput
from roosync_ops.judge.probes import Builds
from roosync_ops.remote_script.facts_model import AgentStatus, ProbeReport
from roosync_ops.state.folder import read_folder
from roosync_ops.transport.link import Failure
from roosync_ops.transport.reach import Reach
from roosync_ops.wire.times import to_iso
from tests.kits.shares import NOW, ours, put, put_view
from tests.unit.pyinfra_ops.builders import a_share, an_answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from roosync_ops.state import SharedState

NAMES = ("one", "two", "m")
PATH = "/srv/share"
CURRENT = Builds(agent=True, config=True, loop=True)


def fleet(**fields: Any) -> Fleet:
    """Return a fleet whose machine `m` has `fields`."""
    return Fleet(Machine.of(name, {"shared": PATH, "user": "me", **(fields if name == "m" else {})}) for name in NAMES)


def an_agent(age_ms: int = 10_000, **fields: Any) -> AgentStatus:
    """Return what an agent says of itself; `fields` are nested, or times in ms, as the tests find handy."""
    given = {key: fields.pop(key) for key in [*fields] if key.endswith("_ms")}
    ms = {key: None if at is None else to_iso(at) for key, at in given.items()}
    beat = {"sequence": fields.pop("sequence", 7), "readBack": fields.pop("read_back", True)}
    permanence = {key: fields.pop(key, True) for key in ("installed", "enabled")}
    kept = {"kind": fields.pop("permanence", "process"), **permanence}
    view = {"erasures": fields.pop("erasures", 0), "erasedBy": fields.pop("erased_by", None)}
    own = {"rewrites": fields.pop("rewrites", 0), "lastDetail": fields.pop("rewrite", None)}
    share = {"state": fields.pop("share_state", "ok"), "since": fields.pop("share_since", None)}
    return AgentStatus.model_validate(
        {
            "success": True,
            "version": "0.1.0",
            "running": True,
            "startedAt": ms.get("started_ms", to_iso(NOW - 3_600_000)),
            "permanence": kept,
            "lastBeat": {**beat, "lastHeartbeat": ms.get("beat_ms", to_iso(NOW - age_ms))},
            "leftAt": ms.get("left_ms"),
            "share": {**share, "detail": fields.pop("share_detail", None)},
            "view": {**view, "erasedAt": ms.get("erased_ms")},
            "ownFile": {**own, "lastKind": fields.pop("rewrite_kind", None), "lastAt": ms.get("rewritten_ms")},
            "now": ms.get("now_ms", to_iso(NOW)),
            **fields,
        }
    )


def a_sight(  # noqa: PLR0913 - what a test may want to be otherwise
    name: str = "m",
    agent: AgentStatus | None = None,
    *,
    hostname: str | None = None,
    path: str = PATH,
    share: tuple[str, str, str] | None = None,
    offset_ms: int = 0,
    builds: Builds = CURRENT,
    drive: dict[str, str] | None = None,
    **fields: Any,
) -> ProbeResult:
    """Return the answer of a machine that is well."""
    status = agent or an_agent(machine_id=name)
    answer = an_answer(hostname=hostname or name.upper(), share=a_share(path=path), drive=drive or {}, **fields)
    report = ProbeReport.model_validate(answer)
    report = report.model_copy(update={"status": status, "clock_offset_ms": offset_ms})
    there = (NOW if status.now_ms is None else status.now_ms) - offset_ms
    return ProbeResult(
        name,
        agent_state(Machine.of(name, {}), report),
        read_ms=there,
        offset_ms=offset_ms,
        report=report,
        reach=Reach(f"{name}.local", 22, ("192.0.2.7",), met=True),
        share=None if share is None else Failure("preflight", *share),
        login=("ssh", f"me@{name}.local"),
        builds=builds,
    )


def not_reached(code: str, reason: str = "unreachable: it said no", step: str = "connect", **met: Any) -> ProbeResult:
    """Return what is known of a machine that did not let us in; `met` is what was met on the way."""
    failure = Failure(step, code, reason, "ssh me@m.local true")
    way = Reach("m.local", met.pop("port", 22), **met)
    off = AgentState(probes.OFF if step == "connect" else probes.UNCLEAR)
    return ProbeResult("m", off, failure=failure, reach=way, login=("ssh", "me@m.local"))


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


def a_scene(
    tmp_path: Path, sight: ProbeResult | None = None, *records: dict[str, Any], **fields: Any
) -> DiagnosisInput:
    """Return a scene where every replica shows the same: a fleet that is well, but for `sight` and the `records`."""
    state = a_view(tmp_path / "share", *records)
    found = {name: a_sight(name) for name in NAMES}
    if sight is not None:
        found["m"] = sight
    views = {name: state for name, seen in found.items() if seen.status is not None and seen.status.success}
    given = fields.pop("fleet", None) or fleet()
    return replace(seen_in(DiagnosisInput(given, NOW, found, orphans=()), {**views, HERE: state}), **fields)


def seen_in(scene: DiagnosisInput, views: Mapping[str, SharedState]) -> DiagnosisInput:
    """Return the scene with these replicas and no others."""
    blank = {name: ProbeResult(name, AgentState(probes.UNCLEAR), read_ms=NOW) for name in views if name != HERE}
    found = {name: replace(one, state=views.get(name)) for name, one in {**blank, **scene.probes}.items()}
    return replace(scene, probes=found, own=views.get(HERE))


def with_agent(sight: ProbeResult, agent: AgentStatus) -> ProbeResult:
    """Return an answer whose agent says something else."""
    assert sight.report is not None
    report = sight.report.model_copy(update={"status": agent})
    return replace(sight, report=report, agent=agent_state(Machine.of(sight.machine_id, {}), report))


def cause_of(scene: DiagnosisInput, name: str | None = "m") -> Diagnosis:
    """Return the diagnosis of one machine; None is this computer and the share."""
    found = diagnose(scene, [] if name is None else [name])
    return found.here if name is None else found.machines[0]


def checks_of(row: Diagnosis) -> dict[str, str]:
    return {check.name: check.outcome for check in row.checks}


def old_record(name: str = "m", age_ms: int = 3_600_000, sequence: int = 2, **agent: Any) -> dict[str, Any]:
    """Return a record that our agent wrote some time ago."""
    return ours(name, age_ms, sequence=sequence, **agent)


def left_record(name: str = "m") -> dict[str, Any]:
    return ours(name, 60_000, sequence=8, state="left", leftAt=to_iso(NOW - 50_000))


def names_of(rows: Sequence[Diagnosis]) -> list[str | None]:
    return [row.machine_id for row in rows]
