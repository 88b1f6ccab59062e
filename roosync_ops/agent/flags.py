"""The command line: one verb and a few flags, read by a table: argparse would cost the loop a megabyte resident."""

from __future__ import annotations

import json

from roosync_ops.wire.typed import Any, Json

from .errors import EXIT_USAGE, UNKNOWN_ACTION, AgentError, UsageError

VERBS = ("run", "register", "start", "stop", "restart", "status", "state", "look", "install", "uninstall", "version")
#: Watches a build on trial; started by `agent.pyz` and by `restart`, never typed.
GUARD = "guard"
_BEATING = ("run", "register", "start", "restart", "install", GUARD)

USAGE = """usage: python3 agent.pyz VERB [flags]

verbs:
  run        beat until told to stop       register   one heartbeat, then exit
  start      start the permanent loop      stop       stop it; the record says it left
  restart    start it anew, as this build
  status     this machine's local truth    state      the shared state, as this replica shows it
  install    survive reboots and crashes   uninstall  undo install
  look       whether the share can be used version    which agent this is

flags:
  --shared DIR  --local-dir DIR  --machine-id ID  --json
  run, register, start, restart, install: --heartbeat-interval MS  --offline-timeout MS
                                 --no-auto-sync  --share-deadline S  --metadata JSON
  stop: --no-save-state          install: --permanence auto|systemd|process|task
  register: --follow S           wait for another machine's record first"""


class Flags:
    """What was typed; None where nothing was."""

    json = False
    help = False
    shared: str | None = None
    local_dir: str | None = None
    machine_id: str | None = None
    heartbeat_interval: int | None = None
    offline_timeout: int | None = None
    auto_sync: bool | None = None
    share_deadline: float | None = None
    metadata: Json | None = None
    save_state = True
    #: How long another machine's record is waited for, in s.
    follow = 0.0
    permanence: str | None = None
    supervised: str | None = None
    #: The build that is to be put on trial.
    to: str | None = None
    #: Asked by another session: the answer goes into this file.
    answer: str | None = None

    def __init__(self, verb: str) -> None:
        self.verb = verb


#: What a flag's text is to be, by the kind it is read as.
_KINDS = {int: "un nombre entier de millisecondes", float: "un nombre de secondes", dict: "un objet JSON"}


def _value(name: str, kind: type, text: str) -> Any:
    try:
        value = json.loads(text) if kind is dict else kind(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, kind):
        raise UsageError(f"{name} attend {_KINDS[kind]}, reçu {text[:80]!r}")
    return value


_EVERYWHERE = (*VERBS, GUARD)
#: flag: (where it goes, what its text is read as or what the flag alone means, which verbs take it)
_FLAGS: dict[str, tuple[str, type | bool, tuple[str, ...]]] = {
    "--shared": ("shared", str, _EVERYWHERE),
    "--local-dir": ("local_dir", str, _EVERYWHERE),
    "--machine-id": ("machine_id", str, _EVERYWHERE),
    "--heartbeat-interval": ("heartbeat_interval", int, _BEATING),
    "--offline-timeout": ("offline_timeout", int, _BEATING),
    "--share-deadline": ("share_deadline", float, (*_BEATING, "stop", "state", "look")),
    "--metadata": ("metadata", dict, _BEATING),
    "--follow": ("follow", float, ("register",)),
    "--permanence": ("permanence", str, ("install", "start", "restart")),
    "--supervised": ("supervised", str, ("run", GUARD)),
    "--to": ("to", str, ("restart",)),
    "--answer": ("answer", str, ("register", "stop", "state", "look")),
    "--json": ("json", True, _EVERYWHERE),
    "--help": ("help", True, _EVERYWHERE),
    "-h": ("help", True, _EVERYWHERE),
    "--no-auto-sync": ("auto_sync", False, _BEATING),
    "--no-save-state": ("save_state", False, ("stop",)),
}


def parse(arguments: list[str]) -> Flags:
    """Read the command line. Raises AgentError for an unknown verb and UsageError for anything else not understood."""
    verb, rest = _verb(arguments)
    flags = Flags(verb)
    if verb not in _EVERYWHERE:
        raise AgentError(UNKNOWN_ACTION, f"Action inconnue: {verb}", EXIT_USAGE)
    while rest:
        rest = _take(flags, rest)
    return flags


def _verb(arguments: list[str]) -> tuple[str, list[str]]:
    """The verb is the first word that is neither a flag nor a flag's value."""
    skip = False
    for at, word in enumerate(arguments):
        if skip or word.startswith("-"):
            skip = not skip and isinstance(_FLAGS.get(word, (0, None))[1], type)
            continue
        return word, arguments[:at] + arguments[at + 1 :]
    raise UsageError(f"il manque une action parmi {', '.join(VERBS)}", "python3 agent.pyz --help")


def _take(flags: Flags, rest: list[str]) -> list[str]:
    name, equals, text = rest[0].partition("=")
    where, read, verbs = _FLAGS.get(name, ("", False, ()))
    if not where or (equals and isinstance(read, bool)):
        raise UsageError(f"option inconnue {rest[0]!r}", "python3 agent.pyz --help")
    if flags.verb not in verbs:
        raise UsageError(f"l'action {flags.verb} ne prend pas {name}", "python3 agent.pyz --help")
    if isinstance(read, bool):
        setattr(flags, where, read)
        return rest[1:]
    if not equals:
        if len(rest) == 1:
            raise UsageError(f"{name} attend une valeur")
        text, rest = rest[1], rest[1:]
    setattr(flags, where, _value(name, read, text))
    return rest[1:]
