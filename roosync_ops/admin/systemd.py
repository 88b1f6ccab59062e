"""A timer and its service: the system's for root, else the user's own."""

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from roosync_ops import process
from roosync_ops.agent.permanence.systemd import BOOTED, lingers, manager_is_up, quoted, runtime_dir, units, user_name
from roosync_ops.wire import local

from .recurring import Job, JobScheduler, RecurringError

_SYSTEMCTL_S: Final = 45.0
#: schedule.service: a run is bounded by itself; its limit is for one that hangs in the kernel. schedule.timer: counted
#: from the end of the last run, so that two never overlap; and from the timer's start, so after each boot too, when the
#: shared state, often a user's own mount, has had time to come up.
_TEXTS: Final = Path(__file__).parent


class SystemdTimer(JobScheduler):
    """A job as `roosync-validate-KEY.timer` and `.service`."""

    kind = "systemd"

    def __init__(self, folder: Path | None = None) -> None:
        self._user = os.geteuid() != 0
        self._folder = folder or Path(units())

    def name(self, job: Job) -> str:
        return f"roosync-validate-{job.key}.timer"

    def unavailable(self) -> str | None:
        if not Path(BOOTED).is_dir():
            return "systemd is not process 1 of this computer"
        if self._user and not manager_is_up():
            return "this user's systemd cannot be reached"
        return None

    def texts(self, job: Job) -> Mapping[str, str]:
        names = {".service": self.name(job).replace(".timer", ".service"), ".timer": self.name(job)}
        texts = {end: (_TEXTS / f"schedule{end}").read_text("utf-8") for end in names}
        facts = {"command": command_line(job.command), "every": job.every_min}
        return {names[end]: text.format_map(facts) for end, text in texts.items()}

    def put(self, job: Job) -> None:
        for name, text in self.texts(job).items():
            path = self._folder / name
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                local.write(str(path), os.fsencode(text), 0o644)  # units are world-readable
            except OSError as error:
                reason = f"{path} cannot be written: {error.strerror or error}"
                raise RecurringError(reason, "roosync-ops schedule --mechanism cron") from None
        self._systemctl("daemon-reload")
        self._systemctl("enable", self.name(job))
        self._systemctl("restart", self.name(job))

    def take(self, job: Job) -> None:
        self._systemctl("disable", "--now", self.name(job), check=False)
        for name in self.texts(job):
            self._systemctl("stop", name, check=False)
            (self._folder / name).unlink(missing_ok=True)
        self._systemctl("daemon-reload")
        self._systemctl("reset-failed", *self.texts(job), check=False)

    def state(self, job: Job) -> str:
        wanted = {name: os.fsencode(text) for name, text in self.texts(job).items()}
        found = {name: path.read_bytes() for name in wanted if (path := self._folder / name).is_file()}
        if found != wanted:
            return "changed" if found else "absent"
        enabled = self._systemctl("is-enabled", self.name(job), check=False).code == 0
        active = self._systemctl("is-active", self.name(job), check=False).code == 0
        return "installed" if enabled and active else "disabled"

    def note(self) -> str | None:
        """Say when it runs: a user's timers live as long as the user is logged in, unless they linger."""
        if not self._user or lingers():
            return None
        return f"it runs while {user_name()} is logged in; for always: sudo loginctl enable-linger {user_name()}"

    def _systemctl(self, *words: str, check: bool = True) -> process.Ended:
        line = ["systemctl", *(["--user"] if self._user else []), "--no-ask-password", *words]
        environment = {**os.environ, "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "", "LC_ALL": "C.UTF-8"}
        environment |= {"XDG_RUNTIME_DIR": runtime_dir()} if self._user else {}
        try:
            ended = process.within(_SYSTEMCTL_S, line, environment=environment)
        except process.ChildError as error:
            raise RecurringError(f"systemctl {words[0]}: {error}", "systemctl --version") from None
        if check and ended.code != 0:
            hint = shlex.join(["journalctl", *line[1 : -len(words) - 1], "-u", "roosync-validate-*"])
            raise RecurringError(f"systemctl {' '.join(words)}: {ended.said}", hint)
        return ended


def command_line(command: Sequence[str]) -> str:
    """Return what stands behind `ExecStart=`. Raises RecurringError for a program that systemd does not take.

    Only in the arguments is `$` a variable's beginning (systemd.service); quotes and backslashes
    in the program's own path are "special characters" to it, however they are written.
    """
    program, *arguments = command
    if set(program) & set("\"'\\"):
        reason = f"systemd runs no program whose path has quotes or a backslash in it: {program!a:.200}"
        raise RecurringError(reason, "roosync-ops schedule --mechanism cron")
    return " ".join([quoted(program).replace("$$", "$"), *map(quoted, arguments)])
