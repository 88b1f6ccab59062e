"""The worker's half of `gather.doctor`: lines of PowerShell put to a Windows machine, one after the other."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any, Final

from gevent import Timeout
from pyinfra.api.command import StringCommand

from roosync_ops.remote_script.windows import command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyinfra.api.host import Host

    from roosync_ops.fleet import Machine

#: What one line's answer may be, in characters.
_MAX_ANSWER: Final = 8_000


def told(host: Host, _machine: Machine, request: dict[str, Any], left_s: float) -> Iterator[tuple[str, Any]]:
    """Put each line of the request to a machine that let us in; yield (whether it ended, its text) for all so far."""
    end = time.monotonic() + left_s
    answers: list[tuple[bool, str]] = []
    for script in request["doctor"]:
        answers.append(_asked(host, script, min(request["lineLimit"], end - time.monotonic())))
        yield "answers", answers


def _asked(host: Host, script: str, limit_s: float) -> tuple[bool, str]:
    encoded = base64.b64encode(script.encode("utf-16-le")).decode()
    flags = ("-NoProfile", "-NonInteractive", "-OutputFormat", "Text", "-EncodedCommand")
    line = command.line("powershell", *flags, encoded)
    if limit_s >= 1:
        try:
            with Timeout(limit_s + 1, False):  # False: end the block in silence
                _, output = host.run_shell_command(StringCommand(line), _timeout=round(limit_s))
                return True, "\n".join(output.stdout_lines or output.stderr_lines).strip()[:_MAX_ANSWER]
        except Exception as error:  # noqa: BLE001 - whatever goes wrong with one line is that line's answer
            return False, f"{type(error).__name__}: {error}"
    return False, "no answer in time"
