"""Four real sshds, and a user of OpenSSH in a home of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.capabilities import need
from tests.kits.ssh_user import User
from tests.kits.sshd import Fleet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    need("sshd")
    with Fleet(tmp_path_factory.mktemp("fleet"), ["m1", "m2", "j1", "j2"]) as fleet:
        yield fleet


@pytest.fixture
def user(tmp_path: Path, servers: Fleet, monkeypatch: pytest.MonkeyPatch) -> User:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return User(home, servers)
