"""Lines of PowerShell put to one Windows machine, each bounded, and whatever came of it: for `doctor windows`."""

import base64
from collections.abc import Sequence
from typing import Final

from roosync_ops.fleet import Machine
from roosync_ops.transport import output, windows_line
from roosync_ops.transport.link import Failure, Link, LinkError

from . import asking

#: How long one line may take, in s: a drive that hangs there keeps no other line from its answer. And to log in.
LINE_S: Final = 30.0
_LOGIN_S: Final = 20.0
#: What one line's answer may be, in characters.
_MAX_ANSWER: Final = 8_000


def put(machine: Machine, scripts: Sequence[str], connect_timeout_s: float) -> tuple[list[str | None], Failure | None]:
    """Have `machine` run each script in a PowerShell of its own; return what each printed, and why no more did.

    None for one that gave no answer in time, or could not be put.
    """
    answers: list[str | None] = []
    with asking.way_to(machine, asking.patience(_LOGIN_S + LINE_S, connect_timeout_s)) as link:
        for script in scripts:
            try:
                answers.append(_asked(link, script))
            except LinkError as error:
                if not error.reached:
                    return answers, asking.unreached(machine, error)
                answers.append(None)
    return answers, None


def _asked(link: Link, script: str) -> str | None:
    encoded = base64.b64encode(script.encode("utf-16-le")).decode()
    flags = ("-NoProfile", "-NonInteractive", "-OutputFormat", "Text", "-EncodedCommand")
    try:
        done = link.execute(windows_line.line("powershell", *flags, encoded), timeout_s=LINE_S)
    except LinkError:
        raise
    except (OSError, ValueError):
        return None
    said = output.text(done.out).strip() or output.text(done.err).strip()
    return said.replace("\r\n", "\n")[:_MAX_ANSWER]
