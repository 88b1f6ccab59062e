"""The shared state through a machine that has it: for an admin machine that has no Drive."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from roosync_ops import typed
from roosync_ops.pyinfra_ops.run import CONNECT_TIMEOUT_S, Workers

if TYPE_CHECKING:
    from roosync_ops.fleet import Machine


class ViaError(Exception):
    """A machine did not tell the shared state. `hint` is the next command to type."""

    def __init__(self, reason: str, hint: str) -> None:
        self.reason = reason
        self.hint = hint
        super().__init__(reason)


def read_state(machine: Machine, *, timeout_s: float) -> dict[str, Any]:
    """Return the agent's `state` document as `machine` tells it over SSH, within `timeout_s`. Raises ViaError."""
    request = {
        "read": machine.model_dump(mode="json", exclude={"machine_id"}),
        "machines": [machine.machine_id],
        "verbose": False,
        "connectTimeout": max(1, min(CONNECT_TIMEOUT_S, round(timeout_s))),
    }
    hint = typed.ours("diagnose", machine.machine_id)
    with Workers([request]) as workers:
        # A machine that hangs keeps its worker from answering: ending the worker ends the waiting.
        timer = threading.Timer(timeout_s, workers.end)
        timer.start()
        try:
            return _answer(workers, machine, hint)
        except _NoAnswerError:
            late = not timer.is_alive()
            reason = f"no answer within {timeout_s:g} s" if late else workers.last_words()
            raise ViaError(f"{machine.machine_id}: {reason}", hint) from None
        finally:
            timer.cancel()


class _NoAnswerError(Exception):
    """The worker ended without a word."""


def _answer(workers: Workers, machine: Machine, hint: str) -> dict[str, Any]:
    for _, event in workers.events():
        if event["event"] == "state":
            document: dict[str, Any] = event["document"]
            return document
        if event["event"] == "failure":
            failure = event["failure"]
            raise ViaError(f"{machine.machine_id}: {failure['reason']}", failure["hint"] or hint)
    raise _NoAnswerError
