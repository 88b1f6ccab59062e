"""Machines asked what they are and what their replicas show: one round trip each, nothing written, every time ours.

A machine that cannot be reached or hangs has a ProbeResult as well, and delays none of the others.
"""

import os
import time
from collections.abc import Callable, Container, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from types import MappingProxyType
from typing import Any, Final

from roosync_ops import typed
from roosync_ops.fleet import Machine
from roosync_ops.judge import AgentState, ProbeResult, probes
from roosync_ops.judge.contradictions import lately
from roosync_ops.remote_script import checks
from roosync_ops.remote_script.facts_model import Knocked, ProbeReport, parse_report
from roosync_ops.state import SharedState, StateUnavailableError, from_document
from roosync_ops.transport.link import CONNECT, LOGIN_S, Failure, Patience
from roosync_ops.transport.reach import Reach, port_of, reach_of
from roosync_ops.transport.ssh import OpenSsh
from roosync_ops.wire.record import OF_A_TWIN
from roosync_ops.wire.times import now_ms, time_or_none

from . import asking
from .limits import Limits, silently
from .source import own_replica

#: How much of a machine's whole time a touch of its share may take: one that hangs must leave time to say so.
_SHARE_PART: Final = 0.4
#: A share that gives no answer within this is told as hanging, in s: to ask six machines takes as long as the slowest.
_SHARE_S: Final = 2.5
#: A machine whose turn comes when the time is over has so long all the same, in s: enough to be refused.
_LEAST_S: Final = 0.5
#: Failures to connect of a machine that is on: it does not let us in, or takes the connection and says nothing.
_CONNECTED: Final = {
    "HOST_KEY": probes.REFUSED,
    "HOST_KEY_CHANGED": probes.REFUSED,
    "HOST_KEY_REVOKED": probes.REFUSED,
    "NO_COMMON_ALGORITHM": probes.REFUSED,
    "CLOSED": probes.UNCLEAR,
    "NOT_SSH": probes.UNCLEAR,
    "LOGIN_REFUSED": probes.REFUSED,
    "SILENT": probes.UNCLEAR,
}
_OK: Final = "ok"
#: Answers that came so much later than a reading know of beats that it cannot show, in ms.
OLD_MS: Final = 2_000


def probe(  # noqa: PLR0913 - whom, how long, what, and whom to tell
    machines: Sequence[Machine],
    timeout_s: float,
    connect_timeout_s: float,
    tell: Callable[[str], None] = silently,
    *,
    with_state: bool = True,
    overall: bool = False,
    through: Mapping[str, Machine] = MappingProxyType({}),
) -> dict[str, ProbeResult]:
    """Ask every machine at once, telling how far it is; return what each answered, within about `timeout_s`.

    `overall`: who is come to late, behind very many others, has no more than is left of that time. `through`: machineId
    to the machine that it is reached through.
    """
    answered = count(1)
    until = time.monotonic() + timeout_s if overall else None

    def one(machine: Machine) -> ProbeResult:
        left_s = timeout_s if until is None else max(_LEAST_S, until - time.monotonic())
        share_s, asked = min(machine.share_deadline, _SHARE_S, left_s * _SHARE_PART), now_ms()
        request = checks.probe_request(machine.local_dir, machine.shared, share_s, state=with_state)
        limits = asking.patience(left_s, connect_timeout_s)
        with asking.way_to(machine, limits, through.get(machine.machine_id)) as link:
            link.failed = None
            told = asking.answer(machine, link, request, left_s, parse_report)
            return result_of(machine, told, reach_of(machine, link), asked)

    said = f"asking {len(machines)} machine{'s' * (len(machines) > 1)}"
    tell(said)
    return asking.each(machines, one, lambda *_: tell(f"{said}: {next(answered)} answered or given up"))


def look(
    machines: Sequence[Machine],
    connect_timeout_s: float,
    most: int | None,
    hear: Callable[[Machine, ProbeReport | Failure], None],
    *,
    alone: Container[str] = (),
) -> None:
    """Have `hear` of all there is to know of each machine before it is changed, `most` looked at at once.

    A machine is logged in to for all that follows, which costs more than one login that only looks: of whom is in
    `alone` (machineId) nothing more is likely to be asked. On Windows a look is several commands.
    """

    def one(machine: Machine) -> ProbeReport | Failure:
        limit_s = checks.limit_s(machine)
        request = checks.probe_request(machine.local_dir, machine.shared, checks.look_s(machine))
        with asking.way_to(machine, Patience(connect_timeout_s, LOGIN_S, LOGIN_S)) as link:
            if isinstance(link, OpenSsh):
                link.more |= machine.system == "windows" or machine.machine_id not in alone
            return asking.answer(machine, link, request, limit_s, parse_report)

    asking.each(machines, one, hear, most or len(machines))


