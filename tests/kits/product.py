"""The product as whoever has it sees it: its command line here, its agent on a machine, its records in the share."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kits import warm

ROOSYNC_OPS = Path(sys.executable).with_name("roosync-ops")
PYINFRA = Path(sys.executable).with_name("pyinfra")


@dataclass(frozen=True)
class Answer:
    """What a command answered, and how long it took, in s."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        try:
            document = json.loads(self.out)
        except ValueError:
            raise AssertionError(f"not one JSON document (exit {self.code}):\n{self.out}\n{self.err}") from None
        assert isinstance(document, dict), self.out
        return document

    def __str__(self) -> str:
        return f"exit {self.code} after {self.seconds:.1f} s\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


def command(*argv: str | Path, timeout: float = 120, **changed: str) -> Answer:
    """Run a command on this machine; the real fleet's share is never in its environment, in which `changed` is."""
    environment = {name: value for name, value in os.environ.items() if name != "ROOSYNC_SHARED_PATH"}
    environment.update({"NO_COLOR": "1", "COLUMNS": "120", **changed})
    program, *words = [str(word) for word in argv]
    began = time.monotonic()
    if program == str(ROOSYNC_OPS) and warm.can(words, environment):
        done = warm.run(program, words, environment, timeout)
    else:
        done = subprocess.run(
            [program, *words],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
    return Answer(done.returncode, done.stdout, done.stderr, time.monotonic() - began)


def roosync_ops(*argv: str | Path, timeout: float = 120, **changed: str) -> Answer:
    return command(ROOSYNC_OPS, *argv, timeout=timeout, **changed)


def pyinfra(*argv: str | Path, timeout: float = 120) -> Answer:
    return command(PYINFRA, *argv, timeout=timeout)


@dataclass(frozen=True)
class Agent:
    """The agent on one machine: `shell` runs a command line there and answers."""

    shell: Callable[[str], Answer]
    start: str

    def __call__(self, verb: str, *flags: str) -> dict[str, Any]:
        """Run one verb, which must succeed."""
        answer = self.shell(f"{self.start} {verb} --json {' '.join(flags)}")
        assert answer.code == 0, f"{verb}: {answer}"
        return answer.document

    def refused(self, verb: str, *flags: str) -> dict[str, Any]:
        """Run one verb, which must fail as the contract says: an exit code, and the error as a document."""
        answer = self.shell(f"{self.start} {verb} --json {' '.join(flags)}")
        assert answer.code != 0, f"{verb}: {answer}"
        assert answer.document["success"] is False
        return answer.document


def record(shared: Path, machine_id: str) -> dict[str, Any]:
    """Return a machine's own record as it lies in the share."""
    data = json.loads((shared / "heartbeats" / f"{machine_id}.json").read_bytes())
    assert isinstance(data, dict)
    return data


def sequence(shared: Path, machine_id: str) -> int:
    number = record(shared, machine_id)["agent"]["sequence"]
    assert isinstance(number, int)
    return number
