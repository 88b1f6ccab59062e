"""This machine's own agent: the one that is installed here, else the shipped one, put where a rollout puts it."""

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from roosync_ops import process, typed
from roosync_ops.agent import builds
from roosync_ops.agent.config import CONFIG_NAME, default_local_dir, read_config
from roosync_ops.agent.errors import LocalError, UsageError
from roosync_ops.remote_script.bundle import BundleError, build, identify
from roosync_ops.transport.link import MAX_ANSWER

#: One verb may wait for another's turn (60 s), for the share and for a first beat.
_LIMIT_S: Final = 110.0


class Refused(Exception):  # noqa: N818 - the agent's answer, which is no
    """A verb's own answer that it failed; `reply` is {success: false, code, message, ...}."""

    def __init__(self, reply: Mapping[str, Any]) -> None:
        super().__init__(str(reply.get("message")))
        self.reply = reply


class LocalAgent:
    """The agent in `folder` (None: the agent's own default), for the shared state `shared` (None: its own)."""

    def __init__(self, folder: str | None, shared: str | None, machine_id: str) -> None:
        self._folder = Path(os.path.abspath(folder or default_local_dir(os.environ)))  # noqa: PTH100 - no resolve()
        self._where = ["--local-dir", str(self._folder), "--machine-id", machine_id]
        shared = self._shared(shared)
        if shared is not None:
            self._where += ["--shared", shared]
        self._file = self._put()

    def ask(self, verb: str, *words: str) -> dict[str, Any]:
        """Run one verb. Raises Refused with its answer, LocalError where there is none."""
        python = getattr(sys, "_base_executable", None) or sys.executable  # one that outlives a virtual environment
        line = [python, "-I", "-S", "-B", str(self._file), verb, "--json", *self._where, *words]
        until = time.monotonic() + _LIMIT_S
        try:  # in a session of its own: an assistant that is closed meanwhile does not cut it off
            done = process.run(line, until=until, max_out=MAX_ANSWER, windows="CREATE_NO_WINDOW")
            if done.code is None:
                limit = f"{MAX_ANSWER >> 20} MiB" if done.too_much else f"{_LIMIT_S:g} s"
                raise LocalError(f"l'agent n'a pas répondu en {limit}", f"{self.by_hand} status")
            reply = json.loads(done.out)
        except (OSError, ValueError, RecursionError) as error:
            raise LocalError(f"l'agent n'a pas répondu: {error}", f"{self.by_hand} status") from None
        if not isinstance(reply, dict) or reply.get("success") is not True:
            raise Refused(reply if isinstance(reply, dict) else {})
        return reply

    @property
    def by_hand(self) -> str:
        """How a person asks it."""
        return typed.line(("python3", str(self._file)))

    def _shared(self, shared: str | None) -> str | None:
        """Return what to say of the share. Raises UsageError where the agent installed here beats in another."""
        written = read_config(str(self._folder / CONFIG_NAME)).get("shared")
        if written is None or shared is None:
            return shared
        if len({os.path.normcase(os.path.abspath(path)) for path in (written, shared)}) == 1:  # noqa: PTH100 - as above
            return None
        raise UsageError(
            f"l'agent de cette machine bat dans {written}, et ce serveur lit {shared}",
            typed.ours("mcp", "--shared", written),
        )

    def _put(self) -> Path:
        """Return the file of the agent to run; what lies there and is none of ours stays. Raises LocalError."""
        path = self._folder / builds.AGENT_NAME
        try:
            for name in builds.named_builds(str(self._folder)):
                identify(self._folder / name)
                return path
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            bundle = build()
            builds.put(str(self._folder), bundle.file_name, bundle.data)
        except (BundleError, OSError) as error:
            raise LocalError(f"agent inutilisable: {error}", f"mettre {path} de côté, puis réessayer") from None
        return path
