"""Why there is no shared state to judge."""

from roosync_ops.errors import UNAVAILABLE, RoosyncError


class StateUnavailableError(RoosyncError):
    """The shared state is missing, hung, or holds nothing readable: no verdict about any machine can rest on it."""

    code = "SHARED_STATE_UNAVAILABLE"
    exit_code = UNAVAILABLE
    hint: str
