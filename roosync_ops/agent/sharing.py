"""What carries records between the machines, as the agent asks it; which one it is, only `share_of` knows."""

from __future__ import annotations

from roosync_ops.wire.record import Record
from roosync_ops.wire.typed import Json

from .config import Config
from .errors import EXIT_SHARE, ProblemError

HUNG = "hung"
MISSING = "missing"
READ_ONLY = "read-only"
FULL = "full"
REFUSED = "refused"
UNSYNCED = "unsynced"

_HINTS = {
    HUNG: "vérifier le client de synchronisation: le dossier partagé ne répond pas",
    MISSING: "vérifier --shared, ou que le dossier partagé est monté; il n'est jamais créé",
    READ_ONLY: "remonter le dossier partagé en écriture",
    FULL: "libérer de la place dans le dossier partagé",
    REFUSED: "vérifier les droits d'écriture dans le dossier partagé",
    UNSYNCED: "vérifier que la synchronisation tourne, puis recommencer",
}
#: No record is larger, whoever wrote it.
MAX_RECORD_BYTES = 65_536


class ShareTroubleError(ProblemError):
    """The share could not be used. `state` is one of the words of `status`; `since_ms` is when a hung call began."""

    exit_code = EXIT_SHARE

    def __init__(self, state: str, reason: str, since_ms: int | None = None) -> None:
        self.state = state
        self.since_ms = since_ms
        self.cause = f"SHARE_{state.upper()}"
        self.detail = None if state == HUNG else reason
        super().__init__(reason, _HINTS[state])


TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Share(Protocol):
        """What every share does. Each raises ShareTroubleError and nothing else; none outlasts the deadline."""

        @property
        def is_stuck(self) -> bool: ...
        def probe(self) -> None: ...
        def follow(self, limit_s: float) -> None: ...
        def read_own(self) -> Json | None: ...
        def own_record(self) -> tuple[Record | None, str | None]: ...
        def read_before(self, now_ms: int) -> Record | None: ...
        def publish(self, raw: bytes, *, leaves: bool = False) -> None: ...
        def copy_own(self, offset: int) -> bytes | None: ...

else:
    Share = object


def share_of(config: Config) -> Share:
    """Return what the configuration names: a folder; there is no other yet."""
    from .share import folder_of  # noqa: PLC0415 - of what carries records, what is used is loaded

    return folder_of(config)
