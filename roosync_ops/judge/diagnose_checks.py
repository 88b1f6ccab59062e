"""The checks on the way to a machine and on it, in order: the network, its name, the agent, its share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from roosync_ops import typed
from roosync_ops.wire.identity import InvalidMachineIdError, machine_id_of

from . import verdict as v
from .diagnose_causes import led_to_by
from .diagnose_model import NOT_OK, OK, UNKNOWN, DiagnosisStep, MachineCase, step

if TYPE_CHECKING:
    from roosync_ops.remote_script.facts_model import AgentStatus, ProbeReport


_CONNECT: Final = led_to_by("connect")
_ASKED: Final = led_to_by("asked")
_SHARE: Final = led_to_by("share")
_OTHER: Final = ("", "share-problem")
_ON_THE_WAY: Final = ("resolves", "answers", "host key", "login", "python")
#: The share is there, and cannot be written to.
_NOT_WRITABLE: Final = ("share-read-only", "share-refused", "share-full")
#: A loop that came up so long ago has beaten, or never will, in ms.
_FIRST_BEAT_MS: Final = 60_000
#: A task of a logon session: where Windows restarts by itself, it can log the user on again by itself.
_BOUND: Final = "{kind}, back once its user has logged on; after updates at night: Settings, Accounts, Sign-in options"


def trouble(case: MachineCase) -> tuple[str, str] | None:
    """Return (the check that fails, the cause) where the machine was not reached or did not answer, else None."""
    failure, reach = case.probe.failure, case.probe.reach
    if failure is None:
        return None
    if failure.step != "connect":
        return _ASKED.get(failure.code, ("python", "ask-failed"))
    check, cause = _CONNECT.get(failure.code, ("login", "not-reached"))
    on_the_way = check == "host key" and not (reach is not None and reach.met)  # a jump host's
    return "answers" if on_the_way else check, cause


def way(case: MachineCase) -> list[DiagnosisStep]:
    """Return the checks from the name to a Python that answers, up to the one that fails; the rest is unknown."""
    failed = trouble(case)
    at_fault = len(_ON_THE_WAY) if failed is None else _ON_THE_WAY.index(failed[0])
    reach, checks = case.probe.reach, []
    # Where nothing tells how far the way went, only what was seen beside it counts.
    met = {"resolves": bool(reach.addresses), "answers": reach.met} if reach is not None else {}
    for at, name in enumerate(_ON_THE_WAY):
        if at < at_fault and (failed is None or failed[1] != "not-reached" or met.get(name)):
            checks.append(_passed(case, name))
        elif at == at_fault and failed is not None and case.probe.failure is not None:
            at_step, code, reason, hint = case.probe.failure[:4]
            said = reason.removeprefix("unreachable: ")
            checks.append(step(name, NOT_OK, "{said}", failed[1], said=said, code=code, step=at_step, hint=hint))
        else:
            checks.append(step(name, UNKNOWN))
    return checks


def _passed(case: MachineCase, name: str) -> DiagnosisStep:
    reach, report = case.probe.reach, case.probe.report
    if name == "resolves" and reach is not None:
        seen, addresses = "{host}: {addresses}" if reach.addresses else "{host}", ", ".join(reach.addresses)
        return step(name, OK, seen, host=reach.host, addresses=addresses)
    if name == "answers" and reach is not None:
        return step(name, OK, "port {port}", port=reach.port)
    said = case.machine.user if name == "login" and case.machine is not None else None
    if name == "python" and report is not None:
        said = f"{report.python.version} ({report.python.executable})"
    return step(name, OK, "{said}", said=said) if said else step(name, OK)


def identity(case: MachineCase, report: ProbeReport) -> DiagnosisStep:
    """The name in the inventory must be the machine's own, and its agent must go by it."""
    name = case.machine_id
    try:
        own = machine_id_of(report.hostname)
    except InvalidMachineIdError:
        return step("identity", NOT_OK, "it calls itself {answers_as}", "no-machine-id", answers_as=report.hostname)
    agent_name = None if report.status is None else report.status.machine_id
    calls = own if own != name else agent_name if agent_name not in (None, name) else None
    if calls is None:
        return step("identity", OK, "{answers_as}", answers_as=own)
    also = case.scene.probes.get(calls)
    cause = "same-name-twice" if own != name and also is not None and also.report is not None else "wrong-name"
    seen = "it calls itself {answers_as}" if own != name else "its agent beats as {answers_as}"
    return step("identity", NOT_OK, seen, cause, answers_as=calls)


