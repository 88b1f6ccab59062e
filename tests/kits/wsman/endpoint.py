"""Starts an endpoint in a process of its own, since gevent and pyspnego's environment are a process's affair."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from . import certificates

if TYPE_CHECKING:
    from tests.kits.winlab import WinHost

USER: Final = "fleet"
_REPOSITORY: Final = Path(__file__).parents[3]


@dataclass(frozen=True)
class Runner:
    """A winlab machine: the environment of its Wine, the words that lead into its namespaces, and its C: from here."""

    environment: dict[str, str]
    enter: list[str]
    drive_c: Path

    @classmethod
    def of(cls, host: WinHost) -> Self:
        told = Path(f"/proc/{host.pid1}/root/srv/kit/environment").read_text(encoding="utf-8").splitlines()
        enter = ["nsenter", "-t", str(host.pid1), "-m", "-u", "-p", "--"]
        return cls(dict(line.split("=", 1) for line in told), enter, host.prefix / "drive_c")

    def told(self) -> dict[str, Any]:
        return {"environment": self.environment, "enter": self.enter, "driveC": str(self.drive_c)}


class Endpoint:
    """One endpoint with two ports; a context manager. Everything it writes is under `folder`, the caller's."""

    def __init__(
        self, folder: Path, *, wine: Runner | None = None, plaintext: bool = False, idle_s: float = 180.0
    ) -> None:
        self.password: str = f"pw-{secrets.token_hex(12)}"
        self.files = certificates.make(folder)
        self._transcript = folder / "transcript.jsonl"
        self._transcript.touch()
        accounts = folder / "accounts"
        accounts.write_text(f":{USER}:{self.password}\n", encoding="utf-8")
        self._told = {
            "user": USER, "password": self.password, "ntlm": str(accounts), "plaintext": plaintext, "idle": idle_s,
            "transcript": str(self._transcript), "authority": str(self.files.authority),
            "server": str(self.files.server), "serverKey": str(self.files.server_key),
            "serverDer": str(self.files.server_der),
            "wine": None if wine is None else wine.told(),
        }  # fmt: skip
        self.http, self.https = 0, 0

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kits.wsman"],
            cwd=_REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(self._told) + "\n")
        self._process.stdin.flush()
        self.http, self.https = json.loads(self._process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # the end of its stdin is its own

    def requests(self) -> list[dict[str, Any]]:
        """Return the requests so far: `path`, `headers`, `body` in base64."""
        return [event for event in self.events() if event["event"] == "request"]

    def events(self) -> list[dict[str, Any]]:
        """Return the requests and connections so far."""
        return [json.loads(line) for line in self._transcript.read_text(encoding="utf-8").splitlines()]

    def forget(self) -> None:
        """Begin a new transcript."""
        self._transcript.write_text("", encoding="utf-8")
