"""Which agent this is, its version and the hash of its sources, and where it was started from."""

from __future__ import annotations

import os

import roosync_ops
from roosync_ops import __version__

try:
    from ._build import BUILD_ID  # type: ignore[import-not-found,import-untyped,unused-ignore]  # the bundle alone holds it
except ImportError:
    #: Run from a source tree: no bundle, no hash.
    BUILD_ID = "source"

VERSION: str = __version__
BUILD: str = BUILD_ID


def bundle_path() -> str | None:
    """Return the absolute path of the zipapp this code was loaded from, None for a source tree."""
    archive = getattr(roosync_ops.__loader__, "archive", None)
    return os.path.abspath(archive) if isinstance(archive, str) else None


def source_root() -> str:
    """Return the folder that holds the `roosync_ops` package, or the zipapp itself: what sys.path needs."""
    return bundle_path() or os.path.dirname(os.path.dirname(os.path.abspath(roosync_ops.__file__)))


def bundle_sha256() -> str | None:
    """Return the zipapp's SHA-256 in hex, None for a source tree or a file that has gone since."""
    import hashlib  # noqa: PLC0415 - OpenSSL is 3 MB; only `version` and `status` ask

    path = bundle_path()
    if path is None:
        return None
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return None
