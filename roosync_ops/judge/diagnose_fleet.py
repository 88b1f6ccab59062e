"""The checks that take more than one machine: replicas, twins, older services, and this computer itself."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from roosync_ops.state import SharedState
from roosync_ops.state.shared import READ_ALL_THE_SAME
from roosync_ops.wire import findings as f
from roosync_ops.wire.merge import FILE
from roosync_ops.wire.record import OF_A_TWIN, object_in
from roosync_ops.wire.status import ONLINE, WARNING

from . import verdict as v
from .contradictions import contradictions, lately
from .diagnose_model import NOT_OK, OK, UNKNOWN, DiagnosisInput, DiagnosisStep, MachineCase, step
from .probes import HERE

#: An older service erases the view with every beat; a view that passes from one of our keepers to the next, whose
#: replica lacks a record that is under way, looks the same, once or twice.
_AGAIN: Final = 3


def moves_up(case: MachineCase) -> DiagnosisStep:
    """The machine's beats reach the other replicas; what arrives there can be read."""
    fresh, behind, lag = case.scene.matrix.holders(case.machine_id)
    unread = _unread(case)
    if unread is not None:
        return step("uploads", NOT_OK, "{file}: {kind}", "record-unreadable", **unread.as_dict())
    if fresh:
        return step("uploads", OK, "seen by {observers}", observers=fresh)
    if behind:
        return step("uploads", NOT_OK, "not seen by {observers}", "uploads-stalled", lag=lag, observers=behind)
    return step("uploads", UNKNOWN, "no other replica tells")


def _unread(case: MachineCase) -> f.Finding | None:
    """Return the finding about the machine's own file where no replica could read that file."""
    found = None
    for view in case.scene.views.values():
        piece = view.machines.get(case.machine_id)
        if piece is not None and piece.kind == FILE:
            return None
        for item in view.findings_about(case.machine_id):
            if item.kind not in READ_ALL_THE_SAME | {f.VANISHED}:
                found = item
    return found


def moves_down(case: MachineCase) -> DiagnosisStep:
    """The others' beats reach this machine's replica."""
    if case.machine_id not in case.scene.views:
        return step("downloads", UNKNOWN)
    stale = case.scene.matrix.stale
    if case.machine_id not in stale:
        return step("downloads", OK)
    return step("downloads", NOT_OK, "nothing{newer}", "downloads-stalled", since=stale[case.machine_id])


def twins(case: MachineCase) -> DiagnosisStep:
    """No other agent beats under its name; nothing else stands for it."""
    for found in contradictions(case.machine_id, case.scene.views.values(), case.scene.probes):
        if found.kind == v.TWINS:
            return step("twins", NOT_OK, "{said}", "twin-identity", said=found.facts["detail"])
    found_here = [item for view in case.scene.views.values() for item in view.findings_about(case.machine_id)]
    for kind, cause in ((f.CASE_DOUBLE, "case-double"), (f.CONFLICT_COPY, "conflict-copies")):
        files = sorted({item.file for item in found_here if item.kind == kind})
        if files:
            return step("twins", NOT_OK, "{files}", cause, files=", ".join(files[:3]))
    merged = case.scene.merged
    return step("twins", OK if merged is not None and case.machine_id in merged.machines else UNKNOWN)


def writers(case: MachineCase) -> DiagnosisStep:
    """No older service works against it: one that runs there and erases the view, or one that rewrites its record."""
    if case.machine_id in _erasures(case.scene):
        return step("old services", NOT_OK, "one that runs there erases the view", "old-writer-erases-view")
    agent = case.agent
    own = None if agent is None else agent.own_file
    if agent is not None and own is not None and own.last_kind != OF_A_TWIN:
        said = lately(own.last_detail, own.last_at, agent.now)
        if said is not None:
            seen, cause = "{count} times: {said}", "old-writer-rewrites-record"
            return step("old services", NOT_OK, seen, cause, said=said, count=own.rewrites)
    return step("old services", OK if agent is not None else UNKNOWN)


def _erasures(scene: DiagnosisInput) -> Iterator[str | None]:
    """Yield the machine that most likely did it, for each keeper whose view was erased lately, by its own clock."""
    for one in scene.probes.values():
        agent = one.status
        view = None if agent is None else agent.view
        if agent is None or view is None or view.erasures < _AGAIN:
            continue
        if lately("erased", view.erased_at, agent.now) is not None:
            yield view.erased_by


