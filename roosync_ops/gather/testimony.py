"""From what machines answered to what they testify: every time brought to this computer's clock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from roosync_ops import typed
from roosync_ops.judge import Testimony, Word, evidence
from roosync_ops.judge.twins import lately
from roosync_ops.state import SharedState, StateUnavailableError, from_document
from roosync_ops.transport.reach import OPEN
from roosync_ops.wire.record import OF_A_TWIN
from roosync_ops.wire.times import BadTimeError, from_iso, now_ms

from . import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from roosync_ops.fleet import Machine
    from roosync_ops.remote_script.facts_model import AgentStatus, Report

    from .look import Look

#: Failures to connect of a machine that is on: it does not let us in, or takes the connection and says nothing.
_CONNECTED: Final = {
    "HOST_KEY": evidence.REFUSED,
    "HOST_KEY_CHANGED": evidence.REFUSED,
    "HOST_KEY_REVOKED": evidence.REFUSED,
    "NO_COMMON_ALGORITHM": evidence.REFUSED,
    "CLOSED": evidence.UNCLEAR,
    "NOT_SSH": evidence.UNCLEAR,
    "LOGIN_REFUSED": evidence.REFUSED,
    "SILENT": evidence.UNCLEAR,
}
_OK: Final = "ok"
#: Answers that came so much later than a reading know of beats that it cannot show, in ms.
OLD_MS: Final = 2_000


def silently(_: str) -> None:
    """Tell nobody how far it is."""


def ask(
    machines: Sequence[Machine], timeout_s: float, connect_timeout_s: float, tell: Callable[[str], None] = silently
) -> dict[str, Testimony]:
    """Ask every machine at once, telling how far it is, and return what each testifies."""
    from .look import look  # noqa: PLC0415 - not needed where nobody is asked

    answered = 0

    def count(_: Look) -> None:
        nonlocal answered
        answered += 1
        tell(f"asking {len(machines)} machines: {answered} answered or given up")

    tell(f"asking {len(machines)} machines")
    looks = look(machines, timeout_s=timeout_s, connect_timeout_s=connect_timeout_s, tell=count)
    return {machine.machine_id: testimony(machine, looks[machine.machine_id]) for machine in machines}


def ask_beside(
    machines: Sequence[Machine],
    timeout_s: float,
    connect_timeout_s: float,
    read: Callable[[], tuple[SharedState | None, str | None]],
    tell: Callable[[str], None] = silently,
) -> tuple[SharedState | None, dict[str, Testimony], str | None]:
    """Ask every machine, and `read` this computer's own replica meanwhile: one that hangs delays nobody's answer.

    A replica that was read long before the last answer is read again: it would lack what those know.
    Returns (the replica, the testimonies, why there is no replica).
    """
    with ThreadPoolExecutor(1) as pool:
        here = pool.submit(read)
        found = ask(machines, timeout_s, connect_timeout_s, tell)
        own, trouble = here.result()
    if own is not None and now_ms() - own.read_at_ms > OLD_MS:
        own = read()[0] or own
    return own, found, trouble


def nobody(count: int, trouble: str | None) -> errors.CommandError:
    """Return the error for a look that gave nothing: no verdict about any machine can rest on it."""
    why = f"none of {count} machines shows anything, and no shared state was read here"
    return errors.CommandError(
        "NOBODY_ASKED", f"{why}: {trouble}" if trouble else why, "roosync-ops diagnose", errors.UNAVAILABLE
    )


def testimony(machine: Machine, look: Look) -> Testimony:
    """Return what one machine's answer amounts to."""
    report = look.report
    word = word_of(machine, look)
    state, problem, read_ms = _replica(look, report)
    if report is None:
        return Testimony(machine.machine_id, word)
    return Testimony(machine.machine_id, word, state, problem, read_ms, report.clock_offset_ms, report.clock_error_ms)


def word_of(machine: Machine, look: Look) -> Word:
    """Return a machine's own word about its agent, or why there is none."""
    report, failure = look.report, look.failure
    if failure is not None:
        met = look.reach is None or look.reach.answers == OPEN  # not somebody on the way to it
        kind = evidence.UNCLEAR if look.reached else _CONNECTED.get(failure.code, evidence.OFF) if met else evidence.OFF
        return Word(kind, detail=failure.reason.removeprefix("unreachable: "), hint=failure.hint)
    if report is None or report.status is None:
        return Word(evidence.NO_AGENT)
    if not report.status.success:
        return Word(evidence.UNCLEAR, detail=report.status.message or report.status.code)
    called = report.status.machine_id
    if called and called.lower() != machine.machine_id:  # the inventory's address is another machine's
        return Word(
            evidence.UNCLEAR, detail=f"it calls itself {called[:63]}", hint=typed.ours("diagnose", machine.machine_id)
        )
    return _word(machine, report, report.status)


def _word(machine: Machine, report: Report, status: AgentStatus) -> Word:
    beat = status.last_beat
    heard = _ms(beat.last_heartbeat if beat is not None else None)
    sequence = beat.sequence if beat is not None else None
    since = None if heard is None else heard - report.clock_offset_ms

    def word(kind: str, since_ms: int | None = None, detail: str | None = None, hint: str | None = None) -> Word:
        return Word(kind, since_ms, detail, hint, sequence, heard, _twin(status))

    if not status.running:
        left = _ms(status.left_at)
        gone = word(evidence.GONE if left is None else evidence.LEFT, since)
        return gone if left is None else replace(gone, left_ms=left - report.clock_offset_ms)
    if status.share is not None and status.share.state != _OK:
        stuck = _ms(status.share.since)
        stuck = None if stuck is None else stuck - report.clock_offset_ms
        return word(evidence.STUCK, stuck, status.share.detail, status.share.state)
    now_there = _ms(status.now) or report.clock.end_ms
    if heard is not None and now_there - heard > machine.offline_timeout:
        return word(evidence.SILENT, since)
    return word(evidence.ALIVE, since)


def _twin(status: AgentStatus) -> str | None:
    own = status.own_file
    if own is None or own.last_kind != OF_A_TWIN:
        return None
    return lately(own.last_detail, _ms(own.last_at), _ms(status.now))


def _replica(look: Look, report: Report | None) -> tuple[SharedState | None, str | None, int]:
    """Return (what its replica shows, why nothing, when it was read on this computer's clock)."""
    now = now_ms()
    if look.state is None or report is None:
        return None, None if look.state_failure is None else look.state_failure.reason, now
    read = _ms(look.state.get("readAt"))
    read = now if read is None else read - report.clock_offset_ms
    try:
        return from_document(look.state, now), None, read
    except StateUnavailableError as error:
        return None, error.reason, read


def _ms(text: object) -> int | None:
    try:
        return from_iso(text)
    except BadTimeError:
        return None
