"""From all that was seen to one cause for each machine, and the one command that mends it. Pure.

The checks stand in the order in which one thing rests on another. The cause is the first of the gravest kind: what
keeps a machine from being seen as it is comes before what will, and that before what is merely worth a word.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from roosync_ops.wire.status import ONLINE, WARNING

from . import diagnose_checks as on_it
from . import diagnose_fleet as beside_it
from .diagnose_case import Case
from .diagnose_causes import CAUSES, MILD
from .diagnose_model import Check, Diagnoses, Diagnosis

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .diagnose_model import Scene, Sight

#: What a machine or the share may have said; it is typed into a shell, so nothing in it may mean anything to one.
_FROM_OUTSIDE: Final = ("path", "files", "answers_as", "drive_watchdog", "drive_launcher")
_TYPED: Final = re.compile(r"[^\w .,:~+@()/\\-]")


def diagnose(scene: Scene, names: Iterable[str] | None = None) -> Diagnoses:
    """Judge `names` (default: the fleet, in its order), and this computer with the share. Never raises."""
    wanted = [machine.machine_id for machine in scene.fleet] if names is None else list(names)
    return Diagnoses(scene.now_ms, _here(scene), tuple(_machine(scene, name) for name in wanted))


def _machine(scene: Scene, machine_id: str) -> Diagnosis:
    case = Case(scene, machine_id)
    checks = _checks(case)
    found = _cause(checks)
    word, facts = ("well", {}) if found is None else (str(found.cause), found.facts)
    if case.machine is not None and not case.is_expected:
        word, facts = _expected_off(case, checks, word, facts)
    said = {key: value for key, value in facts.items() if value or key != "hint"}
    facts = {**_where(case.sight), **said, "machine": machine_id}
    return Diagnosis(
        machine_id,
        None if case.machine is None else case.machine.expected,
        case.observed,
        word,
        command(word, facts, case.sight.system),
        facts,
        checks,
    )


def _checks(case: Case) -> tuple[Check, ...]:
    asked = [on_it.identity, on_it.agent, on_it.permanence, on_it.loop, on_it.beat]
    replicas = [beside_it.moves_up, beside_it.moves_down, on_it.clock, beside_it.twins, beside_it.writers]
    *way, python = on_it.way(case)
    if case.machine is None:
        return tuple(check(case) for check in (beside_it.moves_up, beside_it.twins, beside_it.expectation))
    return (
        *way,
        on_it.identity(case),
        python,
        *(check(case) for check in asked[1:]),
        *on_it.share(case),
        *(check(case) for check in replicas),
        on_it.zombie(case),
        beside_it.expectation(case),
    )


def _cause(checks: Iterable[Check]) -> Check | None:
    """Return the check that names the cause: of the gravest kind there is, the first."""
    return min(
        (check for check in checks if check.cause), key=lambda check: CAUSES[str(check.cause)].rank, default=None
    )


def _expected_off(
    case: Case, checks: tuple[Check, ...], word: str, facts: Mapping[str, Any]
) -> tuple[str, Mapping[str, Any]]:
    """A machine that is expected off, and is, has nothing wrong with it; what would be grave is that it beats."""
    if case.observed in (ONLINE, WARNING):
        last = checks[-1]
        return (str(last.cause), last.facts) if last.cause else (word, facts)
    running = case.agent is not None and case.agent.running
    if not running and CAUSES[word].rank <= MILD:
        return "expected-off", {"why": case.machine.why if case.machine is not None else None}
    return word, facts


def _here(scene: Scene) -> Diagnosis:
    checks = tuple(beside_it.here(scene))
    found = _cause(checks)
    word, facts = ("well", {}) if found is None else (str(found.cause), dict(found.facts))
    return Diagnosis(None, None, None, word, command(word, facts), facts, checks)


def _where(sight: Sight) -> dict[str, Any]:
    """Return what a command needs to know about where a machine is."""
    known_as = sight.host if sight.port == 22 else f"[{sight.host}]:{sight.port}"  # noqa: PLR2004 - SSH's own port
    drive = {"drive_watchdog": sight.drive_watchdog, "drive_launcher": sight.drive_launcher}
    return {
        **{key: value for key, value in drive.items() if value},
        "host": sight.host,
        "port": sight.port,
        "user": sight.user or "its user",
        "login": sight.login,
        "target": f"{sight.user}@{sight.host}" if sight.user else sight.host,
        "port_flag": "" if sight.port == 22 else f"-p {sight.port} ",  # noqa: PLR2004 - as above
        "known_as": known_as,
        "file_flag": f"-f {sight.known_hosts} " if sight.known_hosts else "",
        "path": sight.share_path or "the share",
        "hint": f"roosync-ops diagnose {sight.machine_id}",
    }


class _Facts(dict[str, Any]):
    """A command is never lost for want of a fact."""

    def __missing__(self, key: str) -> str:
        return key.upper()


def command(word: str, facts: Mapping[str, Any], system: str = "posix") -> str:
    """Return the command that mends the cause `word`, empty where nothing is to be mended."""
    text = CAUSES[word].command_for(system, facts)
    said = {key: _TYPED.sub("?", str(facts[key])) for key in _FROM_OUTSIDE if key in facts}
    return text.format_map(_Facts({**facts, **said}))
