"""Lines of PowerShell put to one Windows machine, each bounded, and whatever came of it: for `doctor windows`."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from . import look as looks
from .ledger import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyinfra.api.host import Host

    from roosync_ops.fleet import Machine

#: How long one line may take, in s: a drive that hangs there keeps no other line from its answer. And to log in.
LINE_S: Final = 30.0
_LOGIN_S: Final = 20.0
#: What one line's answer may be, in characters.
_MAX_ANSWER: Final = 8_000


class Answer(NamedTuple):
    """What one line printed; `ended` is False where it gave no answer in time, or could not be put."""

    ended: bool
    text: str


def put(machine: Machine, scripts: Sequence[str], connect_timeout_s: float) -> tuple[list[Answer], Failure | None]:
    """Have `machine` run each script in a PowerShell of its own; return the answers that came, and why no more did."""
    found: list[dict[str, Any]] = []
    limit_s = _LOGIN_S + LINE_S * len(scripts)
    reason = looks.ask([machine], {"doctor": list(scripts)}, limit_s, connect_timeout_s, found.append)
    if not found:
        hint = f"roosync-ops diagnose {machine.machine_id}"
        return [], Failure("doctor", "INTERNAL", f"the process that ran pyinfra ended early: {reason}", hint)
    failure = found[0]["failure"]
    answers = [Answer(ended is True, str(text)[:_MAX_ANSWER]) for ended, text in found[0].get("answers", [])]
    return answers, None if failure is None else Failure(**failure)


def told(host: Host, _machine: Machine, request: dict[str, Any], left_s: float) -> Iterator[tuple[str, Any]]:
    """Put each line of the request to a machine that let us in; the worker's half."""
    end = time.monotonic() + left_s
    answers: list[Answer] = []
    for script in request["doctor"]:
        answers.append(_asked(host, script, min(LINE_S, end - time.monotonic())))
        yield "answers", answers


def _asked(host: Host, script: str, limit_s: float) -> Answer:
    from gevent import Timeout  # noqa: PLC0415 - the worker's alone, as what follows
    from pyinfra.api.command import StringCommand  # noqa: PLC0415

    from .windows import command  # noqa: PLC0415

    encoded = base64.b64encode(script.encode("utf-16-le")).decode()
    line = command.line(
        "powershell", "-NoProfile", "-NonInteractive", "-OutputFormat", "Text", "-EncodedCommand", encoded
    )
    silence = Answer(False, f"no answer within {LINE_S:.0f} s")
    if limit_s < 1:
        return silence
    try:
        with Timeout(limit_s + 1, False):  # False: end the block in silence
            _, output = host.run_shell_command(StringCommand(line), _timeout=round(limit_s))
            return Answer(True, "\n".join(output.stdout_lines or output.stderr_lines).strip()[:_MAX_ANSWER])
    except Exception as error:  # noqa: BLE001 - whatever goes wrong with one line is that line's answer
        return Answer(False, f"{type(error).__name__}: {error}")
    return silence
