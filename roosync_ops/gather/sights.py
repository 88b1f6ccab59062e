"""What `diagnose` looks at, all at once: the network, the machines, their replicas, and this computer's own."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from roosync_ops.judge.diagnose_model import HERE, Agent, Scene, Sight
from roosync_ops.pyinfra_ops import plan
from roosync_ops.remote_script import bundle, checks
from roosync_ops.remote_script.facts_model import Drive
from roosync_ops.remote_script.status_model import Beat, LoopConfig, OwnFile, ShareState, ViewState
from roosync_ops.state import SharedState, from_document, read_folder
from roosync_ops.state.errors import StateUnavailableError
from roosync_ops.transport.reach import Reach, host_of, known_hosts_of, port_of
from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S
from roosync_ops.wire.times import BadTimeError, from_iso, now_ms

from .look import look
from .testimony import OLD_MS
from .tidy import TidyError, orphans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roosync_ops.fleet import Fleet, Machine
    from roosync_ops.remote_script.facts_model import AgentStatus, Report

    from .limits import Limits
    from .look import Look

#: Where a few machines of a large fleet are asked about, so many others are looked at as witnesses.
_WITNESSES: Final = 12


@dataclass(frozen=True)
class _Own:
    """The operator's own replica, or why there is none, and what litter of ours lies in it."""

    state: SharedState | None = None
    trouble: tuple[str, str] | None = None
    orphans: tuple[str, ...] | None = None


def gather(fleet: Fleet, chosen: Sequence[Machine], shared: str | None, limits: Limits) -> Scene:
    """Look at `chosen` and at who can bear witness about them, all at once, and return what was seen."""
    machines = with_witnesses(fleet, chosen)
    with ThreadPoolExecutor(2) as pool:
        own = pool.submit(_own_replica, shared, limits.deadline_s)
        built: Future[bundle.Bundle] = pool.submit(bundle.build)
        asked = now_ms()
        looks = look(machines, timeout_s=limits.timeout_s, connect_timeout_s=limits.connect_s)
        now = now_ms()
        views = _views(looks, asked, now)
        here = own.result()
        if here.state is not None and now - here.state.read_at_ms > OLD_MS:
            again = _own_replica(shared, limits.deadline_s)
            here, now = (here if again.state is None else again), now_ms()
        if here.state is not None:
            views[HERE] = here.state
        sights = {machine.machine_id: sight(machine, looks[machine.machine_id], built.result()) for machine in machines}
    return Scene(fleet, now, sights, views, here.trouble, here.orphans)


def with_witnesses(fleet: Fleet, chosen: Sequence[Machine]) -> tuple[Machine, ...]:
    """Return `chosen` and others that should be online: what a machine's replica shows is nothing without theirs."""
    known = {machine.machine_id for machine in chosen}
    others = [machine for machine in fleet if machine.machine_id not in known and machine.expected == "online"]
    return (*chosen, *others[:_WITNESSES])


def _own_replica(shared: str | None, deadline_s: float | None) -> _Own:
    if not shared:
        return _Own()
    limit = deadline_s or DEFAULT_DEADLINE_S
    try:
        state = read_folder(shared, now_ms(), limit)
    except StateUnavailableError as error:
        return _Own(None, (error.reason, error.hint))
    try:
        return _Own(state, None, orphans(shared, time.time(), limit))
    except TidyError:
        return _Own(state)


def _views(looks: dict[str, Look], asked_ms: int, now: int) -> dict[str, SharedState]:
    """Return what each machine's replica shows; one that cannot be understood shows nothing."""
    views = {}
    for name, seen in looks.items():
        if seen.state is not None:
            try:
                views[name] = from_document(seen.state, now, asked_ms)
            except StateUnavailableError:
                continue
    return views


def sight(machine: Machine, seen: Look, wanted: bundle.Bundle) -> Sight:
    """Return what is known of one machine, flat, as the judge takes it."""
    reach = seen.reach or Reach(host_of(machine), port_of(machine))
    return Sight(
        **_named(machine, reach),
        addresses=reach.addresses or None,
        resolving=reach.resolving,
        answers=reach.answers,
        trouble=None if seen.failure is None else (*seen.failure,),
        **({} if seen.report is None else _reported(machine, seen.report, wanted)),
    )


def _named(machine: Machine, reach: Reach) -> dict[str, Any]:
    return {
        "machine_id": machine.machine_id,
        "system": machine.system,
        "host": reach.host,
        "port": reach.port,
        "user": machine.user,
        "login": checks.login(machine),
        "known_hosts": known_hosts_of(machine) or str(Path.home() / ".ssh" / "known_hosts"),
    }


def _reported(machine: Machine, report: Report, wanted: bundle.Bundle) -> dict[str, Any]:
    share, clock = checks.share(machine, report.share), checks.clock(machine, report)
    drive = report.drive if machine.transport == "ssh" else Drive()  # what restarts it is typed over SSH
    return {
        "hostname": report.hostname,
        "python": f"{report.python.version} ({report.python.executable})",
        "has_agent": report.agent_sha256 is not None,
        "agent_is_current": report.agent_sha256 == wanted.sha256,
        "config_is_current": report.config == plan.wanted_config(machine, report),
        "agent": None if report.status is None else _agent(machine, report.status, wanted),
        "share_path": None if report.share is None else report.share.path,
        "share_session": None if report.share is None else report.share.session,
        "share": None if share is None else (share.code, _without_path(share.reason, report), share.hint),
        "drive_watchdog": drive.watchdog,
        "drive_launcher": drive.launcher,
        "clock": None if clock is None else clock.reason,
        "offset_ms": report.clock_offset_ms,
    }


def _without_path(reason: str, report: Report) -> str:
    return reason.removeprefix(f"share {report.share.path}: ") if report.share is not None else reason


def _agent(machine: Machine, status: AgentStatus, wanted: bundle.Bundle) -> Agent:
    config, beat = status.config or LoopConfig(), status.last_beat or Beat(read_back=True)
    share, view, own = status.share or ShareState(), status.view or ViewState(), status.own_file or OwnFile()
    return Agent(
        success=status.success,
        code=status.code,
        message=status.message,
        machine_id=status.machine_id,
        version=status.version,
        running=status.running,
        loop_is_current=status.loop_build_id == wanted.build_id if status.loop_build_id else None,
        started_ms=_ms(status.started_at),
        permanence=status.permanence.kind,
        installed=status.permanence.installed,
        enabled=status.permanence.enabled,
        interval_ms=_positive(config.heartbeat_interval, machine.heartbeat_interval),
        timeout_ms=_positive(config.offline_timeout, machine.offline_timeout),
        sequence=beat.sequence,
        beat_ms=_ms(beat.last_heartbeat),
        left_ms=_ms(status.left_at),
        read_back=beat.read_back,
        share_state=share.state,
        share_since=share.since,
        share_detail=share.detail,
        erasures=view.erasures,
        erased_by=view.erased_by,
        erased_ms=_ms(view.erased_at),
        rewrites=own.rewrites,
        rewrite=own.last_detail,
        rewrite_kind=own.last_kind,
        rewritten_ms=_ms(own.last_at),
        now_ms=_ms(status.now),
    )


def _ms(text: str | None) -> int | None:
    try:
        return from_iso(text)
    except BadTimeError:
        return None


def _positive(value: int | None, otherwise: int) -> int:
    return value if value is not None and value > 0 else otherwise
