"""From all that was seen to one cause for each machine, and the one command that mends it. Pure.

The checks stand in the order in which one thing rests on another. The cause is the first of the gravest kind: what
keeps a machine from being seen as it is comes before what will, and that before what is merely worth a word.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from roosync_ops import typed
from roosync_ops.wire.status import ONLINE, WARNING

from . import diagnose_checks as on_it
from . import diagnose_fleet as beside_it
from .diagnose_causes import CAUSES, DRIVE_TASK, HINT, LOGIN, MILD, OF_DRIVE, SSH_COPY_ID
from .diagnose_model import UNKNOWN, Diagnoses, Diagnosis, DiagnosisInput, DiagnosisStep, MachineCase, step

T = TypeVar("T")

#: What a sentence says for a fact that is not known.
_NOT_KNOWN: Final = "?"


def diagnose(scene: DiagnosisInput, names: Iterable[str] | None = None) -> Diagnoses:
    """Judge `names` (default: the fleet, in its order), and this computer with the share. Never raises."""
    wanted = [machine.machine_id for machine in scene.fleet] if names is None else list(names)
    return Diagnoses(scene.now_ms, _here(scene), tuple(_machine(scene, name) for name in wanted))


def _machine(scene: DiagnosisInput, machine_id: str) -> Diagnosis:
    case = MachineCase(scene, machine_id)
    checks = _checks(case)
    word, facts = _cause(checks)
    if case.machine is not None and not case.is_expected:
        word, facts = _expected_off(case, checks, word, facts)
    facts = {**_where(case), **facts, "machine": machine_id}
    return Diagnosis(
        machine_id,
        None if case.machine is None else case.machine.expected,
        case.observed,
        word,
        command(word, facts, case),
        facts,
        checks,
    )


def _checks(case: MachineCase) -> tuple[DiagnosisStep, ...]:
    if case.machine is None:
        return tuple(check(case) for check in (beside_it.moves_up, beside_it.twins, beside_it.expectation))
    *way, python = on_it.way(case)
    return (
        *way,
        _told(on_it.identity, case, case.probe.report),
        python,
        _told(on_it.agent, case, case.probe.report),
        *(_told(check, case, case.agent) for check in (on_it.permanence, on_it.loop, on_it.beat)),
        *on_it.share(case),
        beside_it.moves_up(case),
        beside_it.moves_down(case),
        _told(on_it.clock, case, case.probe.report),
        beside_it.twins(case),
        beside_it.writers(case),
        _told(on_it.zombie, case, case.agent),
        beside_it.expectation(case),
    )


def _told(check: Callable[[MachineCase, T], DiagnosisStep], case: MachineCase, told: T | None) -> DiagnosisStep:
    """Check what was told; where nothing was, the check of that function's name is unknown."""
    return step(check.__name__, UNKNOWN) if told is None else check(case, told)


def _cause(checks: Iterable[DiagnosisStep]) -> tuple[str, Mapping[str, Any]]:
    """Return the cause, of the gravest kind there is the first, and the facts of the check that names it."""
    found = [(check.cause, check.facts) for check in checks if check.cause]
    return min(found, key=lambda one: CAUSES[one[0]].rank, default=("well", {}))


def _expected_off(
    case: MachineCase, checks: tuple[DiagnosisStep, ...], word: str, facts: Mapping[str, Any]
) -> tuple[str, Mapping[str, Any]]:
    """A machine that is expected off, and is, has nothing wrong with it; what would be grave is that it beats."""
    if case.observed in (ONLINE, WARNING):
        last = checks[-1]
        return (str(last.cause), last.facts) if last.cause else (word, facts)
    running = case.agent is not None and case.agent.running
    if not running and CAUSES[word].rank <= MILD:
        return "expected-off", {"why": case.machine.why if case.machine is not None else None}
    return word, facts


def _here(scene: DiagnosisInput) -> Diagnosis:
    checks = tuple(beside_it.here(scene))
    word, facts = _cause(checks)
    return Diagnosis(None, None, None, word, command(word, facts, MachineCase(scene, "")), facts, checks)


def _where(case: MachineCase) -> dict[str, Any]:
    """Return what a command needs to know about where a machine is."""
    reach, report = case.probe.reach, case.probe.report
    found = {
        "user": (case.machine.user if case.machine is not None else None) or "its user",
        "known_hosts": case.probe.known_hosts,
        "path": report.share.path if report is not None and report.share is not None else _NOT_KNOWN,
    }
    if reach is None:
        return found
    known_as = reach.host if reach.port == 22 else f"[{reach.host}]:{reach.port}"  # noqa: PLR2004 - SSH's own port
    return {**found, "host": reach.host, "port": reach.port, "known_as": known_as}


def command(word: str, facts: Mapping[str, Any], case: MachineCase) -> str:
    """Return what is typed to mend the cause `word`, empty where nothing is; what cannot be typed is diagnosed."""
    cause, login, reach = CAUSES[word], case.probe.login, case.probe.reach
    mends = _restart_drive(case) if word in OF_DRIVE else None
    if cause.command == (SSH_COPY_ID,) and reach is not None:
        mends = reach.hint  # the key is there already, and locked here
    if mends:
        return mends
    words = cause.windows if case.is_windows else cause.command
    known = {key: value for key, value in facts.items() if value not in (None, _NOT_KNOWN)}
    try:
        found = [text.format_map(known) for text in words if text != LOGIN]
    except KeyError:
        return _otherwise(case)
    if words == HINT:
        return found[0] or _otherwise(case)  # made by typed already
    if words[:1] == (LOGIN,):
        return typed.there(login, found, is_windows=case.is_windows) or _otherwise(case)
    if words == (SSH_COPY_ID,):
        return typed.line((SSH_COPY_ID, *login[1:])) if login else _otherwise(case)
    return typed.ours(*found[1:]) if found[:1] == [typed.OURS] else typed.line(found)


def _restart_drive(case: MachineCase) -> str | None:
    """Return how the sync product is restarted in the user's session: by the machine's watchdog, or by a task."""
    login = case.probe.login
    if case.probe.report is None or not login:
        return None
    drive = case.probe.report.drive
    if drive.watchdog:
        return typed.there(login, ("schtasks", "/run", "/tn", drive.watchdog), is_windows=True)
    if not drive.launcher or "'" in drive.launcher or typed.windows(drive.launcher) is None:
        return None
    script = f"cmd /c taskkill /f /im GoogleDriveFS.exe & '{drive.launcher}'"
    made = typed.line((*login, f'schtasks /create /f /it /sc once /st 00:00 /tn {DRIVE_TASK} /tr "{script}"'))
    run = typed.there(login, ("schtasks", "/run", "/tn", DRIVE_TASK), is_windows=True)
    return f"{made} && {run}"


def _otherwise(case: MachineCase) -> str:
    return typed.ours("diagnose", case.machine_id) if case.machine_id else typed.ours("matrix")
