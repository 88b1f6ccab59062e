"""One look for a dashboard: one asking serves the table and the matrix, and a replica that is missing is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.errors import CommandError
from roosync_ops.fleet import Fleet, Machine
from roosync_ops.gather import probe
from roosync_ops.gather.dashboard import dashboard
from roosync_ops.gather.limits import Limits, Probe
from roosync_ops.gather.second import Ssh
from roosync_ops.judge import AgentState, probes
from roosync_ops.judge import ProbeResult as Answer
from roosync_ops.state import StateUnavailableError
from roosync_ops.state.folder import read_folder
from roosync_ops.wire.times import now_ms
from tests.kits.shares import ours, put

if TYPE_CHECKING:
    from pathlib import Path

FLEET = Fleet([Machine.of("a", {}), Machine.of("b", {})])


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        put(tmp_path, ours(name, 2_000, now_ms()))
    return tmp_path


@pytest.fixture(autouse=True)
def _nobody_knocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ssh, "knock", lambda *_: {})


class Asked:
    """Stands in for asking the machines: `a` shows `replica`, `b` is off."""

    def __init__(self, replica: Path | None) -> None:
        self.times = 0
        self.replica = replica

    def __call__(self, *_: Any) -> dict[str, Answer]:
        self.times += 1
        off = Answer("b", AgentState(probes.OFF, detail="no route"))
        if self.replica is None:
            return {"a": Answer("a", AgentState(probes.OFF, detail="no route")), "b": off}
        now = now_ms()
        state = read_folder(self.replica, now)
        return {"a": Answer("a", AgentState(probes.RUNNING, sequence=7), state, None, now, 0, 10), "b": off}


def test_one_asking_serves_the_table_and_the_matrix(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(shared)
    monkeypatch.setattr(probe, "probe", asked)
    board = dashboard(FLEET, str(shared), Limits(), baseline="a", memory=shared, probe=Probe.always)
    assert asked.times == 1
    assert board.matrix is board.validation.evidence
    assert board.matrix is not None
    assert board.matrix.reached == 1
    assert [past.machine_id for past in board.pasts] == ["a", "b"]
    assert board.replica == str(shared)
    assert board.at_ms - (board.newest_ms or 0) >= 2_000


def test_a_replica_that_cannot_be_read_here_is_told(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "probe", Asked(shared))
    board = dashboard(FLEET, str(shared / "gone"), Limits(), baseline="a", memory=shared)
    assert board.replica is None
    assert "does not exist" in str(board.trouble)
    assert board.validation.online == 2


def test_where_nobody_shows_anything_there_is_no_dashboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "probe", Asked(None))
    with pytest.raises(CommandError):
        dashboard(FLEET, str(tmp_path / "gone"), Limits(), baseline="a", memory=tmp_path)
    with pytest.raises(StateUnavailableError):
        dashboard(FLEET, str(tmp_path / "gone"), Limits(), baseline="a", memory=tmp_path, probe=Probe.never)


@pytest.mark.parametrize(("interval", "fresh"), [(30_000, 60_000), (2_000, 6_000), (10_000, 30_000)])
def test_how_long_a_look_is_current_follows_the_beats(shared: Path, interval: int, fresh: int) -> None:
    timing = {"heartbeat_interval": interval, "offline_timeout": 4 * interval}
    fleet = Fleet([Machine.of("a", timing)])
    board = dashboard(fleet, str(shared), Limits(), baseline="a", memory=shared, probe=Probe.never)
    assert board.fresh_ms == fresh
