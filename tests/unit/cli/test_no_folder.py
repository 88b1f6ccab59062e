"""Readers judge what a source gives that is no folder: whose each record is, it says; how old, by when it arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from roosync_ops.judge.observe import ARRIVAL, TIMESTAMP, observation
from roosync_ops.judge.probes import Knowledge
from roosync_ops.state import SharedState, StateUnavailableError
from roosync_ops.state.shared import assemble
from roosync_ops.wire import findings as f
from roosync_ops.wire.merge import FILE, Snapshot, Source
from roosync_ops.wire.times import now_ms
from tests.kits.shares import NOW, ours

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.cli.conftest import Done

    Run = Callable[..., Done]

URL = "engine://hub.example:4222/roosync"
HOUR = 3_600_000


class Engine:
    """Keeps, by machine, a record's age by its own clock and for how long it has been there."""

    def __init__(self, **machines: tuple[int, int]) -> None:
        self.machines = machines
        self.gone = False

    def __call__(self) -> SharedState:
        if self.gone:
            raise StateUnavailableError("the hub cannot be reached", "roosync-ops hub check")
        return self.read(now_ms())

    def read(self, at_ms: int) -> SharedState:
        read = Snapshot(at_ms)
        for number, (name, (age_ms, here_ms)) in enumerate(self.machines.items()):
            entry = Source(read, f"#{number}", name)
            read.seen += 1
            entry.accept(ours(name, age_ms, at_ms), name, FILE)
            read.evidence[-1].arrived_ms = at_ms - here_ms
        return assemble(URL, read)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine()
    monkeypatch.setattr("roosync_ops.gather.source.open_source", lambda _url, _deadline_s: engine)
    return engine


@pytest.mark.parametrize(
    ("age_ms", "here_ms", "word", "code"),
    [
        pytest.param(HOUR, 2_000, "online", 0, id="its-clock-is-an-hour-behind"),
        pytest.param(-HOUR, 300_000, "offline", 1, id="its-clock-is-an-hour-ahead"),
        pytest.param(300_000, 300_000, "offline", 1, id="silent"),
    ],
)
def test_a_machine_is_as_old_as_its_records_arrival_whatever_its_clock_says(  # noqa: PLR0913, PLR0917
    run: Run, engine: Engine, age_ms: int, here_ms: int, word: str, code: int
) -> None:
    engine.machines = {"a": (age_ms, here_ms)}
    done = run("validate", "--shared", URL, "--probe", "never", "--json")
    row = done.document["machines"][0]
    assert (done.code, row["observed"]) == (code, word)
    assert here_ms <= row["ageMs"] < here_ms + 60_000
    assert done.document["shared"] == URL


def test_an_engine_that_cannot_be_reached_is_3_with_its_own_words(run: Run, engine: Engine) -> None:
    engine.gone = True
    done = run("validate", "--shared", URL, "--probe", "never")
    assert (done.code, done.next) == (3, "roosync-ops hub check")


def test_by_arrival_a_patient_reader_and_an_impatient_one_see_the_same_age() -> None:
    state = Engine(a=(HOUR, 40_000)).read(NOW)
    for known in (Knowledge(), Knowledge(patience_ms=60_000)):
        row = observation("a", state, NOW, known=known)
        assert (row.age_ms, row.basis, row.observed) == (40_000, ARRIVAL, "online")
    state.machines["a"].arrived_ms = None
    assert observation("a", state, NOW).basis == TIMESTAMP


def test_a_finding_is_about_the_machine_that_its_source_names() -> None:
    read = Snapshot(NOW)
    Source(read, "#7", "a").report(f.TRUNCATED, "half a record")
    Source(read, "heartbeats/b.json").report(f.TRUNCATED, "whose it is, was not said")
    state = assemble(URL, read)
    assert [(item.file, item.kind) for item in state.findings_about("a")] == [("#7", f.TRUNCATED)]
    assert not state.findings_about("b")
