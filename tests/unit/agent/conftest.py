import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.kits.virtual_agent import Rig


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    folder = tmp_path / "shared"
    folder.mkdir()
    return folder


@pytest.fixture
def replaced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are replaced during the test, in order."""
    names: list[str] = []
    real = os.replace

    def replace(source: str, target: str) -> None:
        names.append(Path(target).name)
        real(source, target)

    monkeypatch.setattr("os.replace", replace)
    return names


@pytest.fixture
def rig(tmp_path: Path, shared: Path) -> Rig:
    return Rig(tmp_path, shared)


@pytest.fixture
def make_rig(tmp_path: Path, shared: Path) -> Callable[..., Rig]:
    def make(machine_id: str, **config: Any) -> Rig:
        return Rig(tmp_path / machine_id, shared, machine_id, **config)

    return make


@pytest.fixture(autouse=True)
def disks_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of beats in a second: what fsync is for is proved by killing, in tests/integration/agent."""
    monkeypatch.setattr("os.fsync", lambda _: None)
    monkeypatch.setattr("os.fdatasync", lambda _: None)
