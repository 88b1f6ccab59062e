"""The shared state as the admin side reads it: models, merged evidence, findings. One interface, whatever lies below.

Above this room nothing knows whether a folder, a machine at the other end of SSH, or something else was read.
"""

from collections.abc import Callable

from .document import from_document
from .folder import FolderSource
from .shared import SharedState, StateUnavailableError


def open_source(url: str, deadline_s: float | None = None) -> Callable[[], SharedState]:
    """Return what reads the shared state at `url` each time it is called: a folder's path; there is no other yet."""
    return FolderSource(url, deadline_s)
