"""Running this machine's programs, and waiting for them."""

import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class CommandError(RuntimeError):
    """A program failed; the message carries what it said."""


def sh(*argv: str, timeout: float = 300, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run a program to its end and return its standard output. Raises CommandError with its last words."""
    done = subprocess.run(
        argv,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        cwd=cwd,
        env=env,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:] or "nothing said"
        raise CommandError(f"{' '.join(argv)} exited {done.returncode}: {said}")
    return done.stdout


def wait_for(what: str, look: Callable[[], T | None], timeout: float, every: float = 0.03) -> T:
    """Return the first truthy answer of `look`. Raises TimeoutError naming `what` after `timeout` seconds."""
    end = time.monotonic() + timeout
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {timeout:g} s")
        time.sleep(every)
