"""The tools in this process, as for their unit tests, where they start the real agent."""

from tests.unit.conftest import _own_home as own_home
from tests.unit.mcp.conftest import assistant, settings, shared

__all__ = ["assistant", "own_home", "settings", "shared"]
