"""The second way to a machine: only machines in doubt are asked, and an answer is kept for as long as it holds.

1. What the folder shows is judged. Where no machine is in doubt that is all, and no process is started.
2. The machines in doubt are asked, all at once; where this replica is the suspect, some first, with their own replicas.
3. Machines that were reached try the ports of those that do not answer: this computer may be the one that is cut off.
   A machine whose port one of them can connect to is asked once more, through that one. Where a machine still gives no
   answer, a few others are asked what their replicas show: it may be this replica that lacks its later beats.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from types import MappingProxyType
from typing import Final

from roosync_ops.fleet import Fleet, Machine
from roosync_ops.judge import ProbeResult, Validation, second
from roosync_ops.judge.probes import CUT, OFF, RUNNING, SELF_REPORTED, UNASKED, UNCLEAR
from roosync_ops.judge.verdict import OBSERVER_SUSPECTED, Basis
from roosync_ops.transport import link
from roosync_ops.wire.status import ONLINE

from .limits import SECOND_TIMEOUT_S, Limits, Probe

#: So many answers, with what their replicas show, settle whether this replica stands still.
_SETTLE: Final = 12
#: So many machines knock at the port of one that does not answer: one that is reached is enough.
_KNOCK: Final = 3
#: Of all the time there is so much is for asking, and the rest for knocking.
_ASKING_PART: Final = 0.7
#: While a doubt lasts its machine is asked again after so long, in s; the last pause repeats.
AGAIN_S: Final = (30.0, 60.0, 120.0, 300.0)
#: One whose port takes the connection and that cannot be asked, no later than this: that is a connection and no login.
_GREETING_S: Final = 60.0
#: A watcher tries twice, so far apart, before it says that a machine does not answer, in s.
CONFIRM_S: Final = 10.0
#: What connecting came to where a machine did not answer; anything else is this computer's own trouble.
_NO_ANSWER: Final = frozenset([link.REFUSED, link.NO_ROUTE, link.TIMED_OUT])
_LIMITS: Final = Limits(SECOND_TIMEOUT_S)


class Ssh:
    """How machines are asked: by their own transports, within limits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._until = 0.0

    def ask(
        self, machines: Sequence[Machine], *, with_state: bool, through: Mapping[str, Machine] = MappingProxyType({})
    ) -> dict[str, ProbeResult]:
        """Ask all at once, those in `through` by way of another machine, and return what each testifies."""
        from .probe import probe  # noqa: PLC0415 - not needed where no machine is asked

        limits = self._limits
        if through:
            asked_s = max(0.0, self._until - time.monotonic())
        else:
            self._until = max(self._until, time.monotonic() + limits.timeout_s)
            asked_s = _ASKING_PART * limits.timeout_s
        found = probe(machines, asked_s, limits.connect_s, with_state=with_state, overall=True, through=through)
        for machine in machines:
            one, no_answer = found[machine.machine_id], _NO_ANSWER
            if machine.transport == "winrm":
                no_answer |= {link.UNREACHABLE}
            if one.agent.kind == OFF and one.failure is not None and one.failure.code not in no_answer:
                found[machine.machine_id] = replace(one, agent=replace(one.agent, kind=UNASKED))
        return found

    def knock(self, witnesses: Sequence[Machine], targets: Sequence[Machine]) -> dict[str, frozenset[str]]:
        """Return, by witness that was reached, the machines whose port it could connect to."""
        from .probe import knock  # noqa: PLC0415 - as above

        now = time.monotonic()
        self._until = max(self._until, now + (1 - _ASKING_PART) * self._limits.timeout_s)
        return knock(witnesses, targets, self._until - now, self._limits.connect_s)


@dataclass
class _Said:
    """What one machine said last; `times` it was asked in this doubt, on and on without an answer since `out_s`."""

    one: ProbeResult
    asked_s: float
    times: int
    out_s: float | None


