"""Lines of PowerShell put to one Windows machine, each bounded, and whatever came of it: for `doctor windows`.

Imports no pyinfra: the worker process does (pyinfra_ops/doctoring.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from roosync_ops.transport.failure import Failure

from . import look as looks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roosync_ops.fleet import Machine

#: How long one line may take, in s: a drive that hangs there keeps no other line from its answer. And to log in.
LINE_S: Final = 30.0
_LOGIN_S: Final = 20.0


class Answer(NamedTuple):
    """What one line printed; `ended` is False where it gave no answer in time, or could not be put."""

    ended: bool
    text: str


def put(machine: Machine, scripts: Sequence[str], connect_timeout_s: float) -> tuple[list[Answer], Failure | None]:
    """Have `machine` run each script in a PowerShell of its own; return the answers that came, and why no more did."""
    found: list[dict[str, Any]] = []
    limit_s = _LOGIN_S + LINE_S * len(scripts)
    what = {"doctor": list(scripts), "lineLimit": LINE_S}
    reason = looks.ask([machine], what, limit_s, connect_timeout_s, found.append)
    if not found:
        hint = f"roosync-ops diagnose {machine.machine_id}"
        return [], Failure("doctor", "INTERNAL", f"the process that ran pyinfra ended early: {reason}", hint)
    failure = found[0]["failure"]
    answers = [Answer(ended is True, str(text)) for ended, text in found[0].get("answers", [])]
    return answers, None if failure is None else Failure(**failure)
