"""What a share that really hangs takes of this machine."""

import os

import pytest

needs_fuse = pytest.mark.skipif(
    not os.access("/dev/fuse", os.R_OK | os.W_OK), reason="a share that hangs takes a /dev/fuse that this user may open"
)
