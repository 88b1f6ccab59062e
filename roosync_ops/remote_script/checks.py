"""What keeps a machine from being enrolled, and what of its own replica is not as the procedure has it.

Pure functions from what a machine answered to one failure, or none.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

from roosync_ops import typed
from roosync_ops.fleet import Machine
from roosync_ops.transport.link import CONNECT, PREFLIGHT, Failure
from roosync_ops.wire import local
from roosync_ops.wire.deadline import FIRST_READING_S
from roosync_ops.wire.identity import InvalidMachineIdError, machine_id_of
from roosync_ops.wire.merge import CONFLICT, FILE, VIEW, Evidence, merge
from roosync_ops.wire.record import parse
from roosync_ops.wire.status import FUTURE_TOLERANCE_MS, ONLINE, status
from roosync_ops.wire.text import NotUnderstoodError
from roosync_ops.wire.times import time_or_none

from .facts_model import ProbeReport, Reply, ShareFacts
from .on_common import share_problem
from .question import SilenceError

#: A clock further off than this makes heartbeats lie about their age.
MAX_CLOCK_SKEW_MS: Final = FUTURE_TOLERANCE_MS
#: Beyond the share's own deadline: to log in, to start Python, and to ask the agent (on_machine.STATUS_LIMIT_S).
_MARGIN_S: Final = 30
#: On Windows further to that: to try each place for a Python, and to have the agent look in the logon session.
_WINDOWS_S: Final = 45
#: What an SSH server of Microsoft's calls itself.
_WINDOWS_BANNER: Final = "for_Windows"


VERIFY: Final = "verify"
#: Beyond the share's own deadline: to parse and print the state of a large fleet.
_STATE_S: Final = 15
#: What shows most about a share that cannot be used, on POSIX and on Windows, by the code of why.
_SHOWS: Final = {
    "SHARE_MISSING": (("ls", "-ld", "--"), ("dir",)),
    "SHARE_NOT_A_FOLDER": (("ls", "-ld", "--"), ("dir",)),
    "SHARE_READ_ONLY": (("findmnt", "-T"), ("attrib",)),
    "SHARE_REFUSED": (("ls", "-ld", "--"), ("icacls",)),
    "SHARE_FULL": (("df", "-h", "--"), ("dir",)),
}
#: What makes a folder the agent's own again: a foreign one is set aside, one that others may write into is closed.
_MENDS: Final[dict[str, Callable[[str], tuple[str, ...]]]] = {
    local.FOREIGN: lambda path: ("mv", "--", path, f"{path}.not-ours"),
    local.OPEN: lambda path: ("chmod", "go-w", "--", path),
}


def look_s(machine: Machine) -> float:
    """Return how long a look at the machine's share may take, in s."""
    return max(machine.share_deadline, FIRST_READING_S if machine.system == "windows" else 0)


def limit_s(machine: Machine) -> int:
    """Return how long a look at everything may take, in s."""
    return _MARGIN_S + (_WINDOWS_S if machine.system == "windows" else 0) + round(look_s(machine))


def login(machine: Machine) -> tuple[str, ...]:
    """Return the words that a person logs in with over the same connection as ours; none where it is not SSH."""
    if machine.transport == "winrm":
        return ()
    named = {"-F": machine.ssh_file("ssh_config_file"), "-i": machine.ssh_file("ssh_key")}
    options = [word for flag, path in named.items() if path is not None for word in (flag, path)]
    if (hosts := machine.ssh_file("ssh_known_hosts_file")) is not None:
        quote = '"' * (" " in hosts)
        options += ["-o", f"UserKnownHostsFile={quote}{hosts}{quote}"]
    port = ["-p", str(machine.port)] if machine.port else []
    return ("ssh", *options, *port, f"{machine.user}@{machine.address}" if machine.user else machine.address)


def there(machine: Machine, words: Sequence[str], on_windows: Sequence[str] | None = None) -> str:
    """Return what a person types to run `words` (`on_windows` on Windows) there; what cannot be typed is diagnosed."""
    is_windows = machine.system == "windows"
    found = on_windows if is_windows and on_windows is not None else words
    return typed.there(login(machine), found, is_windows=is_windows) or diagnosing(machine.machine_id)


def diagnosing(machine_id: str) -> str:
    """Return the command that finds out what is the matter with a machine."""
    return typed.ours("diagnose", machine_id)


def in_detail(machine_id: str) -> str:
    """Return the command that shows all that pyinfra does on a machine, and changes nothing."""
    return typed.ours("rollout", machine_id, "--dry", "--verbose")


