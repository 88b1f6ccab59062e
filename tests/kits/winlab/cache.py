"""The kit's folder in the user's cache: what is in it is whole, made once, and not removed under a fleet."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path


def cache() -> Path:
    """Return the kit's folder in the user's cache."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "roosync-ops" / "winlab"


def obtain(name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder `name`, having it made where it is not there.

    Of two that want the same one makes it and the other waits. It gets its name when it is whole; what was left half
    made by a kill is made again.
    """
    folder = cache() / name
    if not folder.is_dir():
        with _locked(folder):
            if not folder.is_dir():
                scratch = folder.with_name(f"{name}.building")
                shutil.rmtree(scratch, ignore_errors=True)
                scratch.mkdir()
                make(scratch)
                scratch.rename(folder)
    return folder


def hold(folder: Path) -> int:
    """Keep others from removing `folder` while the descriptor returned is open."""
    descriptor = os.open(_lock_of(folder), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def new_folder(kind: str) -> tuple[Path, int]:
    """Make a folder under `kind` that lasts while the descriptor returned is open in any process.

    One whose descriptors are all closed was left by a crash, and is removed when the next one is made.
    """
    with _locked(cache() / kind):
        (cache() / kind).mkdir(exist_ok=True)
        for path in (cache() / kind).iterdir():
            with contextlib.suppress(BlockingIOError, FileNotFoundError):
                os.close(_held(path))
                shutil.rmtree(path, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(dir=cache() / kind))
        return folder, _held(folder)


def forget_all_but(kept: Path, pattern: str) -> None:
    """Remove the folders of older recipes that match `pattern` and that no fleet holds."""
    for path in cache().glob(pattern):
        if path.is_dir() and path != kept:
            with contextlib.suppress(BlockingIOError), _lock_of(path).open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)


def _held(folder: Path) -> int:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    return descriptor


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _lock_of(folder).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")
