"""Faults of the file-sync product in the lab: whose share, whose uploads, whose downloads, or this computer's own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.lab.fleet import ADMIN, LabFleet
from roosync_ops.show import schemas
from tests.kits.hosts import PATIENCE_S
from tests.kits.product import roosync_ops

if TYPE_CHECKING:
    from collections.abc import Iterator

FAULTS = {
    "myia-po-2023": ("upload-stall", "uploads-stalled"),
    "myia-po-2024": ("read-only", "share-read-only"),
    "myia-po-2025": (None, "well"),
    "myia-web1": ("download-stall", "downloads-stalled"),
    ADMIN: ("download-stall", "own-replica-stale"),
}
MACHINES = [name for name in FAULTS if name != ADMIN]

pytestmark = pytest.mark.mounts


@pytest.fixture(scope="module")
def lab() -> Iterator[LabFleet]:
    with LabFleet() as fleet:
        for name in MACHINES:
            fleet.activate(name)
        yield fleet


def test_each_fault_is_told_where_it_is_all_at_once(lab: LabFleet) -> None:
    for name, (fault, _) in FAULTS.items():
        assert fault is None or lab.fault(fault, name)
    wanted = {name: cause for name, (_, cause) in FAULTS.items()}
    end = time.monotonic() + PATIENCE_S
    while (document := look(lab))["causes"] != wanted:  # faults show when a few beats are missing
        assert time.monotonic() < end, document
    observed = {row["machineId"]: row["observed"] for row in document["machines"]}
    assert [observed[name] for name in MACHINES] == ["offline", "offline", "online", "online"]


def look(lab: LabFleet) -> dict[str, Any]:
    """Return what --json says, and the causes by machine, this computer's own among them."""
    answer = roosync_ops("diagnose", "-i", lab.inventory, "--shared", lab.shared, "--json")
    document: dict[str, Any] = schemas.of("diagnose").validate_python(answer.document)
    causes = {row["machineId"]: row["cause"] for row in document["machines"] if row["machineId"] in FAULTS}
    return {**document, "causes": {**causes, ADMIN: document["here"]["cause"]}}
