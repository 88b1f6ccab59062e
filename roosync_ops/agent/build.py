"""Which agent this is: its version, and the hash of the sources it was built from."""

from __future__ import annotations

from roosync_ops import __version__

try:
    from ._build import BUILD_ID  # type: ignore[import-not-found,import-untyped,unused-ignore]  # the bundle alone holds it
except ImportError:
    #: Run from a source tree: no bundle, no hash.
    BUILD_ID = "source"

VERSION: str = __version__
BUILD: str = BUILD_ID
