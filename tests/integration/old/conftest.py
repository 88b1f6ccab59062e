from pathlib import Path

import pytest

from tests.integration.agent.conftest import make_agent, pyz

__all__ = ["make_agent", "pyz"]


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A shared state of the fleet, in which nobody has beaten yet."""
    folder = tmp_path / "shared folder"
    (folder / "dashboards").mkdir(parents=True)
    return folder
