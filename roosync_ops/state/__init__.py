"""The shared state as the admin side reads it: models, merged evidence, findings. One interface, whatever lies below.

Above this room nothing knows whether a folder, a machine at the other end of SSH, or something else was read.
"""

from .document import from_document
from .folder import FolderSource
from .shared import SharedState, StateUnavailableError

#: Gives what reads the shared state at an address whenever it is called: a folder's path; there is no other yet.
open_source = FolderSource
