"""A fleet that shows a bit of everything, as in the unit tests."""

from tests.unit.show.conftest import fleet, procedure, state, survey, trouble

__all__ = ["fleet", "procedure", "state", "survey", "trouble"]
