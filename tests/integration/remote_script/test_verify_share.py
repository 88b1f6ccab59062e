"""What is measured of a shared folder, with good ones and bad ones; nothing is left in it."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest

from roosync_ops.cli import main
from roosync_ops.gather import verify_share as v
from roosync_ops.judge.shares import Trait, uncorrected
from roosync_ops.remote_script import on_measure as m
from roosync_ops.remote_script.facts_model import MeasuredSighting
from roosync_ops.show import schemas
from roosync_ops.wire.deadline import BoundedShare
from roosync_ops.wire.times import now_ms, to_iso
from tests.kits.shares import ours, put


def measured(shared: Path, seconds: float = 0.0) -> dict[str, Trait]:
    traits, seen = v.verify(shared, seconds, BoundedShare(60.0), lambda _text: None)
    return {trait["name"]: trait for trait in [*traits, uncorrected(seen, seconds)]}


def test_a_local_folder_is_good_in_all_but_beats_and_nothing_is_left(tmp_path: Path) -> None:
    traits = measured(tmp_path)
    assert {name: trait["verdict"] for name, trait in traits.items() if name != "flush"} == {
        "replace": m.GOOD,
        "names": m.GOOD,
        "locks": m.GOOD,
        "propagation": m.UNKNOWN,
    }
    assert list(tmp_path.iterdir()) == []


def test_a_replace_that_empties_the_file_first_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a network file system does it that cannot rename onto a name."""

    def copy(source: str, target: str) -> None:
        Path(target).write_bytes(b"")
        Path(target).write_bytes(Path(source).read_bytes())

    monkeypatch.setattr("os.replace", copy)
    monkeypatch.setattr(m, "_REPLACES", 2000)
    trait = measured(tmp_path)["replace"]
    assert trait["verdict"] == m.BAD
    assert trait["wrong"] > 0


def test_a_lock_that_excludes_nobody_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fcntl.flock", lambda *_: None)
    assert measured(tmp_path)["locks"]["verdict"] == m.BAD


def test_beats_are_timed_as_they_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(m, "_POLL_S", 0.02)
    put(tmp_path, ours("m1", 0, now_ms(), sequence=1))
    over = threading.Event()

    def beat() -> None:
        number = 1
        while not over.wait(0.05):
            number += 1
            put(tmp_path, ours("m1", 20_000, now_ms(), sequence=number), "m1.tmp").replace(
                tmp_path / "heartbeats/m1.json"
            )

    writer = threading.Thread(target=beat)
    writer.start()
    try:
        trait = measured(tmp_path, 2.0)["propagation"]
    finally:
        over.set()
        writer.join()
    assert trait["verdict"] == m.GOOD
    assert 20 <= trait["p50S"] <= trait["p99S"] < 30


@pytest.mark.parametrize(
    ("lags", "verdict"),
    [
        pytest.param([5.0] * 10, m.GOOD, id="seconds"),
        pytest.param([5.0] * 9 + [300.0], m.BAD, id="later-than-the-timeout"),
        pytest.param([-3600.0] * 10, m.UNKNOWN, id="before-they-were-made"),
    ],
)
def test_what_arrivals_say(lags: list[float], verdict: str) -> None:
    made = to_iso(0)
    seen = [MeasuredSighting(machine_id="m1", beat=made, seen_ms=round(lag * 1000)) for lag in lags]
    assert uncorrected(seen, 60.0)["verdict"] == verdict


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="none"):
        measured(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_the_command_says_it_in_json_and_with_its_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify-share", str(tmp_path), "--seconds", "0", "--json"]) in (0, 1)
    document = schemas.of("verify-share").validate_python(json.loads(capsys.readouterr().out))
    assert [row["name"] for row in document["traits"]] == ["replace", "names", "locks", "flush", "propagation"]
    assert document["machines"] == document["propagation"] == []
    assert main(["verify-share", str(tmp_path / "none")]) == 3
    assert main(["verify-share"]) == 2


def test_what_a_run_that_was_killed_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    for name in (".roosync-verify-0a1b2c3d", ".roosync-verify-mine", ".roosync-verify-ffffffff", "heartbeats"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "flushed-0").write_text("x")
        os.utime(tmp_path / name, (time.time() - 3_600,) * 2)
    os.utime(tmp_path / ".roosync-verify-ffffffff")  # it may be at work just now
    measured(tmp_path)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == [".roosync-verify-ffffffff", ".roosync-verify-mine", "heartbeats"]


def test_a_share_that_takes_no_folder_is_told_and_watched_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.mkdir", refuse)
    parts = list(m.work({"shared": str(tmp_path), "token": "0a1b2c3d", "seconds": 0}))
    assert parts == [{"problem": ["SHARE_REFUSED", "a folder cannot be made in it: Permission denied"]}, {}]


def test_only_new_beats_of_records_that_can_be_read_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, ours("m1", 0, now_ms(), sequence=1))
    put(tmp_path, ours("m2", 0, now_ms(), sequence=1), "m2 (1).json")
    (tmp_path / "heartbeats" / "m3.json").write_text('{"agent": {"sequence": [')
    waits = iter((2, 3))

    def sleep(_seconds: float) -> None:
        number = next(waits)
        put(tmp_path, ours("m1", 0, now_ms(), sequence=number))
        put(tmp_path, ours("m2", 0, now_ms(), sequence=number), "m2 (1).json")
        put(tmp_path, ours("m4", 0, now_ms(), sequence=number))

    monkeypatch.setattr("time.sleep", sleep)
    monkeypatch.setattr("time.monotonic", iter((0.0, 0.0, 1.0, 9.0)).__next__)
    seen = [(one["machineId"], one["sequence"]) for one in m.beats(str(tmp_path), 5.0) if one]
    assert sorted(seen) == [("m1", 2), ("m1", 3), ("m4", 3)]
