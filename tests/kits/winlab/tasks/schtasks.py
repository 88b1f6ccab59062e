"""schtasks' verbs: a command line in, exit code and text out. Files, registry and processes are the `Machine`'s."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Protocol

from . import document, listing
from .arguments import Command, UsageError, full_path, parse
from .document import Node
from .engine import Engine, Order, Registered, disabled
from .schema import SchemaError, Task, validate
from .texts import Language, language


class Machine(Protocol):
    """What the verbs need of the machine they run on."""

    engine: Engine
    host: str
    user: str
    sid: str

    def now(self) -> float:
        """Seconds since 1970."""

    def option(self, name: str) -> str | None:
        """The text of a control file, None where it is not there."""

    def read(self, cwd: str, path: str) -> bytes:
        """A file that the command line names; raises OSError."""

    def save(self, record: Registered) -> None:
        """Write a task to disk and to the registry."""

    def erase(self, path: str) -> None:
        """Take a task from disk and registry; its folder stays."""

    def has_folder(self, path: str) -> bool:
        """Whether a task folder is registered."""

    def obey(self, orders: Sequence[Order]) -> None:
        """Start and stop."""


@dataclass
class Answer:
    """Exit code, and what went to standard output and error (LF, made CRLF on the way out)."""

    code: int
    out: str = ""
    err: str = ""


class _Refused(Exception):  # noqa: N818 - a short way out, not an error of ours
    """`ERROR: ...`, exit code 1."""


def answer(machine: Machine, cwd: str, argv: Sequence[str]) -> Answer:
    """Obey one command line."""
    words = language(machine.option("language") or "en")
    try:
        command = parse(argv)
        return Answer(0, _VERBS[command.verb](_Call(machine, cwd, command, words)))
    except UsageError as error:
        verb = f"{error.verb} " if error.verb else ""
        text = words["error"].format(words[error.key].format(error.word)) + "\n" + words["usage"].format(verb)
        return Answer(1, err=text + "\n")
    except (_Refused, SchemaError) as error:
        text = error.windows_text() if isinstance(error, SchemaError) else str(error)
        return Answer(1, err=words["error"].format(text) + "\n")


@dataclass
class _Call:
    machine: Machine
    cwd: str
    command: Command
    words: Language

    def path(self) -> str:
        path = full_path(self.command.name)
        if path is None:
            raise _Refused(self.words["bad-name"])
        return path

    def task(self, missing: str = "no-file") -> Registered:
        record = self.machine.engine.tasks.get(self.path().lower())
        if record is None:
            raise _Refused(self.words[missing].format(self.command.name))
        return record

    def said(self, key: str) -> str:
        return self.words[key].format(self.command.name) + "\n"


def _create(call: _Call) -> str:
    machine, path = call.machine, call.path()
    try:
        text = machine.read(call.cwd, call.command.options["/XML"])
    except OSError:
        raise _Refused(call.words["no-file"]) from None
    task = validate(text)
    if "/F" not in call.command.options and path.lower() in machine.engine.tasks:
        # the real one asks here, and nobody answers
        raise _Refused(call.said("replace").strip())
    _as_windows_keeps_it(task, path, machine)
    keep = machine.option("keeps-instances") is not None
    machine.save(machine.engine.register(path, task, machine.now(), keep=keep))
    return call.said("created")


def _as_windows_keeps_it(task: Task, path: str, machine: Machine) -> None:
    """What the service changes in a document: RegistrationInfo/URI is the task's path, the principal's UserId a SID."""
    info = task.root.child("RegistrationInfo")
    if info is None:
        info = Node("RegistrationInfo", "/Task/RegistrationInfo", (0, 0))
        task.root.children.insert(0, info)
    info.children = [child for child in info.children if child.name != "URI"]
    info.children.append(Node("URI", "/Task/RegistrationInfo/URI", (0, 0), text=path))
    user = task.root.child("Principals", "Principal", "UserId")
    if user is not None:
        user.text = machine.sid


def _run(call: _Call) -> str:
    record = call.task()
    if not record.enabled:
        raise _Refused(call.words["disabled"])
    if not record.task.settings.allow_demand:
        raise _Refused(call.words["no-demand"])
    running = bool(record.instances) and record.task.settings.policy == "IgnoreNew"
    call.machine.obey(call.machine.engine.run(record.path, call.machine.now()))
    return (call.said("info-running") if running else "") + call.said("run")


def _end(call: _Call) -> str:
    record = call.task()
    # [MS-TSCH] 3.2.5.4.12: a hidden task is not stopped, with S_OK all the same
    if not record.task.settings.hidden:
        call.machine.obey(call.machine.engine.end(record.path))
    return call.said("ended")


def _change(call: _Call) -> str:
    record = call.task("no-task")
    disabled(record, enabled="/ENABLE" in call.command.options)
    call.machine.save(record)
    return call.said("changed")


def _delete(call: _Call) -> str:
    record = call.task("no-task")
    if "/F" not in call.command.options:
        raise _Refused(call.said("remove").strip())
    call.machine.engine.forget(record.path)
    call.machine.erase(record.path)
    return call.said("deleted")


def _query(call: _Call) -> str:
    options = call.command.options
    if "/TN" in options:
        chosen = [_named(call)]
    else:
        chosen = sorted(call.machine.engine.tasks.values(), key=lambda record: record.path.lower())
    if "/XML" in options:
        return _xml(chosen, joined="ONE" in options["/XML"].upper() or "/TN" in options)
    form, verbose, header = options.get("/FO", "TABLE").upper(), "/V" in options, "/NH" not in options
    folders = sorted({record.path.rpartition("\\")[0] for record in chosen})
    out = ""
    for folder in folders:
        lines = [row for record in chosen if record.path.rpartition("\\")[0] == folder for row in _rows(call, record)]
        out += "" if form == "CSV" else "\n" + call.words["folder"].format(folder or "\\") + "\n"
        out += listing.printed(lines, call.words, form, verbose=verbose, header=header)
    return out


def _named(call: _Call) -> Registered:
    folder = call.path().rpartition("\\")[0]
    return call.task("no-file" if not folder or call.machine.has_folder(folder) else "no-path")


def _rows(call: _Call, record: Registered) -> list[list[str]]:
    machine, engine = call.machine, call.machine.engine
    now = machine.now()
    reader = listing.Reader(machine.host, machine.user, call.words, lambda r, t: engine.next_run(r, t, now))
    return listing.rows(record, reader)


def _xml(chosen: Sequence[Registered], *, joined: bool) -> str:
    texts = [definition(record) for record in chosen]
    if joined and len(texts) == 1:
        return texts[0] + "\n"
    bodies = [f"<!-- {record.path} -->\n" + text.partition("\n")[2] for record, text in zip(chosen, texts, strict=True)]
    if not joined:
        return "\n\n".join(f"<!-- {r.path} -->\n{text}" for r, text in zip(chosen, texts, strict=True)) + "\n"
    return '<?xml version="1.0" ?>\n<Tasks>\n' + "\n".join(bodies) + "\n</Tasks>\n"


def definition(record: Registered) -> str:
    """The task's document as the service keeps it: Settings/Enabled is what /Change last said."""
    root = deepcopy(record.task.root)
    settings = root.child("Settings")
    if settings is None:
        settings = Node("Settings", "/Task/Settings", (0, 0))
        root.children.append(settings)
    enabled = settings.child("Enabled")
    if enabled is None and not record.enabled:
        enabled = Node("Enabled", "/Task/Settings/Enabled", (0, 0))
        settings.children.append(enabled)
    if enabled is not None:
        enabled.text = str(record.enabled).lower()
    return document.write(root)


_VERBS = {"/CREATE": _create, "/RUN": _run, "/END": _end, "/CHANGE": _change, "/DELETE": _delete, "/QUERY": _query}
