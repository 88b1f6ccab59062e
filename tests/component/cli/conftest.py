"""The command line in this process, as in the unit tests."""

from tests.unit.cli.conftest import beat, place, run

__all__ = ["beat", "place", "run"]
