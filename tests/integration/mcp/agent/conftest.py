"""The tools in this process, as for their unit tests, where they start the real agent."""

from tests.component.mcp.conftest import assistant, settings, shared
from tests.unit.conftest import own_home

__all__ = ["assistant", "own_home", "settings", "shared"]
