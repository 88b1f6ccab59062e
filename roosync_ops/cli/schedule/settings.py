"""What a scheduled run is told: one file that its owner alone can read, for notification URLs are secrets.

Only its path stands in the unit, the crontab or the task, and so in `ps`.
"""

import os
import zlib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from roosync_ops import errors
from roosync_ops.gather.limits import Probe
from roosync_ops.wire import local

_MAX_BYTES: Final = 1_048_576


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


_INSTALL: Final = "roosync-ops schedule --install"
