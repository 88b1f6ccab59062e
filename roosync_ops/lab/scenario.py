"""The machines of the lab: the procedure's six on the day it was written; and what is written for its operator.

An inventory, and an SSH configuration that needs nothing of the user's own.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from roosync_ops.fleet.inventory import line_of

from .host import DRIVE, LOOPBACK, USER

#: A lab beats faster than the protocol's 30 s and 120 s, in the same proportion, so a change can be watched. In ms.
HEARTBEAT_INTERVAL_MS = 2_000
OFFLINE_TIMEOUT_MS = 8_000
#: How much longer everything takes in the field.
FIELD_TIMES = 15


@dataclass(frozen=True)
class Part:
    """A machine's part in the play. `powered` is whether it is on when the curtain rises."""

    name: str
    group: Literal["enroll", "active", "off"]
    expected: Literal["online", "offline"] = "online"
    why: str | None = None
    powered: bool = True


PROCEDURE = (
    Part("myia-po-2024", "enroll"),
    Part("myia-po-2023", "enroll"),
    Part("myia-web1", "enroll"),
    Part("myia-po-2025", "active", why="active already"),
    Part("myia-ai-01", "off", expected="offline", why="switched off", powered=False),
    Part("myia-po-2026", "off", expected="offline", why="switched off", powered=False),
)

_INVENTORY = Path(__file__).with_name("inventory.txt").read_text("utf-8")
#: Of one machine.
_SSH_CONFIG = Path(__file__).with_name("ssh_config.txt").read_text("utf-8")


def inventory(lab: Path, parts: Sequence[Part], ports: Mapping[str, int], program: Path | None = None) -> str:
    """Return the text of the lab's inventory.py. `lab` is the folder that holds the homes; `program` is its ssh."""
    head = _INVENTORY.format(
        lab=json.dumps(str(lab)),
        loopback=LOOPBACK,
        user=USER,
        drive=DRIVE,
        program=f'\n    "ssh_program": {json.dumps(str(program))},' if program else "",
        interval=HEARTBEAT_INTERVAL_MS,
        timeout=OFFLINE_TIMEOUT_MS,
        interval_s=HEARTBEAT_INTERVAL_MS / 1000,
        timeout_s=OFFLINE_TIMEOUT_MS / 1000,
    )
    groups = list(dict.fromkeys(part.group for part in parts))
    for group in groups:
        head += f"\n{group} = [\n"
        for part in (part for part in parts if part.group == group):
            fields = {"port": ports[part.name], "expected": part.expected, "why": part.why}
            known = {name: value for name, value in fields.items() if value not in (None, "online")}
            head += f"    _lab_{line_of(part.name, known)},\n"
        head += "]\n"
    return head + f"\ncheck_groups({', '.join(groups)})\n"


def ssh_config(folder: Path, ports: Mapping[str, int]) -> str:
    """Return an OpenSSH client configuration for `ssh -F CONFIG MACHINE`. No file, key or agent of the user is read."""
    known = {"loopback": LOOPBACK, "user": USER, "folder": folder}
    return "\n".join(_SSH_CONFIG.format(name=name, port=port, **known) for name, port in ports.items())
