from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from roosync_ops.remote_script import bundle
from tests.kits.agent_process import Agent


@pytest.fixture(scope="session")
def pyz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "agent.pyz"
    bundle.build(path)
    return path


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    folder = tmp_path / "shared folder"
    folder.mkdir()
    return folder


@pytest.fixture
def make_agent(pyz: Path, tmp_path: Path, shared: Path) -> Iterator[Callable[..., Agent]]:
    made: list[Agent] = []

    def make(**options: Any) -> Agent:
        agent = Agent(pyz, options.pop("root", tmp_path), options.pop("shared", shared), **options)
        made.append(agent)
        return agent

    yield make
    for agent in made:
        agent.end()


@pytest.fixture
def agent(make_agent: Callable[..., Agent]) -> Agent:
    return make_agent()
