"""A component test is run as a unit test is: with a home of its own, and no property hurried."""

from tests.unit.conftest import own_home

__all__ = ["own_home"]