def agent(case: MachineCase, report: ProbeReport) -> DiagnosisStep:
    """The agent is there, can be run, and is the build that this computer would put there."""
    if report.agent_sha256 is None:
        cause = "beats-from-elsewhere" if case.row.heartbeat_active else "not-enrolled"
        cause = "old-service-only" if case.row.older else cause
        return step("agent", NOT_OK, "there is none", cause, age=case.row.age_ms)
    if case.agent is None:
        return _broken(case, report)
    builds, version = case.probe.builds, case.agent.version or "?"
    if builds is None or (builds.agent and builds.config and (builds.loop is not False or not case.agent.running)):
        return step("agent", OK, "{version}", version=version)
    seen, cause = "{version}, and config.json is not the inventory's", "config-differs"
    if not builds.agent:
        seen, cause = "{version}, another build", "agent-outdated"
    elif case.agent.running and builds.loop is False:
        seen, cause = "{version}, and the loop that runs is another build", "loop-outdated"
    return step("agent", NOT_OK, seen, cause, version=version)


def _broken(case: MachineCase, report: ProbeReport) -> DiagnosisStep:
    found, share = report.status, case.probe.share
    cause: str | None = "agent-broken"
    said = "-" if found is None else f"{found.code}: {found.message}"
    if found is not None and found.code == "HEARTBEAT_MISSING_MACHINE_ID":
        cause = "no-machine-id"
    elif share is not None and share.code == "NO_SHARED_PATH":  # without a share to name, no verb of it can answer
        cause = None
    return step("agent", NOT_OK, "{said}", cause, said=said, answers_as=report.hostname)


def permanence(case: MachineCase, found: AgentStatus) -> DiagnosisStep:
    """Something brings the agent back after a crash, a logout or a boot."""
    kept = found.permanence
    if not kept.installed:
        return step("permanence", NOT_OK, "not installed", "not-permanent" if found.running else None)
    if not kept.enabled:
        cause = None if case.left else "permanence-disabled"
        return step("permanence", NOT_OK, "{kind}, disabled", cause, kind=kept.kind)
    return step("permanence", OK, _BOUND if kept.kind == "task" else "{kind}", kind=kept.kind)


def loop(case: MachineCase, found: AgentStatus) -> DiagnosisStep:
    """The loop runs. A share that cannot be used is told first: no loop would start with it."""
    if found.running:
        return step("loop", OK, "since {since}", since=found.started_ms)
    if share_cause(case) is not None:
        return step("loop", NOT_OK, "not running")
    if case.left:
        facts = {"since": case.left_at_ms, **case.undone}
        return step("loop", NOT_OK, "stopped on purpose", "stopped-on-purpose", **facts)
    if not found.permanence.installed and (found.sequence or 0) <= 1:
        return step("loop", NOT_OK, "never started", "never-started")
    if case.row.heartbeat_active and not case.row.older and (case.row.last_heartbeat_ms or 0) > (found.beat_ms or 0):
        return step("loop", NOT_OK, "not running", "beats-from-elsewhere", age=case.row.age_ms)
    return step("loop", NOT_OK, "not running", "agent-dead", since=found.beat_ms)


