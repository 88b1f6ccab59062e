"""A line in this user's crontab, below a comment that tells whose it is."""

import os
import shlex
import shutil
from collections.abc import Mapping
from typing import Final

from roosync_ops import process

from .recurring import Job, JobScheduler, RecurringError

_CRONTAB_S: Final = 30.0
_MARK: Final = "# roosync-ops schedule {key}: validate the fleet, refresh the dashboard, notify on flips"
_HOUR, _DAY = 60, 1440


class Cron(JobScheduler):
    """A job as two lines of the crontab."""

    kind = "cron"

    def name(self, job: Job) -> str:
        return f"crontab line {job.key}"

    def unavailable(self) -> str | None:
        return None if shutil.which("crontab") else "there is no crontab on this computer"

    def texts(self, job: Job) -> Mapping[str, str]:
        return {"crontab": f"{_MARK.format(key=job.key)}\n{line(job)}\n"}

    def put(self, job: Job) -> None:
        _crontab("-", given=_without(_listed(), job) + self.texts(job)["crontab"])

    def take(self, job: Job) -> None:
        _crontab("-", given=_without(_listed(), job))

    def state(self, job: Job) -> str:
        before = _listed()
        if len(_without(before, job)) >= len(before):  # nothing goes; the last line's end may come
            return "absent"
        return "installed" if self.texts(job)["crontab"] in before else "changed"


def line(job: Job) -> str:
    r"""Return the line of a crontab. Raises RecurringError where cron knows no way to write it.

    crontab(5): `%` is a line break unless a backslash precedes it; what a backslash means before anything else differs
    from cron to cron, and a line break ends the command.
    """
    text = shlex.join(job.command)
    if not all(char.isprintable() or 0xDC80 <= ord(char) <= 0xDCFF for char in text) or "\\" in text:  # noqa: PLR2004 - bytes that are no UTF-8
        raise RecurringError(f"a crontab cannot hold this command: {text!a:.200}", "move what has such a path")
    return f"{_times(job.every_min)} {text.replace('%', chr(92) + '%')}"


def _times(every_min: int) -> str:
    """Return the five fields. Raises RecurringError for what does not divide an hour or a day."""
    if every_min < _HOUR and _HOUR % every_min == 0:
        return f"*/{every_min} * * * *"
    if every_min == _HOUR:
        return "0 * * * *"
    if every_min % _HOUR == 0 and _DAY % every_min == 0:
        return f"0 */{every_min // _HOUR} * * *" if every_min < _DAY else "0 0 * * *"
    raise RecurringError(f"cron has no line for every {every_min} min", "--every 5, or what divides an hour or a day")


def _without(text: str, job: Job) -> str:
    """Return a crontab without the job's comments and the lines that run it; all else stays as it is."""
    mark = f"# roosync-ops schedule {job.key}:"
    found = "".join(
        each for each in text.splitlines(keepends=True) if not each.startswith(mark) and not _runs(each, job)
    )
    return found if not found or found.endswith("\n") else f"{found}\n"


def _runs(each: str, job: Job) -> bool:
    """Return True if a line runs this job's settings, whichever Python it names and wherever they lie."""
    try:
        words = shlex.split(each.replace("\\%", "%"), comments=True)
    except ValueError:
        return False
    *_, verb, run, settings = job.command
    name = os.path.basename(settings)  # noqa: PTH119 - a word of a command line
    pairs = zip(words, words[1:], words[2:], strict=False)
    return any((one, two) == (verb, run) and os.path.basename(path) == name for one, two, path in pairs)  # noqa: PTH119 - as above


def _listed() -> str:
    """Return the crontab. A user who has none is told so with exit code 1, as is one who may have none.

    The words are those of vixie-cron and cronie, and of BusyBox.
    """
    try:
        return _crontab("-l")
    except RecurringError as error:
        if any(words in error.reason.lower() for words in ("no crontab for", "no such file")):
            return ""
        raise


def _crontab(word: str, given: str = "") -> str:
    """Return what crontab answers. Raises RecurringError."""
    program = shutil.which("crontab")
    if program is None:
        raise RecurringError("there is no crontab on this computer", "roosync-ops schedule --mechanism systemd")
    try:
        line, environment = [program, word], {**os.environ, "LC_ALL": "C"}
        ended = process.within(_CRONTAB_S, line, os.fsencode(given), environment=environment)
    except process.ChildError as error:
        raise RecurringError(f"crontab {word}: {error}", "crontab -l") from None
    if ended.code != 0:
        raise RecurringError(f"crontab {word}: {ended.said or f'exit code {ended.code}'}", "crontab -l")
    return os.fsdecode(ended.out)
