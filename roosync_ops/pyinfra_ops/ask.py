"""One request to a Python on the machine, as a command of pyinfra's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyinfra.api.command import StringCommand

from roosync_ops.remote_script.question import Question

if TYPE_CHECKING:
    from collections.abc import Mapping


class Ask(StringCommand):
    """Has a Python on the machine answer `request` (see on_machine). Our connectors take the question itself."""

    def __init__(
        self,
        request: Mapping[str, Any],
        python: str | None = None,
        *,
        bootstrap: bool = False,
        timeout_s: int | None = None,
        forgiving: bool = False,
    ) -> None:
        super().__init__(f"# roosync: {request.get('do')}")
        if timeout_s is not None:
            self.connector_arguments["_timeout"] = timeout_s
        self.question = Question(request, python, bootstrap)
        #: A fact is never a failure to pyinfra, which would print the output and drop the reason.
        self.forgiving = forgiving
