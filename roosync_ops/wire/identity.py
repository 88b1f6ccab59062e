"""One identity: machineId is the host name in lower case, and never a path."""

from __future__ import annotations

import os
import re
import sys

#: Letters, digits and hyphens, 1 to 63 (one DNS label). No dot, slash, colon or backslash: no path can be made from it.
_PATTERN = re.compile(r"[a-z0-9-]{1,63}", re.ASCII)

#: Names Windows reads as devices whatever their extension: `con.json` opens the console.
_WINDOWS_DEVICES = frozenset(
    ["con", "prn", "aux", "nul", *(f"com{n}" for n in range(10)), *(f"lpt{n}" for n in range(10))],
)

#: Set by the lab alone, whose six machines share one kernel and so one host name.
LAB_HOSTNAME_VARIABLE = "ROOSYNC_LAB_HOSTNAME"


class InvalidMachineIdError(ValueError):
    """A text that is no machineId."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"machineId invalide {text[:80]!r}: {reason}")


def check_machine_id(text: str) -> str:
    """Return `text` if it is a machineId; raise InvalidMachineIdError otherwise. Nothing is repaired."""
    if _PATTERN.fullmatch(text) is None:
        raise InvalidMachineIdError(text, "1 à 63 caractères parmi a-z, 0-9 et -")
    if text in _WINDOWS_DEVICES:
        raise InvalidMachineIdError(text, "nom de périphérique réservé par Windows")
    return text


def is_machine_id(text: object) -> bool:
    """Return True if `text` is a machineId."""
    return isinstance(text, str) and _PATTERN.fullmatch(text) is not None and text not in _WINDOWS_DEVICES


def machine_id_named(name: object) -> str | None:
    """Return the machineId that a file's name or a view's key stands for, whatever its case; None where it is none.

    ASCII first: `str.lower` would make the machine `k` of a Kelvin sign.
    """
    lowered = name.lower() if isinstance(name, str) and name.isascii() else None
    return lowered if is_machine_id(lowered) else None


def machine_id_of(hostname: str) -> str:
    """Return the machineId of a host name: its first label in lower case. Raises InvalidMachineIdError."""
    label = hostname.strip().split(".", 1)[0]
    return check_machine_id(label.lower() if label.isascii() else label)


def hostname() -> str:
    """Return this machine's own name as the operating system gives it: an environment can name another machine."""
    lab = os.environ.get(LAB_HOSTNAME_VARIABLE)
    if lab:
        return lab
    if sys.platform != "win32":
        return os.uname().nodename
    import ctypes  # noqa: PLC0415 - no such library elsewhere

    name, size = ctypes.create_unicode_buffer(256), ctypes.c_ulong(256)
    if ctypes.WinDLL("kernel32").GetComputerNameW(name, ctypes.byref(size)):
        return str(name.value)
    return os.environ.get("COMPUTERNAME", "")