@dataclass
class Second:
    """Asks, and remembers whom when. `confirm_s`: no answer counts from the second try on, so much later."""

    fleet: Fleet
    way: Ssh
    _: KW_ONLY
    everybody: bool = False
    confirm_s: float = 0.0
    clock: Callable[[], float] = time.monotonic
    _said: dict[str, _Said] = field(default_factory=dict, init=False)
    #: Machines that are asked in this doubt for what their replicas show of others.
    _others: set[str] = field(default_factory=set, init=False)
    #: Witnesses that were not reached when they were last needed: others are tried before them.
    _mute: set[str] = field(default_factory=set, init=False)

    def opinion(self, judged: Callable[[Mapping[str, ProbeResult]], Validation]) -> Validation:
        """Return what `judged` makes of what the machines in doubt say; without a doubt it is as the folder is."""
        found = judged({})
        doubted = second.in_doubt(found, self.fleet, everybody=self.everybody)
        names = {machine.machine_id for machine in doubted}
        self._others = self._others if doubted else set()
        # A machine that was asked about others, and is in doubt now, is asked anew.
        self._said = {name: said for name, said in self._said.items() if name in names ^ self._others}
        self._others -= names
        if not doubted:
            return found
        suspect = any(row.reason is not None and row.reason.kind == OBSERVER_SUSPECTED for row in found.verdicts)
        self._ask(doubted[:_SETTLE] if suspect else doubted, with_state=suspect)
        found = judged(self._words())
        if suspect:
            self._ask(second.in_doubt(found, self.fleet), with_state=False)
        elif any(row.rests_on == Basis.COULD_NOT_ASK for row in found.verdicts):
            others = [one for one in self.fleet if one.expected == ONLINE and one not in doubted]
            others = sorted(others, key=lambda one: one.machine_id in self._mute)[:_KNOCK]
            self._others = {machine.machine_id for machine in others}
            self._ask(others, with_state=True)
        else:
            return found
        return judged(self._words())

    @property
    def unsettled(self) -> bool:
        """Whether only another try can tell whether a machine answers."""
        return any(not self._counts(said) for said in self._said.values())

    def _counts(self, said: _Said) -> bool:
        return said.out_s is None or said.asked_s - said.out_s >= self.confirm_s

    def _words(self) -> dict[str, ProbeResult]:
        """Return what was said, as far as it may be judged by."""
        return {name: said.one for name, said in self._said.items() if self._counts(said)}

    def _ask(self, machines: Iterable[Machine], *, with_state: bool) -> None:
        now = self.clock()
        due = [machine for machine in machines if now >= self._next_s(machine)]
        if not due:
            return
        self._mute |= {name for name, said in self._said.items() if not said.one.is_reached}
        answers = checked(self.fleet, self.way.ask(due, with_state=with_state), self.way, self._mute)
        for name, one in answers.items():
            before = self._said.get(name)
            out_s = None if one.agent.kind != OFF else now if before is None or before.out_s is None else before.out_s
            self._said[name] = _Said(one, now, 1 if before is None else before.times + 1, out_s)

    def _next_s(self, machine: Machine) -> float:
        """Return when a machine is to be asked next; one that said it lives before that word is too old to prove it."""
        said = self._said.get(machine.machine_id)
        if said is None:
            return 0.0
        pause = AGAIN_S[min(said.times, len(AGAIN_S)) - 1]
        if not self._counts(said):
            pause = self.confirm_s
        elif said.one.agent.kind in (CUT, UNCLEAR):
            pause = min(pause, _GREETING_S)
        elif said.one.agent.kind == RUNNING and machine.machine_id not in self._others:
            pause = min(pause, (machine.offline_timeout - machine.heartbeat_interval) / 1000)
        return said.asked_s + pause


def second_of(fleet: Fleet, probe: Probe, limits: Limits = _LIMITS, confirm_s: float = 0.0) -> Second | None:
    """Return what asks the machines in doubt; None where none is to be asked."""
    if probe is Probe.never:
        return None
    return Second(fleet, Ssh(limits), everybody=probe is Probe.always, confirm_s=confirm_s)


def checked(fleet: Fleet, found: dict[str, ProbeResult], way: Ssh, mute: set[str]) -> dict[str, ProbeResult]:
    """Return the answers, those without one held against what other machines reach; `mute` are the last to be tried.

    A machine that was tried and is not reached is put into `mute`; one that is reached is taken out.
    """
    out = [machine for machine in fleet if machine.machine_id in found and found[machine.machine_id].agent.kind == OFF]
    if not out:
        return found
    others = [machine for machine in fleet if machine.expected == ONLINE and machine not in out]
    others = [one for one in others if one.machine_id not in found or found[one.machine_id].is_reached]
    others.sort(key=lambda one: (one.machine_id not in found, one.machine_id in mute))
    reached = way.knock(others[:_KNOCK], out) if others else {}
    mute.update(one.machine_id for one in others[:_KNOCK])
    mute.difference_update(reached)
    any_reached = bool(reached) or any(one.is_reached for one in found.values())
    alone = not any(machine.expected == ONLINE for machine in fleet if machine not in out[:1])
    by = {
        machine.machine_id: other
        for machine in out
        for other in reversed(others)
        if machine.machine_id in reached.get(other.machine_id, ())
    }
    asked = [one for one in out if one.machine_id in by and {one.transport, by[one.machine_id].transport} == {"ssh"}]
    told = way.ask(asked, with_state=False, through=by) if asked else {}
    for name in (machine.machine_id for machine in out):
        found[name] = _held(found[name], by.get(name), told.get(name), any_reached or alone)
    return found


def _held(one: ProbeResult, by: Machine | None, told: ProbeResult | None, any_reached: bool) -> ProbeResult:
    """Return a probe of no answer, as what others reach makes of it; `told` is what it said through one of them."""
    if by is not None and told is not None and told.agent.kind in SELF_REPORTED:
        return replace(told, through=by.machine_id)
    if by is not None:
        return replace(one, agent=replace(one.agent, kind=CUT, detail=by.machine_id))
    if any_reached:
        return one
    return replace(one, agent=replace(one.agent, kind=UNASKED, detail=f"{one.agent.detail}, and so are all others"))
