"""A set of files put into one folder: in one step each, read back, within a deadline, and never through a link."""

import errno
import os
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from filelock import FileLock, Timeout

from roosync_ops.agent.share import replace_file
from roosync_ops.agent.writing import MODE
from roosync_ops.errors import NOT_AS_EXPECTED, UNAVAILABLE, USAGE, CommandError
from roosync_ops.show.text import safe
from roosync_ops.state.memory import default_folder
from roosync_ops.wire import local
from roosync_ops.wire.deadline import BoundedShare, ShareHungError

#: Two writers of this computer take turns; one writes for some ms, or hangs until its deadline.
_LOCK_S: Final = 10.0
_MISSING: Final = frozenset([errno.ENOENT, errno.ENOTDIR, errno.ENOTCONN, errno.ENODEV, errno.ENXIO, errno.ESTALE])


def put_into_share(shared: str, folder: str, files: Mapping[str, bytes], deadline_s: float) -> str:
    """Write `files` (name to content) into `folder` of an existing share, and return the folder's path.

    The folder is made where it is missing, the share never; a folder that is a link is refused, since it may lead
    anywhere. Raises CommandError, with exit code 3 where the share itself is the trouble.
    """
    path = os.path.join(_absolute(shared), folder)  # noqa: PTH118 - a text

    def begin() -> None:
        os.stat(shared)  # noqa: PTH116 - a share that is not there is told as such, not as its folder missing
        with suppress(FileExistsError):  # made before, or delivered by another replica this moment
            os.mkdir(path)  # noqa: PTH102 - as above
        found = os.lstat(path)
        mount_point = getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", None)  # a junction, to Windows no link
        if stat.S_ISLNK(found.st_mode) or (mount_point and getattr(found, "st_reparse_tag", 0) == mount_point):
            raise OSError(errno.EPERM, "it is a link, which is never followed", path)
        if not stat.S_ISDIR(found.st_mode):
            raise OSError(errno.EPERM, "it is no folder", path)

    hint = "start the sync product, or write elsewhere: roosync-ops dashboard --output DIR"
    return _put(begin, path, files, deadline_s, hint, UNAVAILABLE, MODE)


def put_into(output_dir: str, files: Mapping[str, bytes], deadline_s: float) -> str:
    """Write `files` into an existing folder that was named, and return its path. Raises CommandError."""
    path = _absolute(output_dir)

    def begin() -> None:
        if not stat.S_ISDIR(os.stat(path).st_mode):  # noqa: PTH116 - one look, and its error
            raise NotADirectoryError(errno.ENOTDIR, "Not a directory", path)

    return _put(begin, path, files, deadline_s, "name a folder that exists and that this user may write into", USAGE)


def _absolute(path: str) -> str:
    if not path or "\0" in path:
        raise _error(f"{path!r:.80} is no path to a folder", "name a folder that exists", USAGE)
    return os.path.abspath(path)  # noqa: PTH100 - resolve() touches what may hang


def _put(  # noqa: PLR0913, PLR0917 - where, what, how long, and what to say
    begin: Callable[[], None],
    path: str,
    files: Mapping[str, bytes],
    deadline_s: float,
    hint: str,
    missing: int,
    mode: int | None = None,
) -> str:
    def write() -> None:
        begin()
        for name, raw in files.items():
            replace_file(os.path.join(path, name), os.path.join(path, f".{name}.tmp"), raw, mode)  # noqa: PTH118 - as above

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
        code = missing if error.errno in _MISSING else NOT_AS_EXPECTED
        where = error.filename if isinstance(error.filename, str) else path
        unlike = "what was written does not read back the same"
        why = unlike if error.errno == errno.EIO else error.strerror or error
        raise _error(f"{where}: {why}", hint, code) from None
    return path


def _error(reason: str, hint: str, code: int) -> CommandError:
    return CommandError("DASHBOARD_NOT_WRITTEN", f"the dashboard was not written: {safe(reason)}", hint, code)
