"""What the standard library has as well, in modules that a loop would hold for months."""

from __future__ import annotations

import time

from .typed import Callable


class suppress:  # noqa: N801 - contextlib's own name
    """As contextlib.suppress."""

    def __init__(self, *kinds: type[BaseException]) -> None:
        self._kinds = kinds

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, self._kinds)


def wait_until(done: Callable[[], object], limit_s: float, look_s: float = 0.02) -> bool:
    """Return True once `done` says so, False where that takes longer than `limit_s`; it is asked at least once."""
    until = time.monotonic() + limit_s
    while not done():
        if time.monotonic() >= until:
            return False
        time.sleep(look_s)
    return True
