"""The command line as for its unit tests, where it starts real processes."""

from tests.unit.cli.conftest import beat, place, run
from tests.unit.conftest import own_home

__all__ = ["beat", "own_home", "place", "run"]
