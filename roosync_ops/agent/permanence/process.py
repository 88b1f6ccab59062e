"""A supervised detached process, for a machine without systemd: it survives the caller's session and its crashes."""

from __future__ import annotations

import os
import signal

from roosync_ops.agent.build import bundle_path
from roosync_ops.agent.builds import AGENT_NAME, named_builds
from roosync_ops.agent.config import Config
from roosync_ops.agent.errors import LocalError
from roosync_ops.agent.local_state import Using, instances
from roosync_ops.agent.lock import is_held
from roosync_ops.agent.machine import signal_process
from roosync_ops.wire import local
from roosync_ops.wire.small import wait_until

from . import Mechanism
from .launch import bare_command, begun, text_in, write_text
from .supervisor import LOCK_NAME, PID_NAME

#: Written by `install`: the words the loop is run with.
MARKER = "permanence"
LOG = "supervisor.log"
#: How long the supervisor may take to end once told to, in s: its child writes a last record first.
_END_S = 20.0


class Process(Mechanism):
    """Permanence by a process of our own, one for a local folder: whatever it was started for, it is ended here."""

    kind = "process"

    def __init__(self, config: Config) -> None:
        self._local_dir = config.local_dir
        self._folder = config.instance_dir
        self._marker = os.path.join(self._folder, MARKER)
        self.log = os.path.join(self._folder, LOG)

    def installed(self) -> bool:
        return os.path.exists(self._marker)

    def survives_reboot(self) -> bool:
        return False

    def active(self) -> bool:
        return bool(self._supervised())

    def install(self, words: list[str]) -> bool:
        """Remember what to run; there is nothing here that would start it at boot."""
        with Using(self._marker):
            return write_text(self._marker, "\0".join(words))

    def changes(self, words: list[str]) -> tuple[str, str]:
        there = text_in(self._marker).split("\0")
        return ("", "") if there == words else (" ".join(there), " ".join(words))

    def uninstall(self) -> bool:
        markers = [os.path.join(places.folder, MARKER) for places in instances(self._local_dir)]
        found = [marker for marker in markers if os.path.exists(marker)]
        for marker in found:
            os.unlink(marker)
        return bool(found)

    def start(self, words: list[str] | None) -> None:
        """Start a supervisor outside every session."""
        words = words or text_in(self._marker).split("\0")
        try:
            with open(local.create(self.log), "wb") as log:
                line = bare_command(["supervise", self._folder, *words], self._named())
                begun(line, stderr=log, cwd="/", start_new_session=True)
        except OSError as error:
            raise LocalError(f"processus non lancé: {error}", "action run") from None

    def stop(self) -> None:
        """End supervisor and loop. The pid is believed only while the supervisor's lock is held."""
        for folder in self._supervised():
            pid, _, start = text_in(os.path.join(folder, PID_NAME)).strip().partition(" ")
            if pid.isdigit():
                signal_process(int(pid), None if start == "-" else start, signal.SIGTERM)
        wait_until(lambda: not self.active(), _END_S)

    def _named(self) -> str | None:
        """Return the build that is to run where it is another than this one: on trial, say."""
        name = (named_builds(self._local_dir) or [AGENT_NAME])[0]
        mine = os.path.dirname(bundle_path() or "") == self._local_dir
        return os.path.join(self._local_dir, name) if mine and name != AGENT_NAME else None

    def _supervised(self) -> list[str]:
        folders = [places.folder for places in instances(self._local_dir)]
        return [folder for folder in folders if is_held(os.path.join(folder, LOCK_NAME))]
