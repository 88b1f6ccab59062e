"""What keeps a machine from being enrolled: pure functions from what it answered to one failure, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from roosync_ops.wire.identity import InvalidMachineIdError, machine_id_of
from roosync_ops.wire.status import FUTURE_TOLERANCE_MS

from .ledger import PREFLIGHT, Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from roosync_ops.fleet import Machine

    from .facts_model import Report, Share, SilenceError

#: Heartbeats and the view of a large fleet take less; a volume with less than this is full for our purpose.
MIN_FREE_BYTES: Final = 1_000_000
#: A clock further off than this makes heartbeats lie about their age.
MAX_CLOCK_SKEW_MS: Final = FUTURE_TOLERANCE_MS


def ssh_command(machine: Machine, command: str) -> str:
    """Return what a person types to run `command` on `machine`, over the same connection as ours."""
    port = f"-p {machine.port} " if machine.port else ""
    user = f"{machine.user}@" if machine.user else ""
    return f"ssh {port}{user}{machine.host or machine.machine_id} {command}"


def silence(machine: Machine, error: SilenceError) -> Failure:
    """Word a machine that was reached and gave no answer."""
    if error.code == "NO_PYTHON":
        where = f"at {machine.python}" if machine.python else "in PATH or the usual places"
        return Failure(
            PREFLIGHT,
            error.code,
            f"no CPython 3.9 or later {where}",
            f"install one there, or name it: machine({machine.machine_id!r}, python=...)",
        )
    return Failure(PREFLIGHT, error.code, f"it gave no answer: {error.reason}", ssh_command(machine, "python3 -V"))


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
    for code, reason in _share_problems(found, machine):
        return Failure(PREFLIGHT, code, f"share {found.path}: {reason}", ssh_command(machine, f"ls -ld '{found.path}'"))
    return None


def _share_problems(found: Share, machine: Machine) -> Iterable[tuple[str, str]]:
    if found.hung:
        yield "SHARE_HUNG", f"no answer within {machine.share_deadline:g} s"
    elif not found.exists:
        yield "SHARE_MISSING", "there is no such folder; it is never created"
    elif not found.is_directory:
        yield "SHARE_NOT_A_FOLDER", "it is not a folder"
    elif found.read_only:
        yield "SHARE_READ_ONLY", "it is mounted read-only"
    elif not found.readable or not found.writable:
        missing = "write to" if found.readable else "read"
        yield "SHARE_REFUSED", f"the user the agent runs as may not {missing} it"
    elif found.problem:
        yield "SHARE_PROBLEM", found.problem
    elif found.free_bytes is not None and found.free_bytes < MIN_FREE_BYTES:
        yield "SHARE_FULL", f"{found.free_bytes} bytes are free"


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
        ssh_command(machine, "timedatectl status"),
    )


def everything(machine: Machine, report: Report) -> Failure | None:
    """Return the first reason why no agent may be put on `machine`, or None."""
    return identity(machine, report) or share(machine, report.share) or clock(machine, report)
