from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from roosync_ops.lab.fleet import LabFleet

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def lab() -> Iterator[LabFleet]:
    """A fleet without any agent: two of its machines are switched off."""
    with LabFleet() as fleet:
        yield fleet
