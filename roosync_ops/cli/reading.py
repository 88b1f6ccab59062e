"""Looking again until the shared state shows what is waited for, and reading much without a pause."""

from __future__ import annotations

import gc
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from roosync_ops import errors

from . import failures, output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from roosync_ops.judge import Validation


def watch(
    look: Callable[[], Validation], wanted: Callable[[Validation], bool], seconds: float, poll_s: float
) -> Validation:
    """Wait as `wait_for` does, showing on a terminal how far it is."""
    with output.Progress() as progress:
        return wait_for(look, wanted, seconds, poll_s, progress.show)


def wait_for(  # noqa: PLR0913 - the two last are there so that tests need not sleep
    look: Callable[[], Validation],
    wanted: Callable[[Validation], bool],
    seconds: float,
    poll_s: float,
    tell: Callable[[str], None],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Validation:
    """Return the first look that is `wanted`, or the last one within `seconds`.

    A shared state that is unavailable is waited for too; what made the last look fail is raised in the end.
    """
    end = clock() + seconds
    while True:
        validation, said = _try(look, last=clock() >= end)
        left = end - clock()
        if validation is not None and (wanted(validation) or left <= 0):
            return validation
        tell(f"{said}; waiting {max(0, left):.0f} s more")
        sleep(max(0.0, min(poll_s, left)))


def _try(look: Callable[[], Validation], *, last: bool) -> tuple[Validation | None, str]:
    try:
        validation = look()
    except Exception as error:
        if last or failures.describe(error).exit_code != errors.UNAVAILABLE:
            raise
        return None, str(error)
    return validation, f"{validation.as_expected}/{validation.total} as expected"


@contextmanager
def without_collector() -> Iterator[None]:
    """Hold the cycle collector off: 10,000 parsed files keep it busy for half a second and leave it nothing.

    What is alive at the end is exempted for good: the process is about to end, and would be searched once more.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was:
            gc.enable()
