"""What a machine lacks, compared with what the inventory says: pure functions from facts to steps."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from roosync_ops.fleet import Machine
from roosync_ops.remote_script.bundle import Bundle
from roosync_ops.remote_script.facts_model import AgentStatus, ProbeReport
from roosync_ops.remote_script.status_model import Permanence

PUSH: Final = "push"
CONFIGURE: Final = "configure"
LOOK: Final = "look"
INSTALL: Final = "install"
REGISTER: Final = "register"
START: Final = "start"
STOP: Final = "stop"
UNINSTALL: Final = "uninstall"
REMOVE: Final = "remove"

#: The order of the procedure; `install` makes what `start` starts permanent.
ROLLOUT: Final = (PUSH, CONFIGURE, LOOK, INSTALL, REGISTER, START)
REMOVAL: Final = (STOP, UNINSTALL, REMOVE)

#: systemd keeps a unit for the system or for a user; either is what `permanence="systemd"` asks for.
_KINDS: Final = {"systemd": ("systemd-system", "systemd-user"), "process": ("process",), "task": ("task",)}

#: What holds what is started, by its kind.
_TEXTS: Final = {"systemd-system": "unit", "systemd-user": "unit", "task": "task"}


class Difference(NamedTuple):
    """What a rollout changes on a machine; None where there is nothing, or where it is not ours to show."""

    what: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        known = self.before is not None or self.after is not None
        return f"{self.what} {self.before or '-'} -> {self.after or '-'}" if known else self.what


def rollout(machine: Machine) -> tuple[str, ...]:
    """Return the steps of a rollout to `machine`, in their order.

    On Windows the session that SSH gives may not see the share that the user's own does: the agent looks in that one.
    """
    return tuple(step for step in ROLLOUT if step != LOOK or machine.system == "windows")


def wanted_config(machine: Machine, report: ProbeReport) -> dict[str, Any]:
    """Return the config.json `machine` is to have. The share is written down: a service has no login's environment."""
    return config_of(machine) | ({} if report.share is None else {"shared": report.share.path})


def config_of(machine: Machine) -> dict[str, Any]:
    """Return what the inventory says for a config.json, but for the share."""
    return {
        "machineId": machine.machine_id,
        "heartbeatInterval": machine.heartbeat_interval,
        "offlineTimeout": machine.offline_timeout,
        "enableAutoSync": machine.enable_auto_sync,
        "shareDeadline": machine.share_deadline,
        "permanence": machine.permanence,
        "metadata": machine.metadata,
    }


def missing(machine: Machine, bundle: Bundle, report: ProbeReport) -> tuple[str, ...]:
    """Return the steps of `rollout` that `machine` needs to be as the inventory says; empty where it is."""
    status, share = report.status, report.share
    beat = None if status is None else status.last_beat
    needed = {
        PUSH: report.agent_sha256 != bundle.sha256,
        CONFIGURE: report.config != wanted_config(machine, report),
        INSTALL: not _permanent(machine, status) or _changed_by_hand(status),
        REGISTER: not report.running or beat is None or not beat.read_back,
        START: not report.running or not _same_agent(bundle, status) or not _same_config(machine, report),
    }
    # An older agent's task may be another: of another run level, say, and its user's to read alone.
    needed[INSTALL] = needed[INSTALL] or (machine.system == "windows" and needed[PUSH])
    # A new agent or a new configuration is nothing until the loop runs with it.
    needed[START] = needed[START] or needed[PUSH] or needed[CONFIGURE] or needed[INSTALL]
    # The agent itself, and not this SSH session alone, is to have just seen the share.
    needed[LOOK] = needed[CONFIGURE] or share is None or share.session is None or not share.exists
    return tuple(step for step in rollout(machine) if needed[step])


def differences(machine: Machine, bundle: Bundle, report: ProbeReport) -> tuple[Difference, ...]:
    """Return what `missing` is about: build, configuration by its keys, and what keeps the loop alive."""
    status = report.status
    found = []
    if not _same_agent(bundle, status):
        found.append(Difference("build", None if status is None else status.loop_build_id, bundle.build_id))
    found += _reconfigured(report.config, wanted_config(machine, report))
    kept = Permanence() if status is None else status.permanence
    if not _permanent(machine, status):
        found.append(Difference("permanence", kept.kind if kept.installed else None, machine.permanence))
    elif _changed_by_hand(status):
        found.append(Difference(_TEXTS.get(kept.kind, "permanence"), _shown(kept.there), _shown(kept.wanted)))
    return tuple(found)


def _reconfigured(there: Any, wanted: dict[str, Any]) -> Iterator[Difference]:
    """Yield what changes in config.json. What the operator wrote into the metadata is not shown."""
    old = there if isinstance(there, dict) else {}
    for key in [*wanted, *(key for key in old if key not in wanted)]:
        before, after = old.get(key), wanted.get(key)
        if before != after:
            hidden = isinstance(before, dict) or isinstance(after, dict)
            yield Difference(key, None if hidden else _shown(before), None if hidden else _shown(after))


def _shown(value: Any) -> str | None:
    return f"{value!s:.300}" if value not in (None, "") else None


def replaces(bundle: Bundle, report: ProbeReport) -> bool:
    """Return True if a rollout ends one build that runs and begins another. One that cannot tell may well run."""
    cannot_tell = report.status is not None and not report.status.success
    return (report.alive or cannot_tell) and not _same_agent(bundle, report.status)


def _permanent(machine: Machine, status: AgentStatus | None) -> bool:
    if status is None or not (status.permanence.installed and status.permanence.enabled):
        return False
    return status.permanence.kind in _KINDS.get(machine.permanence, (status.permanence.kind,))


def _changed_by_hand(status: AgentStatus | None) -> bool:
    """Return True if the unit or the task is not what the agent there would write."""
    return status is not None and bool(status.permanence.there or status.permanence.wanted)


def _same_agent(bundle: Bundle, status: AgentStatus | None) -> bool:
    return status is not None and status.loop_build_id == bundle.build_id


def _same_config(machine: Machine, report: ProbeReport) -> bool:
    """Return True if the loop that runs was started with what config.json says now."""
    status = report.status
    if status is None or status.config is None:
        return False
    wanted = (machine.heartbeat_interval, machine.offline_timeout, machine.enable_auto_sync)
    loop = status.config
    if (loop.heartbeat_interval, loop.offline_timeout, loop.auto_sync_enabled) != wanted:
        return False
    # A rollout that was cut off between configure and start leaves a loop with the old metadata.
    written_ms, started_ms = report.config_modified_ms, status.started_ms
    return written_ms is None or (started_ms is not None and written_ms <= started_ms)


def removable(report: ProbeReport) -> tuple[str, ...]:
    """Return the steps of REMOVAL that leave nothing of ours but the heartbeat record; empty where nothing is."""
    status = report.status
    present = report.agent_sha256 is not None
    needed = {
        STOP: report.alive,
        UNINSTALL: present and (status is None or not status.success or status.permanence.installed),
        REMOVE: present or report.config is not None or report.config_problem is not None,
    }
    return tuple(step for step in REMOVAL if needed[step])
