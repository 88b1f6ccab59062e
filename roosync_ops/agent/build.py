"""Which agent this is, its version and the hash of its sources, and where it was started from."""

from __future__ import annotations

import os

import roosync_ops
from roosync_ops import __version__
from roosync_ops.wire.local import sha256_of

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
    path = bundle_path()
    return None if path is None else sha256_of(path)
