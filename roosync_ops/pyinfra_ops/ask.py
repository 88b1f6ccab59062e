"""One request to a Python on the machine, for whatever connector reaches it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pyinfra.api.command import StringCommand

from roosync_ops.remote_script import shell

if TYPE_CHECKING:
    from collections.abc import Mapping


class Ask(StringCommand):
    """Has a Python on the machine answer `request` (see on_machine).

    As a text it is a command for `sh`, which a connector to a POSIX machine runs. A Windows connector takes the request
    itself. `python` is tried alone where given; `bootstrap`: where there is none, one may be installed for the user.
    """

    def __init__(
        self,
        request: Mapping[str, Any],
        python: str | None = None,
        *,
        bootstrap: bool = False,
        timeout_s: int | None = None,
        forgiving: bool = False,
    ) -> None:
        text = shell.command(request, python)
        # A fact is never a failure to pyinfra, which would print the output and drop the reason.
        super().__init__(f"( {text} ) 2>&1 || true" if forgiving else text)
        if timeout_s is not None:
            self.connector_arguments["_timeout"] = timeout_s
        self.request = request
        self.python = python
        self.bootstrap = bootstrap
        self.forgiving = forgiving
        #: The agent, where a step puts it in place; for `sh` it is on stdin.
        self.upload: bytes | None = None
        #: Whether nothing of ours is to be left on the machine after this.
        self.is_last = False
        #: When the attempt that was answered was sent, in ms since the epoch.
        self.sent_ms = time.time_ns() // 1_000_000
