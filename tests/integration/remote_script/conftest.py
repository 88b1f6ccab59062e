"""A home of its own for each test, and no property that fails on a busy machine: as for the unit tests."""

from tests.unit.conftest import one_cache, own_home

__all__ = ["one_cache", "own_home"]
