"""The text of the systemd unit, and its name: pure functions."""

from __future__ import annotations

import os
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_TEMPLATE = """\
[Unit]
Description=RooSync heartbeat agent
After=remote-fs.target
StartLimitIntervalSec=0

[Service]
ExecStart={command}
Restart=always
RestartSec=1
KillMode=mixed
TimeoutStopSec=30

[Install]
WantedBy={target}
"""
#: Says in the unit that lingering was off before it: uninstall then leaves it as it was found. systemd skips `X-`.
LINGERING_IS_OURS = "\n[X-RooSync]\nLingering=switched-on-with-this-unit\n"
SYSTEM_TARGET = "multi-user.target"
USER_TARGET = "default.target"


def unit_name(local_dir: str, default_dir: str) -> str:
    """Return the unit's name: one for the usual local folder, another for each further one."""
    if local_dir == default_dir:
        return "roosync-heartbeat.service"
    return f"roosync-heartbeat-{zlib.crc32(os.fsencode(local_dir)):08x}.service"


def unit_text(command: Sequence[str], target: str) -> str:
    """Return the unit that keeps `command` running."""
    return _TEMPLATE.format(command=" ".join(quoted(word) for word in command), target=target)


def quoted(word: str) -> str:
    r"""Return `word` as systemd reads one argument back.

    systemd.service(5): C escapes in double quotes, then `%` specifiers and `$` variables; each is doubled.
    """
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    escaped = "".join(
        char if char.isprintable() else "".join(f"\\x{byte:02x}" for byte in os.fsencode(char)) for char in escaped
    )
    return f'"{escaped}"'
