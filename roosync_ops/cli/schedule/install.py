"""Installing, removing and asking for a schedule: its settings, and what runs it.

What a run is told is one file that its owner alone can read, for notification URLs are secrets: only its path stands in
the unit, the crontab or the task, and so in `ps`.
"""

import os
import sys
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from roosync_ops import errors, extras, process
from roosync_ops.admin.recurring import Job, JobScheduler, RecurringError
from roosync_ops.cli import watch
from roosync_ops.fleet import load_inventory
from roosync_ops.gather.limits import Probe
from roosync_ops.gather.source import machine_of
from roosync_ops.gather.validation import GracePeriod
from roosync_ops.wire import local
from roosync_ops.wire.times import now_ms, time_or_none

_MAX_BYTES: Final = 1_048_576
_INSTALL: Final = "roosync-ops schedule --install"
_CHECK_S: Final = 30.0
#: A run may be so long under way, in ms, and so many may be missed (a computer that was off), before it is said.
_RUN_MS: Final = 1_800_000
_MAY_BE_MISSED: Final = 3
#: What runs it.
By = Literal["auto", "systemd", "cron", "task"]


def _probe(value: object) -> Probe:
    """Read what is in the file: a schedule that was installed before had the dashboard ask all machines, or none."""
    return Probe(value) if isinstance(value, str) else Probe.always if value is True else Probe.auto


class ScheduleSettings(BaseModel):
    """The options of a run. Paths are absolute; `exec` are command lines in words.

    `dashboard_dir` None is the usual place; `probe` says which machines are asked,
    `presence` has it write the lines that newer services read.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    format: Literal[1] = 1
    inventory: str
    shared: str | None
    via: str | None
    memory: str
    every_min: Annotated[int, Field(ge=1, le=1440)]
    mechanism: str
    patience: str
    lang: Literal["en", "fr"]
    deadline: float | None
    dashboard: bool
    dashboard_dir: str | None
    probe: Annotated[Probe, BeforeValidator(_probe)]
    presence: bool = False
    exec: list[list[str]]
    notify: list[str]
    #: Told of each run's beginning and end, so that a run that never came is noticed; a secret, as `notify`.
    ping: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] | None = None

    @classmethod
    def made(cls, **values: Any) -> Self:
        """Return settings of what was typed. Raises CommandError (usage) for what no file holds: a path in no UTF-8."""
        try:
            return cls(**values)
        except ValidationError as error:
            raise errors.usage(f"--{_where(error)}: this does not fit", "roosync-ops schedule --help") from None

    @property
    def shown(self) -> dict[str, Any]:
        """What may be printed: everything but the URLs, of which it is told how many there are."""
        kept = self.model_dump(exclude={"notify", "format", "ping"})
        return {**kept, "notify": len(self.notify), "ping": self.ping is not None}


def key_of(inventory: Path, named: str) -> str:
    """Return what tells the schedule of one fleet and replica from another's."""
    text = f"{os.path.abspath(inventory)}\0{named}"  # noqa: PTH100 - resolve() may touch the share
    return f"{zlib.crc32(text.encode('utf-8', 'surrogatepass')):08x}"


def read(path: Path) -> ScheduleSettings:
    """Raises CommandError (usage) for a file that is not there or not what `save` wrote."""
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
        if len(raw) > _MAX_BYTES:
            raise errors.usage(f"{path} is no schedule: more than {_MAX_BYTES} bytes", _INSTALL)
        return ScheduleSettings.model_validate_json(raw)
    except OSError as error:
        raise errors.usage(f"{path}: {error.strerror or error}", _INSTALL) from None
    except ValidationError as error:
        raise errors.usage(f"{path} is no schedule: {_where(error)}", _INSTALL) from None