def failed(machine: Machine, step: str, code: str, reason: str, path: str | None = None) -> Failure:
    """Word what a machine says went wrong, with `path`: its words are the reason, the command is ours, by the code."""
    if path is not None and code in _MENDS:
        return Failure(step, code, reason, there(machine, _MENDS[code](path)))
    if path is not None and code in _SHOWS:
        posix, windows = _SHOWS[code]
        return Failure(step, code, reason, there(machine, (*posix, path), (*windows, path)))
    again = typed.ours("rollout", machine.machine_id)
    return Failure(step, code, reason, again if code == "REPLACED" else diagnosing(machine.machine_id))


def system(machine: Machine, banner: str) -> Failure | None:
    """A machine that is taken for POSIX and whose SSH server says that it is Windows'; its banner tells, or nothing."""
    if machine.system == "windows" or _WINDOWS_BANNER not in banner:
        return None
    said = f'it runs Windows ({banner}), and the inventory does not say system="windows"'
    return _not_in_inventory("WRONG_SYSTEM", said)


def _not_in_inventory(code: str, reason: str) -> Failure:
    return Failure(PREFLIGHT, code, reason, typed.ours("machines", "list"))


def unreachable(machine: Machine, code: str, reason: object, hint: str = "") -> Failure:
    """Word a machine that could not be logged in to."""
    return Failure(CONNECT, code, f"unreachable: {reason}", hint or there(machine, ("hostname",)))


def silence(machine: Machine, error: SilenceError) -> Failure:
    """Word a machine that was reached and gave no answer."""
    if error.code == "WRONG_SYSTEM":
        said = 'the inventory says system="windows", and it does not answer as Windows does'
        return _not_in_inventory(error.code, f"{said} ({error.reason})")
    if error.code == "NO_PYTHON":
        return _no_python(machine, error)
    hint = there(machine, ("python3", "-V"), ("py", "-0p"))
    return Failure(PREFLIGHT, error.code, f"it gave no answer: {error.reason}", hint)


def _no_python(machine: Machine, error: SilenceError) -> Failure:
    windows = machine.system == "windows"
    usual = "in the usual folders, the registry, by py or in PATH" if windows else "in PATH or the usual places"
    where = f"at {machine.python}" if machine.python else usual
    way = f"install one there, or name it: machine({machine.machine_id!r}, python=...)"
    if windows:
        where += f" ({error.reason})"
        way += ", or let the rollout install one for the user: bootstrap_python=True"
    hint = there(machine, ("sudo", "apt-get", "install", "-y", "python3"), ("where", "python"))
    if machine.python:  # it may be there under another name
        hint = there(machine, ("command", "-v", "python3"), ("where", "python"))
    elif machine.bootstrap_python:
        hint = typed.ours("rollout", machine.machine_id)
    return Failure(PREFLIGHT, error.code, f"no CPython 3.9 or later {where}; {way}", hint)


def identity(machine: Machine, report: ProbeReport) -> Failure | None:
    """The inventory's name must be the machine's own: else one machine would beat under another's name."""
    own = report.hostname
    try:
        machine_id = machine_id_of(own)
    except InvalidMachineIdError:
        said = f"it calls itself {own!r}, which is no machineId (1 to 63 of a-z, 0-9 and -)"
    else:
        if machine_id == machine.machine_id:
            return None
        said = f"it calls itself {machine_id}, not {machine.machine_id}: correct its name or its host in the inventory"
    return Failure(PREFLIGHT, "IDENTITY", said, there(machine, ("hostname",)))


def share(machine: Machine, found: ShareFacts | None) -> Failure | None:
    """The share must be there and writable for the user the agent will run as."""
    if found is None:
        said = "nothing names its shared folder: neither shared=... in the inventory nor ROOSYNC_SHARED_PATH on it"
        return _not_in_inventory("NO_SHARED_PATH", said)
    if machine.system == "windows" and found.session is None and not (found.exists or found.hung):
        # An SSH session that does not see a drive proves nothing: the user's own may. The agent's word does.
        said = f"share {found.path}: {found.problem}"
        return None if found.code is None else failed(machine, PREFLIGHT, found.code, said)
    problem = share_problem(found.model_dump(by_alias=True), machine.share_deadline)
    if problem is None:
        return None
    return failed(machine, PREFLIGHT, problem[0], f"share {found.path}: {problem[1]}", found.path)


