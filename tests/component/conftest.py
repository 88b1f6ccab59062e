"""A component test is run as a unit test is: with a home of its own, and no property hurried."""

from tests.unit.conftest import english, own_home

__all__ = ["english", "own_home"]
