"""The dashboard, written: the page, its Markdown twin and the badge.

Naming. `roosync_refresh_dashboard` writes `<shared>/dashboards/mcp-dashboard.md` (older builds: DASHBOARD.md, or
`mcp-dashboard-<time stamp>.md`), one file that every machine writes. Here one writer has one file (invariant 1): the
computer that looked writes `mcp-dashboard-<its machineId>.md`, `.html` and `.svg`, over those of its last time, so that
none pile up. A machineId has no underscore, so no such name is one with a time stamp.
"""

import errno
import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from filelock import FileLock, Timeout

from roosync_ops import typed
from roosync_ops.agent.share import replace_file
from roosync_ops.agent.writing import MODE
from roosync_ops.errors import NOT_AS_EXPECTED, UNAVAILABLE, USAGE, CommandError, usage
from roosync_ops.gather.dashboard import observer
from roosync_ops.judge.reports import Dashboard
from roosync_ops.show.dashboard import badge, dashboard_markdown, refreshed
from roosync_ops.show.page import page
from roosync_ops.show.text import Style, safe
from roosync_ops.state.memory import default_folder
from roosync_ops.wire import local
from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S, BoundedShare, ShareHungError
from roosync_ops.wire.identity import is_machine_id

#: Inside the shared folder (the protocol, roosync_refresh_dashboard).
FOLDER: Final = "dashboards"
#: Two writers of this computer take turns; one writes for some ms, or hangs until its deadline.
_LOCK_S: Final = 10.0
_MISSING: Final = frozenset([errno.ENOENT, errno.ENOTDIR, errno.ENOTCONN, errno.ENODEV, errno.ENXIO, errno.ESTALE])


def refresh(  # noqa: PLR0913 - where to write, and how
    look: Callable[[], Dashboard],
    shared: str | None,
    output_dir: str | None,
    deadline_s: float | None,
    *,
    lang: str = "en",
    presence: bool = False,
    every_min: int | None = None,
) -> dict[str, Any]:
    """Look once, write the dashboard, and return the protocol's result (see show.refreshed for what it means).

    It is written into `output_dir`, which must be there, else into `<shared>/dashboards`, which is made in a share that
    is there; with `presence` its Markdown twin tells newer services which machines beat. `every_min`: one that is made
    anew so often is current until twice that. Raises CommandError (a wrong argument, no replica was read, not written)
    or StateUnavailableError; no result is returned for what was not read back.
    """
    writer = observer()
    if not is_machine_id(writer):
        raise usage(f"this computer's name {writer[:80]!r} is no machineId, and no file can be named by it")
    if output_dir is None and not shared:
        raise usage("no folder is named to write the dashboard into", "add --output DIR or --shared DIR")
    board = look()
    if every_min is not None:
        board = replace(board, fresh_ms=2 * every_min * 60_000)
    name, style = f"mcp-dashboard-{writer}", Style(lang)
    with typed.about({}):
        texts = {
            f"{name}.svg": badge(board.validation, style),
            f"{name}.html": page(board, style),
            f"{name}.md": dashboard_markdown(board, style, presence=presence),
        }
    files = {file: text.encode("utf-8", "backslashreplace") for file, text in texts.items()}
    folder = put(files, deadline_s or DEFAULT_DEADLINE_S, output_dir, shared or "")
    return refreshed(board, os.path.join(folder, f"{name}.md"))  # noqa: PTH118 - a text, as it is shown


def put(files: Mapping[str, bytes], deadline_s: float, folder: str | None, shared: str = "") -> str:
    """Write `files` (name to content) into `folder`, which is there, else into FOLDER of `shared`; return the path.

    Raises CommandError, with exit code 3 where the share itself is the trouble.
    """
    in_share, named = folder is None, shared if folder is None else folder
    if not named or "\0" in named:
        raise _error(f"{named!r:.80} is no path to a folder", "name a folder that exists", USAGE)
    path = os.path.abspath(named)  # noqa: PTH100 - resolve() touches what may hang
    path = os.path.join(path, FOLDER) if in_share else path  # noqa: PTH118 - a text
    hint = "name a folder that exists and that this user may write into"
    hint = "start the sync product, or write elsewhere: roosync-ops dashboard --output DIR" if in_share else hint

    def write() -> None:
        if in_share:
            _make(shared, path)
        elif not stat.S_ISDIR(os.stat(path).st_mode):  # noqa: PTH116 - one look, and its error
            raise NotADirectoryError(errno.ENOTDIR, "Not a directory", path)
        for name, raw in files.items():
            temporary = os.path.join(path, f".{name}.tmp")  # noqa: PTH118 - as above
            replace_file(os.path.join(path, name), temporary, raw, MODE if in_share else None)  # noqa: PTH118 - as above

    home = default_folder()
    try:
        local.make_folder(str(home))
        with FileLock(home / "publish.lock", timeout=_LOCK_S, mode=local.FILE_MODE):
            BoundedShare(deadline_s).call(write, f"writing {path}")
    except Timeout:
        raise _error(f"{path}: another roosync-ops on this computer is writing", hint, NOT_AS_EXPECTED) from None
    except ShareHungError as error:
        raise _error(f"{path}: no answer within {error.deadline_s:g} s", hint, UNAVAILABLE) from None
    except ValueError as error:  # a lone surrogate in the path
        raise _error(f"{path!r:.80} is no path: {error}", hint, USAGE) from None
    except OSError as error:
        missing = UNAVAILABLE if in_share else USAGE
        code = missing if error.errno in _MISSING else NOT_AS_EXPECTED
        where = error.filename if isinstance(error.filename, str) else path
        unlike = "what was written does not read back the same"
        why = unlike if error.errno == errno.EIO else error.strerror or error
        raise _error(f"{where}: {why}", hint, code) from None
    return path


def _make(shared: str, path: str) -> None:
    """Make a folder of an existing share where it is missing, the share never. A link is refused: it leads anywhere."""
    os.stat(shared)  # noqa: PTH116 - a share that is not there is told as such, not as its folder missing
    with suppress(FileExistsError):  # made before, or delivered by another replica this moment
        os.mkdir(path)  # noqa: PTH102 - as above
    found = os.lstat(path)
    mount_point = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)  # a junction, to Windows no link
    if stat.S_ISLNK(found.st_mode) or (mount_point and getattr(found, "st_reparse_tag", 0) == mount_point):
        raise OSError(errno.EPERM, "it is a link, which is never followed", path)
    if not stat.S_ISDIR(found.st_mode):
        raise OSError(errno.EPERM, "it is no folder", path)


def _error(reason: str, hint: str, code: int) -> CommandError:
    return CommandError("DASHBOARD_NOT_WRITTEN", f"the dashboard was not written: {safe(reason)}", hint, code)
