"""What `/Query` prints of a task: rows of schtasks' columns, as CSV, list or table."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from .definition import Task, Trigger
from .engine import Registered
from .texts import Language

NextRun = Callable[[Registered, Trigger], float | None]
_NONE = "N/A"
_HEAD = 4
#: "never", as schtasks prints it
_NEVER = datetime(1999, 11, 30)  # noqa: DTZ001 - local, as it is printed
_TYPES = {"LogonTrigger": "At logon time", "BootTrigger": "At system start up", "TimeTrigger": "One Time Only"}


def signed(result: int) -> str:
    """Last Result as schtasks prints it: a signed decimal."""
    return str(result - 2**32 if result >= 2**31 else result)


@dataclass(frozen=True)
class Reader:
    """Who asks: on which machine, as whom, in which language, with what to ask for a trigger's next start."""

    host: str
    user: str
    words: Language
    next_run: NextRun


def rows(record: Registered, reader: Reader) -> list[list[str]]:
    """One row of all columns a trigger, as schtasks gives; one for a task without triggers."""
    return [_row(record, trigger, reader) for trigger in record.task.triggers or (None,)]


def _row(record: Registered, trigger: Trigger | None, reader: Reader) -> list[str]:
    words = reader.words
    at = reader.next_run(record, trigger) if trigger else None
    last = datetime.fromtimestamp(record.last_run) if record.last_run else _NEVER  # noqa: DTZ006 - local, as it is printed
    action = record.task.actions[0]
    return [
        *(reader.host, record.path, datetime.fromtimestamp(at).strftime(words["when"]) if at else _NONE),  # noqa: DTZ006
        _status(record, words),
        words["Interactive only" if record.task.interactive else "Background"],
        *(last.strftime(words["when"]), signed(record.last_result), record.task.author or _NONE),
        f"{action.command} {action.arguments}".strip() or "COM handler",
        *(action.directory or _NONE, record.task.description or _NONE),
        words["Enabled" if record.enabled else "Disabled"],
        *(words["Disabled"], _power(record.task, words), record.task.user or reader.user, words["Disabled"]),
        *(_limit(record.task, words), words["no-format"]),
        *_schedule(trigger, words),
    ]


def _status(record: Registered, words: Language) -> str:
    if record.instances:
        return words["Running"]
    return words["Disabled" if not record.enabled else "Queued" if record.queued else "Ready"]


def _power(task: Task, words: Language) -> str:
    settings = task.settings
    chosen = [words["stop-battery"]] * settings.stop_on_batteries + [
        words["no-start-battery"]
    ] * settings.no_start_on_batteries
    return ", ".join(chosen)


def _limit(task: Task, words: Language) -> str:
    if not task.settings.limit:
        return words["Disabled"]
    return words["hours-seconds"].format(
        int(task.settings.limit // 3600), int(task.settings.limit // 60 % 60), int(task.settings.limit % 60)
    )


def _schedule(trigger: Trigger | None, words: Language) -> list[str]:
    kind = _TYPES.get(trigger.kind, "Undefined") if trigger else "On demand only"
    kind = "One Time Only, Minute" if trigger and trigger.interval and kind == "One Time Only" else kind
    start, end = (trigger.start, trigger.end) if trigger else (None, None)
    every = (
        words["hours"].format(int(trigger.interval // 3600), int(trigger.interval // 60 % 60))
        if trigger and trigger.interval
        else _NONE
    )
    until = (
        words["hours"].format(int(trigger.duration // 3600), int(trigger.duration // 60 % 60))
        if trigger and trigger.duration
        else _NONE
    )
    return [
        *(
            words[kind],
            start.strftime(words["time"]) if start else _NONE,
            start.strftime(words["date"]) if start else _NONE,
        ),
        *(end.strftime(words["date"]) if end else _NONE, _NONE, _NONE, every, _NONE, until),
        words["Enabled" if trigger and trigger.stop_at_duration_end else "Disabled"] if every != _NONE else _NONE,
    ]


def printed(lines: Sequence[Sequence[str]], words: Language, form: str, *, verbose: bool, header: bool) -> str:
    """The rows of one folder in the form asked for; without /V only the task, its next run and its status."""
    names = words["columns"].split("|")
    if not verbose:
        names, lines = names[1 - (form == "LIST") : _HEAD], [line[1 - (form == "LIST") : _HEAD] for line in lines]
    if form == "CSV":
        return _csv([names, *lines] if header else lines)
    if form == "LIST":
        width = max(map(len, names)) + 1
        return "\n".join(
            "\n".join(f"{n + ':':{width}} {v}" for n, v in zip(names, line, strict=True)) + "\n" for line in lines
        )
    widths = [max(len(name), *(len(line[i]) for line in lines)) for i, name in enumerate(names)]
    top = [names, ["=" * width for width in widths]] if header else []
    return "".join(
        " ".join(f"{v:{w}}" for v, w in zip(line, widths, strict=True)).rstrip() + "\n" for line in [*top, *lines]
    )


def _csv(lines: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(lines)
    return out.getvalue()
