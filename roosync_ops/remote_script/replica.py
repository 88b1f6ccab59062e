"""The procedure's verification of one machine, from what its own replica of the shared state shows: pure functions."""

from collections.abc import Iterator
from typing import Any, Final

from roosync_ops.fleet import Machine
from roosync_ops.remote_script.checks import failed, there
from roosync_ops.remote_script.facts_model import Reply
from roosync_ops.remote_script.unpacked import SilenceError
from roosync_ops.transport.failure import Failure
from roosync_ops.wire.merge import CONFLICT, FILE, VIEW, Evidence, merge
from roosync_ops.wire.record import parse
from roosync_ops.wire.status import ONLINE, status
from roosync_ops.wire.text import NotUnderstoodError
from roosync_ops.wire.times import time_or_none

VERIFY: Final = "verify"
#: Beyond the share's own deadline: to parse and print the state of a large fleet.
_STATE_S: Final = 15


def request(local_dir: str | None, share_deadline: float, limit_s: float | None = None) -> dict[str, Any]:
    """Return what a machine is asked for the agent's `state` document; after `limit_s` it says how far it came."""
    step = {"step": "state", "do": "verb", "argv": ["state"], "limit": limit_s or _STATE_S + share_deadline}
    return {"do": "apply", "localDir": local_dir, "steps": [step], "look": False}


def document(machine: Machine, answer: Reply | SilenceError | None) -> dict[str, Any] | Failure:
    """Return the agent's `state` document, or why there is none."""
    if answer is None:
        answer = SilenceError("TIMEOUT", "no answer in time, or the connection was lost")
    if isinstance(answer, SilenceError):
        return Failure(VERIFY, answer.code, answer.reason, there(machine, ("hostname",)))
    if answer.failed is not None:
        return failed(machine, VERIFY, answer.failed.code, answer.failed.message)
    if not answer.done or answer.done[0].reply is None:
        return failed(machine, VERIFY, "NOT_UNDERSTOOD", "its answer holds no state")
    return dict(answer.done[0].reply)


def verification(machine: Machine, state: dict[str, Any]) -> Failure | None:
    """Return the first of the procedure's checks that does not hold on this machine's replica, or None."""
    for code, reason in _problems(machine, state):
        return failed(machine, VERIFY, code, reason)
    return None


def _problems(machine: Machine, state: dict[str, Any]) -> Iterator[tuple[str, str]]:
    word = _status(machine, state)
    if word != ONLINE:
        yield "NOT_ONLINE", f"its own replica shows it {word}"
    view = state.get("view")
    if not isinstance(view, dict):
        yield "NO_VIEW", f"its replica has no heartbeat.json ({state.get('viewState')})"
        return
    if machine.machine_id not in _part(view, "heartbeats", dict):
        yield "NOT_IN_HEARTBEATS", "it is not in heartbeats of heartbeat.json"
    online = _part(view, "onlineMachines", list)
    if machine.machine_id not in online:
        yield "NOT_IN_LIST", "it is not in onlineMachines of heartbeat.json"
    count = _part(view, "statistics", dict).get("onlineCount")
    if count != len(online):
        yield "COUNT", f"statistics.onlineCount is {count!r:.20} for {len(online)} onlineMachines"


def _status(machine: Machine, state: dict[str, Any]) -> str:
    """Return the machine's status by its own clock, which wrote both the heartbeat and `readAt`."""
    now_ms = time_or_none(state.get("readAt"))
    if now_ms is None:
        return "at no valid time"
    best = merge(_evidence(machine, state), now_ms).get(machine.machine_id)
    return status(best.record if best is not None else None, now_ms, machine.thresholds)


def _evidence(machine: Machine, state: dict[str, Any]) -> Iterator[Evidence]:
    for piece in _part(state, "evidence", list):
        if not isinstance(piece, dict) or piece.get("machineId") != machine.machine_id:
            continue
        record, kind, file = piece.get("record"), piece.get("kind"), str(piece.get("file"))
        if isinstance(record, dict) and kind in (FILE, CONFLICT, VIEW):
            try:
                yield Evidence(parse(record, machine.machine_id, file)[0], kind, file)
            except NotUnderstoodError:
                continue  # it is another machine's, and no evidence about this one


def _part(value: dict[str, Any], key: str, kind: type) -> Any:
    part = value.get(key)
    return part if isinstance(part, kind) else kind()
