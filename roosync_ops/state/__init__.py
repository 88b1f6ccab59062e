"""The shared state as the admin side reads it: models, merged evidence, findings. One interface, whatever lies below.

Above this room nothing knows whether a folder, a machine at the other end of SSH, or something else was read.
"""

from .document import from_document
from .folder import read_folder
from .shared import SharedState, StateUnavailableError
