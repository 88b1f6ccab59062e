"""The dashboard, written: the page, its Markdown twin and the badge.

Naming. `roosync_refresh_dashboard` writes `<shared>/dashboards/mcp-dashboard.md` (older builds: DASHBOARD.md, or
`mcp-dashboard-<time stamp>.md`), one file that every machine writes. Here one writer has one file (invariant 1): the
computer that looked writes `mcp-dashboard-<its machineId>.md`, `.html` and `.svg`, over those of its last time, so that
none pile up. A machineId has no underscore, so no such name is one with a time stamp.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from roosync_ops import typed
from roosync_ops.errors import usage
from roosync_ops.fleet import Fleet
from roosync_ops.gather import dashboard as gathered
from roosync_ops.gather.limits import SECOND_TIMEOUT_S, Limits, Probe, silently
from roosync_ops.judge.reports import Dashboard
from roosync_ops.show.dashboard import badge, dashboard_markdown, refreshed
from roosync_ops.show.page import page
from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S
from roosync_ops.wire.identity import is_machine_id, machine_id_named

from .files import put_into, put_into_share

#: Inside the shared folder (the protocol, roosync_refresh_dashboard).
FOLDER: Final = "dashboards"
#: The protocol's own default.
BASELINE: Final = "myia-ai-01"
_LIMITS: Final = Limits(SECOND_TIMEOUT_S)


def refresh(  # noqa: PLR0913 - a fleet, where to look and write, and how
    fleet: Fleet,
    shared: str | None,
    *,
    output_dir: str | None = None,
    baseline: str | None = None,
    lang: str = "en",
    limits: Limits = _LIMITS,
    probe: Probe = Probe.auto,
    presence: bool = False,
    memory: Path | None = None,
    every_min: int | None = None,
    tell: Callable[[str], None] = silently,
) -> dict[str, Any]:
    """Look at the fleet, write the dashboard, and return the protocol's result (see show.refreshed for what it means).

    It is written into `output_dir`, which must be there, else into `<shared>/dashboards`, which is made in a share that
    is there; with `presence` its Markdown twin tells newer services which machines beat. `every_min`: one that is made
    anew so often is current until twice that. Raises CommandError (a wrong
    argument, no replica was read, not written) or StateUnavailableError; no result is returned for what was not read
    back.
    """
    named = checked_baseline(BASELINE if baseline is None else baseline)
    writer = gathered.observer()
    if not is_machine_id(writer):
        raise usage(f"this computer's name {writer[:80]!r} is no machineId, and no file can be named by it")
    if output_dir is None and not shared:
        raise usage("no folder is named to write the dashboard into", "add --output DIR or --shared DIR")
    board = gathered.dashboard(fleet, shared, limits, baseline=named, probe=probe, memory=memory, tell=tell)
    board = compared(board) if baseline is None else board
    if every_min is not None:
        board = replace(board, fresh_ms=2 * every_min * 60_000)
    name = f"mcp-dashboard-{writer}"
    with typed.about({}):
        texts = {
            f"{name}.svg": badge(board.validation, lang),
            f"{name}.html": page(board, lang),
            f"{name}.md": dashboard_markdown(board, lang, presence=presence),
        }
    files = {file: text.encode("utf-8", "backslashreplace") for file, text in texts.items()}
    seconds = limits.deadline_s or DEFAULT_DEADLINE_S
    if output_dir is None:
        folder = put_into_share(shared or "", FOLDER, files, seconds)
    else:
        folder = put_into(output_dir, files, seconds)
    return refreshed(board, os.path.join(folder, f"{name}.md"))  # noqa: PTH118 - a text, as it is shown


def compared(board: Dashboard) -> Dashboard:
    """Return it against a machine that was seen, where the one that is usually taken was not."""
    there = next((one.machine_id for one in board.installed if one.present), board.baseline)
    return board if board.is_compared else replace(board, baseline=there)


def checked_baseline(name: str) -> str:
    """Return the machineId of a baseline, whatever its case. Raises CommandError (usage) for what is none."""
    machine_id = machine_id_named(name)
    if machine_id is None:
        raise usage(f"the baseline {name[:80]!r} is no machineId", "roosync-ops machines list")
    return machine_id