def probe_beside(
    machines: Sequence[Machine],
    limits: Limits,
    source: Callable[[], SharedState] | None,
    tell: Callable[[str], None] = silently,
) -> tuple[SharedState | None, dict[str, ProbeResult], StateUnavailableError | None]:
    """Ask every machine, and read this computer's own replica meanwhile: one that hangs delays no machine's answer.

    A replica that was read long before the last answer is read again: it would lack what those know.
    Returns (the replica, the answers, why there is no replica).
    """
    with ThreadPoolExecutor(1) as pool:
        here = pool.submit(own_replica, source)
        found = probe(machines, limits.timeout_s, limits.connect_s, tell)
        own, trouble = here.result()
    if own is not None and now_ms() - own.read_at_ms > OLD_MS:
        own = own_replica(source)[0] or own
    return own, found, trouble


def knock(
    witnesses: Sequence[Machine], targets: Sequence[Machine], timeout_s: float, connect_timeout_s: float
) -> dict[str, frozenset[str]]:
    """Have each of `witnesses` connect to the ports of `targets`; return whose took it, of who answered in time.

    The indirect probe of SWIM: what a witness says keeps a machine from being called dead, and does nothing else.
    """
    ports = {machine.machine_id: [machine.address, port_of(machine)] for machine in targets}
    request = {"do": "knock", "targets": list(ports.values()), "limit": min(connect_timeout_s, timeout_s / 2)}

    found = asking.each(witnesses, lambda one: asking.put(one, request, timeout_s, connect_timeout_s, Knocked.read))
    return {
        name: frozenset(target for target, is_open in zip(ports, said.open, strict=False) if is_open)
        for name, said in found.items()
        if not isinstance(said, Failure)
    }


def result_of(
    machine: Machine, told: ProbeReport | Failure, reach: Reach | None = None, asked_ms: int | None = None
) -> ProbeResult:
    """Return what one machine's answer amounts to."""
    way: dict[str, Any] = {
        "reach": reach,
        "login": checks.login(machine),
        "known_hosts": machine.ssh_file("ssh_known_hosts_file") or os.path.expanduser("~/.ssh/known_hosts"),  # noqa: PTH111 - a word
    }
    if isinstance(told, Failure):
        return ProbeResult(machine.machine_id, _unasked(told, reach), failure=told, **way)
    state, problem, read_ms = _replica(told, asked_ms)
    share = checks.share(machine, told.share)
    if share is not None and told.share is not None:
        share = share._replace(reason=share.reason.removeprefix(f"share {told.share.path}: "))
    return ProbeResult(
        machine.machine_id,
        agent_state(machine, told),
        state,
        problem,
        read_ms,
        told.clock_offset_ms,
        told.clock_error_ms,
        told,
        share=share,
        **way,
    )


def _unasked(failure: Failure, reach: Reach | None) -> AgentState:
    """Return what is to be said of an agent that was not asked, or whose answer is of no use."""
    met = reach is None or reach.met  # not a hop on the way to it
    kind = _CONNECTED.get(failure.code, probes.OFF) if met else probes.OFF
    reason = failure.reason.removeprefix("unreachable: ")
    return AgentState(probes.UNCLEAR if failure.step != CONNECT else kind, detail=reason, hint=failure.hint)


def agent_state(machine: Machine, report: ProbeReport) -> AgentState:  # noqa: PLR0911 - one for each thing it may say
    """Return what a machine that answered says of its own agent."""
    status = report.status
    if status is None:
        return AgentState(probes.NO_AGENT)
    if not status.success:
        return AgentState(probes.UNCLEAR, detail=status.message or status.code)
    called = status.machine_id
    if called and called.lower() != machine.machine_id:  # the inventory's address is another machine's
        hint = typed.ours("diagnose", machine.machine_id)
        return AgentState(probes.UNCLEAR, detail=f"it calls itself {called[:63]}", hint=hint)

    def ours(there_ms: int | None) -> int | None:
        return None if there_ms is None else there_ms - report.clock_offset_ms

    heard, own = status.beat_ms, status.own_file
    twin = None if own is None or own.last_kind != OF_A_TWIN else lately(own.last_detail, own.last_at, status.now)
    state = AgentState(probes.RUNNING, ours(heard), None, None, status.sequence, heard, twin)
    if not status.running:
        left = ours(status.left_ms)
        return replace(state, kind=probes.NOT_RUNNING if left is None else probes.LEFT, left_ms=left)
    if status.share is not None and status.share.state != _OK:
        stuck, share = ours(time_or_none(status.share.since)), status.share
        return replace(state, kind=probes.SHARE_BLOCKED, since_ms=stuck, detail=share.detail, hint=share.state)
    if heard is not None and (status.now_ms or report.clock.end_ms) - heard > machine.offline_timeout:
        return replace(state, kind=probes.SILENT)
    return state


def _replica(told: ProbeReport, asked_ms: int | None) -> tuple[SharedState | None, str | None, int]:
    """Return (what its replica shows, why nothing, when it was read on this computer's clock)."""
    now, state = now_ms(), told.state
    if state is None:
        return None, None, now
    if state.get("success") is not True:
        return None, str(state.get("message") or "no reason given")[:300], now
    read = time_or_none(state.get("readAt"))
    read = now if read is None else read - told.clock_offset_ms
    try:
        return from_document(state, now, asked_ms), None, read
    except StateUnavailableError as error:
        return None, error.reason, read
