"""A machine's answer as its own word, every time on this computer's clock."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.fleet import Machine
from roosync_ops.gather import asking, probe
from roosync_ops.gather.limits import Limits
from roosync_ops.gather.probe import result_of as told_by
from roosync_ops.judge import probes
from roosync_ops.remote_script.facts_model import AgentStatus, ClockFacts, ProbeReport
from roosync_ops.state import StateUnavailableError
from roosync_ops.state.folder import read_folder
from roosync_ops.transport.link import Failure
from roosync_ops.wire.record import OF_A_TWIN, OF_THE_PAST
from roosync_ops.wire.times import now_ms, to_iso
from tests.kits.shares import ours, put
from tests.unit.pyinfra_ops.builders import a_report

if TYPE_CHECKING:
    from pathlib import Path

    from roosync_ops.state import SharedState

HOUR = 3_600_000
NOW = 1_770_891_330_000
MACHINE = Machine.of("m", {})


def answer(offset: int = 0, **status: Any) -> ProbeReport:
    """Return the report of a machine whose clock is `offset` ms ahead; times in `status` are by our clock."""
    times = {key: to_iso(value + offset) for key, value in status.items() if isinstance(value, int) and key == "now"}
    given = {"success": True, "running": True, "now": to_iso(NOW + offset), **status, **times}
    clock = ClockFacts(start_ms=NOW + offset, end_ms=NOW + offset)
    update = {"status": AgentStatus.model_validate(given), "clock": clock, "clock_offset_ms": offset}
    return a_report().model_copy(update=update)


def beat(age: int, offset: int = 0) -> dict[str, Any]:
    return {"sequence": 7, "lastHeartbeat": to_iso(NOW - age + offset), "readBack": True}


@pytest.mark.parametrize("offset", [0, -HOUR, HOUR])
@pytest.mark.parametrize(
    ("status", "word", "since"),
    [
        ({"lastBeat": 20_000}, "alive", NOW - 20_000),
        ({"lastBeat": 121_000}, "silent", NOW - 121_000),
        ({"lastBeat": 20_000, "running": False}, "gone", NOW - 20_000),
        ({"lastBeat": 20_000, "share": "hung"}, "stuck", NOW - 60_000),
    ],
)
def test_the_word_and_since_when_do_not_depend_on_anybodys_clock(
    offset: int, status: dict[str, Any], word: str, since: int
) -> None:
    given: dict[str, Any] = {**status, "lastBeat": beat(status["lastBeat"], offset)}
    if "share" in status:
        given["share"] = {"state": status["share"], "since": to_iso(NOW - 60_000 + offset), "detail": "no answer"}
    found = told_by(MACHINE, answer(offset, **given))
    assert (found.agent.kind, found.agent.since_ms, found.offset_ms) == (word, since, offset)


@pytest.mark.parametrize(
    ("step", "code", "word"),
    [
        ("connect", "UNREACHABLE", "off"),
        ("connect", "UNKNOWN_HOST", "off"),
        ("connect", "HOST_KEY", "refused"),
        ("connect", "LOGIN_REFUSED", "refused"),
        ("connect", "SILENT", "unclear"),
        ("look", "TIMEOUT", "unclear"),
    ],
)
def test_a_machine_that_could_not_be_asked_is_off_or_on_by_how_it_failed(step: str, code: str, word: str) -> None:
    found = told_by(MACHINE, Failure(step, code, "unreachable: why", "ssh m"))
    assert (found.agent.kind, found.agent.detail, found.offset_ms) == (word, "why", None)


def test_no_agent_and_an_agent_that_cannot_tell_are_two_words() -> None:
    bare = a_report().model_copy(update={"status": None})
    assert told_by(MACHINE, bare).agent.kind == "no-agent"
    broken = answer(success=False, message="journal")
    assert told_by(MACHINE, broken).agent.kind == "unclear"


def test_a_replica_was_read_when_our_clock_says_so() -> None:
    state = {
        "success": True, "machineId": "m", "shared": "/s", "readAt": to_iso(NOW + HOUR), "seen": 0, "view": None,
        "viewState": "absent", "evidence": [], "findings": [],
    }  # fmt: skip
    found = told_by(MACHINE, answer(HOUR).model_copy(update={"state": state}))
    assert found.read_ms == NOW
    assert found.state is not None


@pytest.mark.parametrize("state", [{"success": True}, {"success": True, "readAt": 7, "evidence": {}}])
def test_a_state_of_another_shape_is_a_replica_that_was_not_read(state: dict[str, Any]) -> None:
    found = told_by(MACHINE, answer().model_copy(update={"state": state}))
    assert found.state is None
    assert found.state_problem is not None


@pytest.mark.parametrize(
    ("kind", "ago", "said"),
    [(OF_A_TWIN, 60_000, True), (OF_A_TWIN, 2 * HOUR, False), (OF_THE_PAST, 60_000, False), (None, 60_000, False)],
    ids=["lately", "long-ago", "an-older-service", "an-older-agent"],
)
@pytest.mark.parametrize("offset", [0, HOUR])
def test_another_computer_of_its_name_is_told_while_it_is_at_it(
    kind: str | None, ago: int, offset: int, *, said: bool
) -> None:
    own = {"rewrites": 3, "lastKind": kind, "lastDetail": "another session", "lastAt": to_iso(NOW - ago + offset)}
    found = told_by(MACHINE, answer(offset, lastBeat=beat(20_000, offset), ownFile=own))
    assert found.agent.twin == ("another session" if said else None)


def test_a_replica_that_was_read_long_before_the_last_answer_is_read_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put(tmp_path, ours("m"))
    reads = [read_folder(tmp_path, now_ms() - 60_000), read_folder(tmp_path, now_ms())]
    monkeypatch.setattr(probe, "probe", lambda *_: {})
    left = iter(reads)
    own, _, trouble = probe.probe_beside([MACHINE], Limits(1, 1), lambda: next(left))
    assert (own, trouble) == (reads[1], None)
    gone = [reads[0]]

    def hangs_then() -> SharedState:
        if not gone:
            raise StateUnavailableError("it hangs now", "look")
        return gone.pop()

    own, _, trouble = probe.probe_beside([MACHINE], Limits(1, 1), hangs_then)
    assert (own, trouble) == (reads[0], None)


@pytest.mark.parametrize("offset", [0, HOUR])
def test_an_agent_that_was_stopped_on_purpose_says_so(offset: int) -> None:
    stopped = answer(offset, running=False, lastBeat=beat(HOUR, offset), leftAt=to_iso(NOW - 60_000 + offset))
    word = told_by(MACHINE, stopped).agent
    assert (word.kind, word.left_ms, word.since_ms) == (probes.LEFT, NOW - 60_000, NOW - HOUR)
    assert told_by(MACHINE, answer(offset, running=False)).agent.kind == probes.NOT_RUNNING


def test_ten_dead_and_five_late_machines_are_asked_at_once() -> None:
    """One after the other the dead alone would cost more than the limit."""
    all_at_once = threading.Barrier(15, timeout=60)
    found = asking.each([Machine.of(f"m-{at}", {}) for at in range(15)], lambda _: all_at_once.wait())
    assert sorted(found.values()) == list(range(15))
