"""What is measured of a shared folder, with good ones and bad ones; nothing is left in it."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from roosync_ops.cli import main
from roosync_ops.remote import verify_share as v
from roosync_ops.wire.deadline import BoundedShare
from roosync_ops.wire.folder import ShareUnavailableError
from roosync_ops.wire.times import now_ms
from tests.kits.shares import ours, put


def measured(shared: Path, seconds: float = 0.0) -> dict[str, v.Trait]:
    return {trait.name: trait for trait in v.verify(shared, seconds, BoundedShare(60.0), lambda _text: None)}


def test_a_local_folder_is_good_in_all_but_beats_and_nothing_is_left(tmp_path: Path) -> None:
    traits = measured(tmp_path)
    assert {name: trait.verdict for name, trait in traits.items() if name != "flush"} == {
        "replace": v.GOOD,
        "names": v.GOOD,
        "locks": v.GOOD,
        "propagation": v.UNKNOWN,
    }
    assert list(tmp_path.iterdir()) == []


def test_a_replace_that_empties_the_file_first_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a network file system does it that cannot rename onto a name."""

    def copy(source: Path, target: Path) -> Path:
        target.write_bytes(b"")
        target.write_bytes(source.read_bytes())
        return target

    monkeypatch.setattr(Path, "replace", copy)
    monkeypatch.setattr(v, "_REPLACES", 2000)
    trait = measured(tmp_path)["replace"]
    assert trait.verdict == v.BAD
    assert trait.figures["wrong"] > 0


def test_a_lock_that_excludes_nobody_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fcntl.flock", lambda *_: None)
    assert measured(tmp_path)["locks"].verdict == v.BAD


def test_beats_are_timed_as_they_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(v, "_POLL_S", 0.02)
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
    assert trait.verdict == v.GOOD
    assert 20 <= trait.figures["p50S"] <= trait.figures["p99S"] < 30


@pytest.mark.parametrize(
    ("lags", "verdict"),
    [
        pytest.param([5.0] * 10, v.GOOD, id="seconds"),
        pytest.param([5.0] * 9 + [300.0], v.BAD, id="later-than-the-timeout"),
        pytest.param([-3600.0] * 10, v.UNKNOWN, id="before-they-were-made"),
    ],
)
def test_what_arrivals_say(lags: list[float], verdict: str) -> None:
    assert v._arrivals(lags).verdict == verdict


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ShareUnavailableError):
        measured(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_the_command_says_it_in_json_and_with_its_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify-share", str(tmp_path), "--seconds", "0", "--json"]) in (0, 1)
    assert {row["name"] for row in json.loads(capsys.readouterr().out)["traits"]} >= {"replace", "names", "locks"}
    assert main(["verify-share", str(tmp_path / "none")]) == 3