def beat(case: MachineCase, found: AgentStatus) -> DiagnosisStep:
    """The last beat it wrote is recent, by its own clock, and was read back."""
    age = beat_age_ms(found)
    if age is None:
        return step("beat", NOT_OK if found.running and not is_new(case, found) else UNKNOWN, "none yet")
    facts = {"age": max(0, age), "sequence": found.sequence}
    if not found.read_back:
        return step("beat", NOT_OK, "{age} ago, and it was not read back", "beat-not-written", **facts)
    seen = "{age} ago" if found.sequence is None else "{age} ago, number {sequence}"
    return step("beat", OK if age <= case.timeout_ms else NOT_OK, seen, **facts)


def beat_age_ms(found: AgentStatus) -> int | None:
    """Return how old the last beat was when the machine was asked; both by its own clock."""
    return None if found.beat_ms is None or found.now_ms is None else found.now_ms - found.beat_ms


def is_new(case: MachineCase, found: AgentStatus) -> bool:
    """Return True if the loop came up so lately that a beat may still be on its way."""
    if found.started_ms is None or found.now_ms is None:
        return False
    told = None if found.config is None else found.config.heartbeat_interval
    interval_ms = told if told is not None and told > 0 else case.thresholds.interval_ms
    return 0 <= found.now_ms - found.started_ms <= max(_FIRST_BEAT_MS, 2 * interval_ms)


def share_cause(case: MachineCase) -> tuple[str, str, str] | None:
    """Return (cause, what is said, hint) where the agent cannot use its share, None where it can or nothing tells."""
    failure, found = case.probe.share, case.agent
    if failure is not None:
        return _SHARE.get(failure.code, _OTHER)[1], failure.reason, failure.hint
    if found is not None and found.running and found.share is not None and found.share.state != "ok":
        state, since = found.share.state, found.share.since
        said = f"the loop finds it {state}{f' since {since}' if since else ''}"
        if state == "refused" and found.share.detail:  # else the agent's words, in its user's language
            said += f": {found.share.detail}"
        return _SHARE.get(state, _OTHER)[1], said, typed.ours("restart", case.machine_id)
    return None


def share(case: MachineCase) -> tuple[DiagnosisStep, DiagnosisStep]:
    """The share is there for the agent; and it can be written to."""
    if case.probe.report is None:
        return step("share", UNKNOWN), step("writable", UNKNOWN)
    found, session = share_cause(case), None if case.probe.report.share is None else case.probe.report.share.session
    there = {"path": "?" if case.probe.report.share is None else case.probe.report.share.path}
    if found is None:
        seen = "{path} (in the logon session)" if session == "logon" else "{path}"
        outcome = UNKNOWN if case.is_windows and session is None else OK
        return step("share", outcome, seen, **there), step("writable", outcome)
    cause, said, hint = found
    is_there = cause in _NOT_WRITABLE
    at_fault = step("writable" if is_there else "share", NOT_OK, "{said}", cause, **there, said=said, hint=hint)
    return (step("share", OK, "{path}", **there), at_fault) if is_there else (at_fault, step("writable", UNKNOWN))


def zombie(case: MachineCase, found: AgentStatus) -> DiagnosisStep:
    """Whatever keeps it says "running", and it does not beat."""
    if not found.running:
        return step("zombie", UNKNOWN)
    age = beat_age_ms(found)
    late = age > case.timeout_ms if age is not None else not is_new(case, found)
    if not late:
        return step("zombie", OK)
    if share_cause(case) is not None:
        return step("zombie", NOT_OK, "it waits for its share")
    seen = "it runs, and its last beat is old" if age is not None else "it runs, and never beat"
    return step("zombie", NOT_OK, seen, "zombie", age=age)


def clock(case: MachineCase, _: ProbeReport) -> DiagnosisStep:
    """Its clock is this computer's, within what the network may have added; or it is this computer's that is wrong."""
    found = case.scene.matrix.finding(v.CLOCK_WRONG, case.machine_id)
    if found is None:
        return step("clock", OK, "{offset} s", offset=f"{(case.probe.offset_ms or 0) / 1000:+.1f}")
    return step("clock", NOT_OK, "{off} this computer's", "clock-wrong", **found.facts)
