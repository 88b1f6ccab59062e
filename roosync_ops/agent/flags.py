"""The command line: one verb and a few flags, read by a table: argparse would cost the loop a megabyte resident."""

from __future__ import annotations

import json

from roosync_ops.wire.typed import Any, Callable, Json

from .errors import EXIT_USAGE, UNKNOWN_ACTION, AgentError, UsageError

VERBS = ("run", "register", "start", "stop", "restart", "status", "state", "look", "install", "uninstall", "version")
#: The supervisor of a detached process; started by `start`, never typed.
SUPERVISE = "supervise"
#: Watches a build on trial; started by `agent.pyz` and by `restart`, never typed.
GUARD = "guard"
_BEATING = ("run", "register", "start", "restart", "install", SUPERVISE, GUARD)

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


def _number(kind: type[int | float], what: str) -> Callable[[str, str], Any]:
    def read(name: str, text: str) -> Any:
        try:
            return kind(text)
        except ValueError:
            raise UsageError(f"{name} attend un nombre {what}, reçu {text!r}") from None

    return read


_WHOLE = _number(int, "entier de millisecondes")
_SECONDS = _number(float, "de secondes")


def _object(name: str, text: str) -> Json:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError(f"{name} attend un objet JSON, reçu {text[:80]!r}") from None
    if not isinstance(value, dict):
        raise UsageError(f"{name} attend un objet JSON, reçu {text[:80]!r}")
    return value


def _text(_name: str, text: str) -> str:
    return text


_EVERYWHERE = (*VERBS, SUPERVISE, GUARD)
#: flag: (where it goes, how its text is read or what the flag alone means, which verbs take it)
_FLAGS: dict[str, tuple[str, Callable[[str, str], Any] | bool, tuple[str, ...]]] = {
    "--shared": ("shared", _text, _EVERYWHERE),
    "--local-dir": ("local_dir", _text, _EVERYWHERE),
    "--machine-id": ("machine_id", _text, _EVERYWHERE),
    "--heartbeat-interval": ("heartbeat_interval", _WHOLE, _BEATING),
    "--offline-timeout": ("offline_timeout", _WHOLE, _BEATING),
    "--share-deadline": ("share_deadline", _SECONDS, (*_BEATING, "stop", "state", "look")),
    "--metadata": ("metadata", _object, _BEATING),
    "--follow": ("follow", _SECONDS, ("register",)),
    "--permanence": ("permanence", _text, ("install", "start", "restart")),
    "--supervised": ("supervised", _text, ("run", GUARD)),
    "--to": ("to", _text, ("restart",)),
    "--answer": ("answer", _text, ("register", "stop", "state", "look")),
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
            skip = not skip and callable(_FLAGS.get(word, (0, None))[1])
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
    setattr(flags, where, read(name, text))
    return rest[1:]