def expectation(case: MachineCase) -> DiagnosisStep:
    """What the fleet sees is what the inventory says."""
    seen, observed, machine = "seen {observed}", case.observed, case.machine
    if machine is None:
        pieces = (view.machines.get(case.machine_id) for view in case.scene.views.values())
        files = ", ".join(sorted({one.file for one in pieces if one is not None})) or "its record"
        return step("expected", NOT_OK, "not in the inventory", "not-in-inventory", files=files)
    if machine.expected == "offline" and observed in (ONLINE, WARNING):
        return step("expected", NOT_OK, seen, "beats-though-expected-offline", observed=observed, why=machine.why)
    return step("expected", OK if case.is_expected == (observed == ONLINE) else NOT_OK, seen, observed=observed)


def here(scene: DiagnosisInput) -> list[DiagnosisStep]:
    """Return the checks of this computer's own replica and clock, and of what is no machine's: the view, and litter."""
    return [_own_replica(scene), _own_clock(scene), _view(scene), _erased(scene), _litter(scene)]


def _own_clock(scene: DiagnosisInput) -> DiagnosisStep:
    found = scene.matrix.finding(v.READER_CLOCK_WRONG)
    if found is None:
        return step("own clock", OK if scene.matrix.reached else UNKNOWN)
    return step("own clock", NOT_OK, "{off} those of {count} machines", "own-clock-wrong", **found.facts)


def _own_replica(scene: DiagnosisInput) -> DiagnosisStep:
    if scene.here is not None:
        return step("own replica", NOT_OK, "{said}", "own-replica-unavailable", said=scene.here[0])
    if scene.own is None:
        return step("own replica", UNKNOWN, "none is named (--shared)")
    stale = scene.matrix.stale
    if HERE not in stale:
        return step("own replica", OK, "{path}", path=scene.own.shared)
    via = next((name for name in scene.views if name not in stale), None)
    return step("own replica", NOT_OK, "nothing{newer}", "own-replica-stale", since=stale[HERE], via=via)


def _view(scene: DiagnosisInput) -> DiagnosisStep:
    """`heartbeat.json` is there for services that read nothing else, and holds every machine."""
    via = _via(scene)
    checked = _view_of(scene.own or scene.views.get(via or ""))
    return checked if via is None else replace(checked, facts={**checked.facts, "via": via})


def _via(scene: DiagnosisInput) -> str | None:
    """Return the machine whose replica stands for this computer's, which has none: one that is no staler than others.

    Its agent has the share, or nothing could be done there.
    """
    if scene.own is not None:
        return None
    usable = (name for name, one in scene.probes.items() if one.status is not None and one.share is None)
    return next((name for name in usable if name in scene.views and name not in scene.matrix.stale), None)


def _view_of(state: SharedState | None) -> DiagnosisStep:
    if state is None:
        return step("view", UNKNOWN)
    if state.view_state == "absent":
        outcome = NOT_OK if state.machines else UNKNOWN
        return step("view", outcome, "there is none", "view-missing" if state.machines else None)
    if state.view_state != "read" or state.view is None:
        return step("view", NOT_OK, "{kind}", "view-unreadable", kind=state.view_state)
    known, pieces = {str(key).lower() for key in object_in(state.view, "heartbeats")}, state.machines.items()
    # With a valid heartbeat, that is; the first beat may be under way.
    lack = tuple(name for name, one in pieces if name not in known and one.record.last_heartbeat_ms is not None)
    return step("view", NOT_OK, "without {missing}", "view-incomplete", missing=lack) if lack else step("view", OK)


def _erased(scene: DiagnosisInput) -> DiagnosisStep:
    """A machine that erased the view is told at that machine; here it is told where none is known."""
    found = list(_erasures(scene))
    if found and not any(name in scene.probes for name in found):
        name = next(filter(None, found), None) or "the machine that runs it"
        seen, cause = "one erases the view: {machine}", "old-writer-erases-view"
        return step("old services", NOT_OK, seen, cause, machine=name)
    return step("old services", OK if scene.probes else UNKNOWN)


def _litter(scene: DiagnosisInput) -> DiagnosisStep:
    if scene.orphans is None:
        via = _via(scene)
        return step("temporary files", UNKNOWN, **({} if via is None else {"via": via}))
    if not scene.orphans:
        return step("temporary files", OK, "none of ours left")
    facts = {"count": len(scene.orphans), "files": ", ".join(scene.orphans[:3]), "all": scene.orphans}
    return step("temporary files", NOT_OK, "{files}", "orphan-temporary-files", **facts)
