"""schtasks' verbs: a command line in, exit code and text out. Files, registry and processes are the `Machine`'s."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Protocol

from . import document, listing
from .access import Caller
from .arguments import Command, UsageError, full_path, parse
from .definition import build
from .document import Node
from .engine import Engine, Order, Registered, disabled
from .export import minimal
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


def answer(machine: Machine, cwd: str, argv: Sequence[str], *, elevated: bool = True) -> Answer:
    """Obey one command line of a process that is `elevated` or has its user's ordinary token."""
    words = language(machine.option("language") or "en")
    try:
        command = parse(argv)
        return Answer(0, _VERBS[command.verb](_Call(machine, cwd, command, words, Caller(machine.sid, elevated))))
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
    caller: Caller

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

    def allowed(self, record: Registered, right: str) -> Registered:
        if not self.caller.may(right, record.descriptor):
            raise _Refused(self.words["denied"])
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
    old = machine.engine.tasks.get(path.lower())
    if old is not None:
        call.allowed(old, "w")
    _resolve_users(task.root, call)
    if not call.caller.may_register(build(task.root)):
        raise _Refused(call.words["denied"])
    _with_uri(task, path)
    keep = machine.option("keeps-instances") is not None
    record = machine.engine.register(path, build(task.root), machine.now(), keep=keep)
    # one that is replaced keeps the descriptor it has, unless it is given another
    given = task.root.value("RegistrationInfo", "SecurityDescriptor")
    record.descriptor = given or (old.descriptor if old else call.caller.default_descriptor())
    machine.save(record)
    return call.said("created")


def _resolve_users(node: Node, call: _Call) -> None:
    """Every UserId becomes a SID; a name that the account database has not got is an error of the document's."""
    for child in node.children:
        _resolve_users(child, call)
    if node.name != "UserId" or node.text.strip().startswith("S-1-"):
        return
    names = {call.machine.user.lower(), f"{call.machine.host}\\{call.machine.user}".lower()}
    if node.text.strip().lower() not in names or call.machine.option("names-unknown") is not None:
        raise SchemaError(document.UNMAPPED, node.path, "nobody's", place=node.place, value=node.text.strip())
    node.text = call.machine.sid


def _with_uri(task: Task, path: str) -> None:
    """The service writes the task's path into its document."""
    info = task.root.child("RegistrationInfo")
    if info is None:
        info = Node("RegistrationInfo", "/Task/RegistrationInfo", (0, 0))
        task.root.children.insert(0, info)
    info.children = [child for child in info.children if child.name != "URI"]
    info.children.append(Node("URI", "/Task/RegistrationInfo/URI", (0, 0), text=path))


def _run(call: _Call) -> str:
    record = call.allowed(call.task(), "x")
    if not record.enabled:
        raise _Refused(call.words["disabled"])
    if not record.task.settings.allow_demand:
        raise _Refused(call.words["no-demand"])
    running = bool(record.instances) and record.task.settings.policy == "IgnoreNew"
    call.machine.obey(call.machine.engine.run(record.path, call.machine.now()))
    return (call.said("info-running") if running else "") + call.said("run")


def _end(call: _Call) -> str:
    record = call.allowed(call.task(), "x")
    # [MS-TSCH] 3.2.5.4.12: a hidden task is not stopped, with S_OK all the same
    if not record.task.settings.hidden:
        call.machine.obey(call.machine.engine.end(record.path))
    return call.said("ended")


def _change(call: _Call) -> str:
    record = call.allowed(call.task("no-task"), "w")
    disabled(record, enabled="/ENABLE" in call.command.options)
    call.machine.save(record)
    return call.said("changed")


def _delete(call: _Call) -> str:
    record = call.allowed(call.task("no-task"), "w")
    if "/F" not in call.command.options:
        raise _Refused(call.said("remove").strip())
    call.machine.engine.forget(record.path)
    call.machine.erase(record.path)
    return call.said("deleted")


def _query(call: _Call) -> str:
    options = call.command.options
    if "/TN" in options:
        chosen = [call.allowed(_named(call), "r")]
    else:
        seen = [each for each in call.machine.engine.tasks.values() if call.caller.may("r", each.descriptor)]
        chosen = sorted(seen, key=lambda record: record.path.lower())
    if "/XML" in options:
        return _xml(call, chosen, joined="ONE" in options["/XML"].upper() or "/TN" in options)
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


def _xml(call: _Call, chosen: Sequence[Registered], *, joined: bool) -> str:
    texts = [_exported(record, call.machine) for record in chosen]
    if joined and len(texts) == 1:
        return texts[0] + "\n"
    bodies = [f"<!-- {record.path} -->\n" + text.partition("\n")[2] for record, text in zip(chosen, texts, strict=True)]
    if not joined:
        return "\n\n".join(f"<!-- {r.path} -->\n{text}" for r, text in zip(chosen, texts, strict=True)) + "\n"
    return '<?xml version="1.0" ?>\n<Tasks>\n' + "\n".join(bodies) + "\n</Tasks>\n"


def _exported(record: Registered, machine: Machine) -> str:
    """The document as it is printed: minimal, with a trigger's user by name and the descriptor with its owner."""
    root = minimal(_definition(record))
    for trigger in (root.child("Triggers") or root).children:
        user = trigger.child("UserId")
        if user is not None:
            user.text = f"{machine.host}\\{machine.user}"
    descriptor = root.child("RegistrationInfo", "SecurityDescriptor")
    if descriptor is not None:
        descriptor.text = f"O:BAG:SY{descriptor.text}"
    return document.write(root)


def definition(record: Registered) -> str:
    """The task's document as the service keeps it: Settings/Enabled is what /Change last said."""
    return document.write(_definition(record))


def _definition(record: Registered) -> Node:
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
    return root


_VERBS = {"/CREATE": _create, "/RUN": _run, "/END": _end, "/CHANGE": _change, "/DELETE": _delete, "/QUERY": _query}
