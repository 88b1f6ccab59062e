"""Running this machine's programs."""

import subprocess
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


class CommandError(RuntimeError):
    """A program failed; the message carries what it said."""


def sh(*argv: str, timeout: float = 60, input: str | None = None) -> str:  # noqa: A002 - as subprocess calls it
    """Run a program to its end and return its standard output. Raises CommandError with its last words."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, input=input, check=False)
    if done.returncode != 0:
        raise CommandError(f"{' '.join(argv)} exited {done.returncode}: {_last_words(done.stdout, done.stderr)}")
    return done.stdout


def succeeds(argv: Sequence[str], timeout: float = 60) -> bool:
    done = subprocess.run(argv, capture_output=True, timeout=timeout, check=False)
    return done.returncode == 0


def wait_for(what: str, look: Callable[[], T | None], timeout: float, every: float = 0.05) -> T:
    """Return the first truthy answer of `look`. Raises TimeoutError naming `what` after `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {timeout:g} s")
        time.sleep(every)


def _last_words(out: str, err: str) -> str:
    return (err.strip() or out.strip())[-2000:] or "nothing said"
