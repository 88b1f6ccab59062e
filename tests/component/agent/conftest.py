"""Agents on a virtual clock, as in the unit tests."""

from tests.unit.agent.conftest import disks_at_rest, make_rig, replaced, rig, shared

__all__ = ["disks_at_rest", "make_rig", "replaced", "rig", "shared"]
