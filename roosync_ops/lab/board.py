"""The validation table of the lab: the same reading, judging and showing as `roosync-ops validate`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from roosync_ops import show
from roosync_ops.judge import validate
from roosync_ops.state import read_folder
from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S, BoundedShare
from roosync_ops.wire.times import now_ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from roosync_ops.judge import Validation

    from .fleet import LabFleet

#: Between two readings while something is waited for, in seconds.
_POLL_S = 0.1


class Board:
    """Reads the admin machine's replica of a lab, again and again."""

    def __init__(self, lab: LabFleet) -> None:
        self._lab = lab
        self._bounded = BoundedShare(DEFAULT_DEADLINE_S)

    def check(self) -> Validation:
        """Read and judge now. Raises StateUnavailableError."""
        state = read_folder(self._lab.shared, now_ms(), bounded=self._bounded)
        return validate(self._lab.fleet, state, state.read_at_ms)

    def wait(self, holds: Callable[[Validation], bool], seconds: float) -> Validation:
        """Return the first validation that `holds`, or the last one within `seconds`."""
        end = time.monotonic() + seconds
        while True:
            validation = self.check()
            if holds(validation) or time.monotonic() >= end:
                return validation
            time.sleep(_POLL_S)


def text_of(validation: Validation, width: int | None, *, color: bool) -> str:
    """Return the table as a terminal of `width` cells shows it."""
    return show.table(validation, "en", width, color=color)


def document_of(validation: Validation) -> dict[str, Any]:
    """Return the object that `validate --json` prints."""
    return show.validation_document(validation)


def observed(validation: Validation) -> dict[str, str]:
    """Return what is observed of each machine."""
    return {verdict.machine_id: verdict.observed for verdict in validation.verdicts}
