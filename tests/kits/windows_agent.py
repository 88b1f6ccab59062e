"""The agent as it is shipped, on a host of winlab: driven at its console or over SSH, seen through its replica."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from roosync_ops.remote_script import bundle
from roosync_ops.wire.times import from_iso, now_ms

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kits.winlab import WinHost

#: A record older than so many intervals is no sign of a loop.
_FRESH = 3


class WindowsAgent:
    """One host's agent in its user's profile, where `%LOCALAPPDATA%` is."""

    def __init__(self, host: WinHost, **config: Any) -> None:
        self.host = host
        self.machine_id = host.name.lower()
        self.local = rf"{host.user_profile}\AppData\Local\roosync"
        self.own = host.share / "heartbeats" / f"{self.machine_id}.json"
        self.folder.mkdir(parents=True, exist_ok=True)
        bundle.build(self.folder / "agent.pyz")
        self.configure(**config)

    @property
    def folder(self) -> Path:
        """The local folder, seen from this machine."""
        return self.on_disk(self.local)

    def on_disk(self, path: str) -> Path:
        """A path on C:, seen from this machine."""
        return self.host.prefix / "drive_c" / path[3:].replace("\\", "/")

    def configure(self, **config: Any) -> None:
        text = json.dumps({"shared": self.host.shared, "permanence": "task", **config})
        (self.folder / "config.json").write_text(text, encoding="utf-8")

    def line(self, *words: str) -> list[str]:
        return ["python", "-I", "-S", "-B", rf"{self.local}\agent.pyz", *words, "--json"]

    def at_console(self, *words: str, code: int = 0) -> Any:
        """Ask where the drive is seen."""
        return self._answer(self.host.run(*self.line(*words)), code)

    def over_ssh(self, *words: str, code: int = 0) -> Any:
        """Ask in a session that may not see the drive, and whose children end with it."""
        return self._answer(self.host.ssh(subprocess.list2cmdline(self.line(*words)), check=False), code)

    def record(self) -> Any:
        return json.loads(self.own.read_bytes())

    def sequence(self) -> int:
        """The sequence in the share, 0 while there is no file."""
        try:
            return int(self.record()["agent"]["sequence"])
        except FileNotFoundError:
            return 0

    def beats(self) -> bool:
        """Tell, from the replica alone, whether the loop beat within the last intervals."""
        try:
            record = self.record()
        except FileNotFoundError:
            return False
        agent = record["agent"]
        age_ms = now_ms() - from_iso(record["lastHeartbeat"])
        return agent["state"] == "running" and age_ms < _FRESH * int(agent["heartbeatInterval"])

    def loops(self) -> list[int]:
        """The ids of the processes that run the loop, as Windows numbers them."""
        return [number for number, line in self.host.processes() if "agent.pyz" in line and " run " in line]

    def _answer(self, done: subprocess.CompletedProcess[bytes], code: int) -> Any:
        assert done.returncode == code, done
        assert done.stdout, done
        return json.loads(done.stdout)