def clock(machine: Machine, report: ProbeReport) -> Failure | None:
    """What the network may have added to the difference is given to the machine's credit."""
    off_ms = max(0, abs(report.clock_offset_ms) - report.clock_error_ms)
    if off_ms <= MAX_CLOCK_SKEW_MS:
        return None
    way = "ahead of" if report.clock_offset_ms > 0 else "behind"
    return Failure(
        PREFLIGHT,
        "CLOCK",
        f"its clock is {off_ms / 1000:.1f} s {way} this computer's; at most {MAX_CLOCK_SKEW_MS // 1000} s is allowed",
        there(machine, ("timedatectl", "status"), ("w32tm", "/query", "/status")),
    )


def local_dir(machine: Machine, report: ProbeReport) -> Failure | None:
    """What is run as this user must lie where no other user can have put it."""
    found = report.local_dir_problem
    return None if found is None else failed(machine, PREFLIGHT, found.code, found.message, found.path)


def known(machine: Machine, report: ProbeReport) -> Failure | None:
    """Return the first reason why nothing may be done on `machine` at all, or None."""
    return identity(machine, report) or local_dir(machine, report)


def everything(machine: Machine, report: ProbeReport) -> Failure | None:
    """Return the first reason why no agent may be put on `machine`, or None."""
    return known(machine, report) or share(machine, report.share) or clock(machine, report)


def probe_request(local_dir: str | None, shared: str | None, limit_s: float, *, state: bool = False) -> dict[str, Any]:
    """Return what a machine is asked for all there is to know of it; its share has `limit_s` to answer."""
    return {"do": "probe", "localDir": local_dir, "shared": shared, "shareDeadline": limit_s, "state": state}


def state_request(local_dir: str | None, share_deadline: float, limit_s: float | None = None) -> dict[str, Any]:
    """Return what a machine is asked for the agent's `state` document; after `limit_s` it says how far it came."""
    step = {"step": "state", "do": "verb", "argv": ["state"], "limit": limit_s or _STATE_S + share_deadline}
    return {"do": "apply", "localDir": local_dir, "steps": [step], "look": False}


def state_document(machine: Machine, answer: Reply | SilenceError) -> dict[str, Any] | Failure:
    """Return the agent's `state` document, or why there is none."""
    if isinstance(answer, SilenceError):
        return Failure(VERIFY, answer.code, answer.reason, there(machine, ("hostname",)))
    if answer.failed is not None:
        return failed(machine, VERIFY, answer.failed.code, answer.failed.message)
    if not answer.done or answer.done[0].reply is None:
        return failed(machine, VERIFY, "NOT_UNDERSTOOD", "its answer holds no state")
    return dict(answer.done[0].reply)


def verification(machine: Machine, state: dict[str, Any]) -> Failure | None:
    """Return the first of the procedure's checks that does not hold on this machine's replica, or None."""
    for code, reason in _problems(machine, state):
        return failed(machine, VERIFY, code, reason)
    return None


def _problems(machine: Machine, state: dict[str, Any]) -> Iterator[tuple[str, str]]:
    word = _own_status(machine, state)
    if word != ONLINE:
        yield "NOT_ONLINE", f"its own replica shows it {word}"
    view = state.get("view")
    if not isinstance(view, dict):
        yield "NO_VIEW", f"its replica has no heartbeat.json ({state.get('viewState')})"
        return
    if machine.machine_id not in _part(view, "heartbeats", dict):
        yield "NOT_IN_HEARTBEATS", "it is not in heartbeats of heartbeat.json"
    online = _part(view, "onlineMachines", list)
    if machine.machine_id not in online:
        yield "NOT_IN_LIST", "it is not in onlineMachines of heartbeat.json"
    count = _part(view, "statistics", dict).get("onlineCount")
    if count != len(online):
        yield "COUNT", f"statistics.onlineCount is {count!r:.20} for {len(online)} onlineMachines"


def _own_status(machine: Machine, state: dict[str, Any]) -> str:
    """Return the machine's status by its own clock, which wrote both the heartbeat and `readAt`."""
    now_ms = time_or_none(state.get("readAt"))
    if now_ms is None:
        return "at no valid time"
    best = merge(_evidence(machine, state), now_ms).get(machine.machine_id)
    return status(best.record if best is not None else None, now_ms, machine.thresholds)


def _evidence(machine: Machine, state: dict[str, Any]) -> Iterator[Evidence]:
    for piece in _part(state, "evidence", list):
        match piece:
            case {"machineId": machine.machine_id, "record": dict(own), "kind": kind} if kind in (FILE, CONFLICT, VIEW):
                with suppress(NotUnderstoodError):  # it is another machine's, and no evidence about this one
                    yield Evidence(parse(own, machine.machine_id)[0], kind, str(piece.get("file")))


def _part(value: dict[str, Any], key: str, kind: type) -> Any:
    part = value.get(key)
    return part if isinstance(part, kind) else kind()
