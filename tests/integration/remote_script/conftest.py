"""A home of its own for each test, and no property that fails on a busy machine: as for the unit tests."""

from tests.unit.conftest import own_home

__all__ = ["own_home"]
