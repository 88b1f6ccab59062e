"""What keeps a machine from being enrolled: pure functions from what it answered to one failure, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from roosync_ops.transport.failure import PREFLIGHT, Failure
from roosync_ops.wire.identity import InvalidMachineIdError, machine_id_of
from roosync_ops.wire.status import FUTURE_TOLERANCE_MS

from .on_common import share_problem

if TYPE_CHECKING:
    from roosync_ops.fleet import Machine

    from .facts_model import Report, Share, SilenceError

#: A clock further off than this makes heartbeats lie about their age.
MAX_CLOCK_SKEW_MS: Final = FUTURE_TOLERANCE_MS
#: What an SSH server of Microsoft's calls itself.
_WINDOWS_BANNER: Final = "for_Windows"


def ssh_command(machine: Machine, command: str, windows: str | None = None) -> str:
    """Return what a person types to run `command` (`windows` on Windows) over the same connection as ours."""
    if machine.transport == "winrm":
        return f"roosync-ops rollout {machine.machine_id} --dry --verbose"
    if windows is not None and machine.system == "windows":
        command = windows
    port = f"-p {machine.port} " if machine.port else ""
    user = f"{machine.user}@" if machine.user else ""
    return f"ssh {port}{user}{machine.host or machine.machine_id} {command}"


def system(machine: Machine, banner: str) -> Failure | None:
    """A machine that is taken for POSIX and whose SSH server says that it is Windows'; its banner tells, or nothing."""
    if machine.system == "windows" or _WINDOWS_BANNER not in banner:
        return None
    return Failure(
        PREFLIGHT,
        "WRONG_SYSTEM",
        f"it runs Windows ({banner}), and the inventory does not say so",
        f'machine({machine.machine_id!r}, system="windows", ...) in the inventory',
    )


def silence(machine: Machine, error: SilenceError) -> Failure:
    """Word a machine that was reached and gave no answer."""
    if error.code == "WRONG_SYSTEM":
        return Failure(
            PREFLIGHT,
            error.code,
            f"the inventory says that it runs Windows, and it does not answer as Windows does ({error.reason})",
            f'machine({machine.machine_id!r}, system="posix", ...) in the inventory',
        )
    if error.code == "NO_PYTHON":
        return _no_python(machine, error)
    hint = ssh_command(machine, "python3 -V", "py -0p")
    return Failure(PREFLIGHT, error.code, f"it gave no answer: {error.reason}", hint)


def _no_python(machine: Machine, error: SilenceError) -> Failure:
    where = f"at {machine.python}" if machine.python else "in PATH or the usual places"
    hint = f"install one there, or name it: machine({machine.machine_id!r}, python=...)"
    if machine.system == "windows":
        where = f"at {machine.python}" if machine.python else "in the usual folders, the registry, by py or in PATH"
        where += f" ({error.reason})"
        hint += ", or let the rollout install one for the user: bootstrap_python=True"
    return Failure(PREFLIGHT, error.code, f"no CPython 3.9 or later {where}", hint)


def identity(machine: Machine, report: Report) -> Failure | None:
    """The inventory's name must be the machine's own: else one machine would beat under another's name."""
    own = report.hostname
    try:
        machine_id = machine_id_of(own)
    except InvalidMachineIdError:
        return Failure(
            PREFLIGHT,
            "IDENTITY",
            f"it calls itself {own!r}, which is no machineId (1 to 63 of a-z, 0-9 and -)",
            ssh_command(machine, "hostname"),
        )
    if machine_id == machine.machine_id:
        return None
    return Failure(
        PREFLIGHT,
        "IDENTITY",
        f"it calls itself {machine_id}, not {machine.machine_id}",
        f"correct its name or its host in the inventory; {ssh_command(machine, 'hostname')}",
    )


def share(machine: Machine, found: Share | None) -> Failure | None:
    """The share must be there and writable for the user the agent will run as."""
    if found is None:
        return Failure(
            PREFLIGHT,
            "NO_SHARED_PATH",
            "nothing says where its shared folder is",
            f"machine({machine.machine_id!r}, shared=...) in the inventory, or ROOSYNC_SHARED_PATH on it",
        )
    if machine.system == "windows" and found.session is None and not (found.exists or found.hung):
        return _unseen(machine, found)
    problem = share_problem(found.model_dump(by_alias=True), machine.share_deadline)
    if problem is None:
        return None
    hint = ssh_command(machine, f"ls -ld '{found.path}'", f"'dir \"{found.path}\"'")
    return Failure(PREFLIGHT, problem[0], f"share {found.path}: {problem[1]}", hint)


def _unseen(machine: Machine, found: Share) -> Failure | None:
    """An SSH session that does not see a drive proves nothing: the user's own may. The agent's word does."""
    if found.code is None:
        return None
    hint = found.hint or f"log {machine.user or 'its user'} on to it, and see that the drive is there"
    return Failure(PREFLIGHT, found.code, f"share {found.path}: {found.problem}", hint)


def clock(machine: Machine, report: Report) -> Failure | None:
    """What the network may have added to the difference is given to the machine's credit."""
    off_ms = max(0, abs(report.clock_offset_ms) - report.clock_error_ms)
    if off_ms <= MAX_CLOCK_SKEW_MS:
        return None
    way = "ahead of" if report.clock_offset_ms > 0 else "behind"
    return Failure(
        PREFLIGHT,
        "CLOCK",
        f"its clock is {off_ms / 1000:.1f} s {way} this computer's; at most {MAX_CLOCK_SKEW_MS // 1000} s is allowed",
        ssh_command(machine, "timedatectl status", "w32tm /query /status"),
    )


def everything(machine: Machine, report: Report) -> Failure | None:
    """Return the first reason why no agent may be put on `machine`, or None."""
    return identity(machine, report) or share(machine, report.share) or clock(machine, report)
