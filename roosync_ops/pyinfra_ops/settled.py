"""What a look alone settles: a machine that lacks nothing, cannot go on or waits needs no pyinfra. Pure functions."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from roosync_ops import typed
from roosync_ops.remote_script import bundle, checks
from roosync_ops.remote_script.on_common import replaced
from roosync_ops.transport.link import CLOSED, CONNECT, PREFLIGHT, Failure
from roosync_ops.wire.record import Record
from roosync_ops.wire.status import ONLINE as STATUS_ONLINE
from roosync_ops.wire.status import status as status_of
from roosync_ops.wire.times import BadTimeError, from_iso, time_or_none

from . import plan
from .ledger import FAILED, ON_TRIAL, ONLINE, PROVED, REPLACED, ROLLED_BACK, UNCHANGED, WAITS
from .run import Result

if TYPE_CHECKING:
    from roosync_ops.fleet import Machine
    from roosync_ops.remote_script.facts_model import AgentStatus, ProbeReport
    from roosync_ops.remote_script.status_model import RolledBack

RAMP: Final = "ramp"
PROVE: Final = "prove"
#: The deploys that a look may settle.
LOOKED: Final = ("rollout", RAMP, PROVE)


def settled(deploy: str, machine: Machine, found: ProbeReport | Failure, *, dry: bool = False) -> Result | None:
    """Return what deploys/<deploy>.py would say of a machine, by what a look found; None where it is to be run."""
    if isinstance(found, Failure):
        # The one is asked again, on the other a Python is installed.
        goes_on = found.code == CLOSED or (found.code == "NO_PYTHON" and machine.bootstrap_python)
        told = found if found.step == CONNECT else found._replace(step=PREFLIGHT)
        return None if goes_on else _result(machine, (), told)
    failure = (checks.known if deploy == PROVE else checks.everything)(machine, found)
    if failure is not None:
        return _result(machine, (), failure)
    if deploy == PROVE:
        return _result(machine, (PREFLIGHT, PROVED), None if dry else not_proved(machine, found))
    if deploy == RAMP and plan.replaces(build(), found):
        return replace(_result(machine, (PREFLIGHT,)), skipped=WAITS)
    if plan.missing(machine, build(), found):
        return None
    failure = None if dry else not_online(machine, found)
    return _result(machine, (PREFLIGHT, *plan.rollout(machine), ONLINE), failure)


def _result(machine: Machine, steps: tuple[str, ...], failure: Failure | None = None) -> Result:
    failed = {} if failure is None else {failure.step: FAILED}
    return Result(machine.machine_id, dict.fromkeys(steps, UNCHANGED) | failed, failure, round_trips=1)


def has_seen(report: ProbeReport) -> bool:
    """Return True if a machine has seen `heartbeats/`: then it need not be made."""
    return report.running or (report.share is not None and report.share.heartbeats)


@functools.cache
def build() -> bundle.Bundle:
    """Return the agent that this run puts on machines, built once."""
    return bundle.build()


def not_online(machine: Machine, report: ProbeReport) -> Failure | None:
    """Return why the machine's last beat is not online in its share, or None."""
    status = report.status
    if status is not None and not status.success:
        said = f"its agent could not tell whether it runs: {status.message}"
        return Failure(ONLINE, "NO_ANSWER", said, checks.diagnosing(machine.machine_id))
    if status is None or not status.running:
        return Failure(ONLINE, "NOT_RUNNING", "its agent does not run", typed.ours("rollout", machine.machine_id))
    beat = status.last_beat
    hint = checks.diagnosing(machine.machine_id)
    if beat is None or not beat.read_back or beat.last_heartbeat is None:
        reason = status.share.detail if status.share is not None and status.share.detail else "no reason was given"
        return Failure(ONLINE, "NOT_SEEN", f"its last beat was not found in the share: {reason}", hint)
    try:
        heard = Record(machine.machine_id, from_iso(beat.last_heartbeat))
        word = status_of(heard, from_iso(status.now), machine.thresholds)
    except BadTimeError as error:
        return Failure(ONLINE, "NOT_SEEN", f"its answer or last beat has no valid time: {error}", hint)
    too_old = f"its last beat is too old: it is {word}"
    return None if word == STATUS_ONLINE else Failure(ONLINE, "NOT_ONLINE", too_old, hint)


def taken_away(machine: Machine, report: ProbeReport, step: str) -> Failure | None:
    """Return why the build of this run is not there to stay: left again, or replaced from another computer; or None."""
    status, ours = report.status, build().build_id
    if status is None:
        return None
    running = status.loop_build_id if status.running else None
    there = (status.trial or "")[6:22] or running
    back = status.rolled_back
    if back is not None and status.trial is None and (there not in (None, ours) or _is_leaving(status, back)):
        hint = checks.diagnosing(machine.machine_id)
        return Failure(step, ROLLED_BACK, f"back on the build before: {back.why}", hint)
    if there in (None, ours):
        return None
    return Failure(step, REPLACED, replaced(there, ours), typed.ours("rollout", machine.machine_id))


def _is_leaving(status: AgentStatus, back: RolledBack) -> bool:
    """Return True if this build still runs, and the one before has said since it began that it goes back."""
    began = status.started_ms
    return back.left == build().build_id and began is not None and began < (time_or_none(back.at) or 0)


def not_proved(machine: Machine, report: ProbeReport) -> Failure | None:
    """Return why the loop does not run this build with its trial behind it, or None."""
    status, taken = report.status, taken_away(machine, report, PROVED)
    if taken is None and (status is None or status.trial is not None or not report.running):
        hint = checks.diagnosing(machine.machine_id)
        return Failure(PROVED, ON_TRIAL, "the new build has not proved itself yet", hint)
    return taken or not_online(machine, report)
