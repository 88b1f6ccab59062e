"""Why there is no shared state to judge."""

from __future__ import annotations


class StateUnavailableError(Exception):
    """The shared state is missing, hung, or holds nothing readable: no verdict about any machine can rest on it.

    `reason` is one sentence that names what was tried; `hint` is what to do or type next.
    """

    def __init__(self, reason: str, hint: str) -> None:
        self.reason = reason
        self.hint = hint
        super().__init__(reason)