def _where(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return ".".join(map(str, first["loc"]))


def save(path: Path, text: str) -> bool:
    """Write `text`, readable by its owner alone, whole or not at all; False where it is there already.

    Raises CommandError (usage) where it cannot be written.
    """
    try:
        private = os.name != "posix" or not path.exists() or path.stat().st_mode & 0o077 == 0
        if path.exists() and path.read_text(encoding="utf-8") == text and private:
            return False
        local.make_folder(str(path.parent))
        local.write(str(path), text.encode())
    except (OSError, UnicodeError) as error:
        raise errors.usage(f"{path} cannot be written: {error}", "roosync-ops schedule --help") from None
    return True


class ScheduleFiles:
    """A schedule's own files in the local folder, and what runs it."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        self._key = key
        self.path = folder / f"schedule-{key}.json"
        self._last = self.path.with_suffix(".last.json")

    def choose(self, by: str) -> JobScheduler:
        """Return the mechanism asked for, or the best this computer has. Raises CommandError (usage)."""
        reasons = []
        for each in (one for one in _mechanisms() if by in ("auto", one.kind)):
            if (reason := each.unavailable()) is None:
                return each
            reasons.append(reason)
        raise errors.usage("; ".join(reasons) or f"{by} is not for this system", "roosync-ops schedule --help")

    def planned(self, by: str) -> str:
        """Return the mechanism to write down: to print it, cron's line serves even where this computer has none."""
        if by in ("auto", "cron") and not any(each.unavailable() is None for each in _mechanisms()):
            return "cron" if os.name == "posix" else "task"
        return self.choose(by).kind

    def printed(self, settings: ScheduleSettings) -> dict[str, Any]:
        """Tell what would be installed."""
        found = next(each for each in _mechanisms() if each.kind == settings.mechanism)
        return {**self._about(found, settings), "state": None}

    def installed(self, settings: ScheduleSettings) -> dict[str, Any]:
        """Write the settings, then what runs them; nothing is changed where both are there."""
        found = self.choose(settings.mechanism)
        about = self._about(found, settings)
        _check_runs(self._folder)
        changed = [self._remove(but=found.kind), save(self.path, settings.model_dump_json(indent=2))]
        changed.append(found.install(self._job(settings.every_min)))
        return {**about, "changed": any(changed), "state": "installed"}

    def removed(self) -> dict[str, Any]:
        """Remove it from whatever runs it here, and its files."""
        changed = [self._remove()]
        for path in (self.path, self._last, self.path.with_suffix(".lock")):
            changed.append(path.exists())
            path.unlink(missing_ok=True)
        return {"ok": True, "changed": any(changed), "state": "absent"}

    def status(self, by: str) -> dict[str, Any]:
        """Return what is installed, and what came of its last run."""
        if not self.path.exists():
            return {"ok": False, "state": "absent", "last": None}
        settings = read(self.path)
        found = self.choose(settings.mechanism if by == "auto" else by)
        state = found.state(self._job(settings.every_min))
        last = _last(self._last)
        at_ms = None if last is None else time_or_none(last["at"])
        # Runs were missed: it is a checker that nothing runs any more.
        late = at_ms is None or now_ms() - at_ms > _MAY_BE_MISSED * settings.every_min * 60_000 + _RUN_MS
        ok = state == "installed" and not late and last is not None and last["exitCode"] in (0, 1)
        return {**self._about(found, settings), "ok": ok, "state": state, "last": last, "late": late}

    def _remove(self, but: str | None = None) -> bool:
        """Remove it from every mechanism but one: two would make two runs. Return True if it was there."""
        changed, job = False, self._job(1)
        for each in _mechanisms():
            if each.kind != but and each.unavailable() is None:
                with suppress(RecurringError):  # of a user who may have no crontab there is nothing to remove
                    changed |= each.remove(job)
        return changed

    def _job(self, every_min: int) -> Job:
        return Job(self._key, process.ours("schedule", "run", str(self.path)), every_min, self._folder)

    def _about(self, found: JobScheduler, settings: ScheduleSettings) -> dict[str, Any]:
        job = self._job(settings.every_min)
        return {
            "ok": True,
            "mechanism": found.kind,
            "name": found.name(job),
            "command": list(job.command),
            "settingsFile": str(self.path),
            "texts": dict(found.texts(job)),
            "note": found.note(),
            "settings": settings.shown,
        }


def _mechanisms() -> list[JobScheduler]:
    if sys.platform == "win32":
        from roosync_ops.admin.tasks import Tasks  # noqa: PLC0415 - each platform loads its own

        return [Tasks()]
    from roosync_ops.admin.cron import Cron  # noqa: PLC0415 - as above
    from roosync_ops.admin.systemd import SystemdTimer  # noqa: PLC0415 - as above

    return [SystemdTimer(), Cron()]


def check(settings: ScheduleSettings) -> None:
    """Raise CommandError for what a run would not get along with, now that a person is there to read it."""
    fleet = load_inventory(Path(settings.inventory))
    if settings.via:
        machine_of(fleet, settings.via)
    GracePeriod(settings.patience, None, fleet)
    if settings.notify:
        watch.check_urls(settings.notify)


def _check_runs(folder: Path) -> None:
    """Raise CommandError where this Python finds no roosync_ops from elsewhere: a checkout that is not installed."""
    try:
        local.make_folder(str(folder))
        line = [sys.executable, "-P", "-c", "import os, sys; os.chdir(sys.argv[1]); import roosync_ops", str(folder)]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        ended = process.within(_CHECK_S, line, environment=environment)
    except (OSError, process.ChildError) as error:
        raise errors.usage(f"{sys.executable} in {folder}: {error}", "roosync-ops schedule --help") from None
    if ended.code != 0:
        raise errors.usage(f"{sys.executable} does not find roosync_ops from elsewhere", extras.install())


def _last(path: Path) -> dict[str, Any] | None:
    """Return what the last run noted; None where there is none, or nothing that can be read."""
    document = local.read_object(str(path))
    good = isinstance(document.get("at"), str) and isinstance(document.get("said"), list)
    return document if good and type(document.get("exitCode")) is int else None
