"""What is done on the machine to have its share measured: bounded, partial where it hangs, and nothing left behind."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.remote import on_measure, on_verify
from roosync_ops.remote.facts_model import Measured
from roosync_ops.remote.travel import source

if TYPE_CHECKING:
    from pathlib import Path

TAG = "0a1b2c3d"
#: A program that measures one thing and then hangs, with its folder made; asked to clean, it does.
HANGS = inspect.getsource(on_measure).replace(
    'if __name__ == "__main__":',
    "def names(place):\n    time.sleep(600)\n\n\nMEASURES = (replace, names)\nif __name__ == '__main__':",
)


def verify(share: Path, monkeypatch: pytest.MonkeyPatch, program: str, limit: float = 60.0) -> Measured:
    monkeypatch.setattr(on_verify, "MEASURE", program)
    request = {"do": "verify", "localDir": str(share.parent / "agent"), "shared": str(share), "token": TAG}
    return Measured.model_validate_json(json.dumps(on_verify.verify({**request, "seconds": 0.0, "limit": limit})))


def test_everything_is_measured_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    share = tmp_path / "dossier partagé"
    share.mkdir()
    found = verify(share, monkeypatch, inspect.getsource(on_measure))
    assert [one.name for one in found.traits] == ["replace", "names", "locks", "flush"]
    assert (found.shared, found.problem, found.removed) == (str(share), None, True)
    assert list(share.iterdir()) == []


def test_a_share_that_hangs_is_told_with_what_was_measured_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    share = tmp_path / "share"
    share.mkdir()
    found = verify(share, monkeypatch, HANGS, limit=4.0)
    assert [one.name for one in found.traits] == ["replace"]
    assert found.problem is not None
    assert found.problem[0] == "SHARE_HUNG"
    assert found.removed
    assert list(share.iterdir()) == []


def test_the_share_is_the_one_its_agent_is_configured_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent" / "config.json").write_text(json.dumps({"shared": str(tmp_path / "another")}))
    (tmp_path / "share").mkdir()
    found = verify(tmp_path / "share", monkeypatch, inspect.getsource(on_measure))
    assert found.shared == str(tmp_path / "another")
    assert found.problem == ["SHARE_MISSING", "there is no such folder"]
    assert not (tmp_path / "another").exists()


def test_tidying_removes_what_that_run_left_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_verify, "MEASURE", inspect.getsource(on_measure))
    for token in (TAG, "ffffffff"):
        (tmp_path / f".roosync-verify-{token}").mkdir()
    reply = on_verify.tidy({"do": "tidy", "shared": str(tmp_path), "localDir": str(tmp_path), "token": TAG})
    assert reply["removed"]
    assert [path.name for path in tmp_path.iterdir()] == [".roosync-verify-ffffffff"]


@pytest.mark.parametrize("system", ["posix", "windows"])
def test_it_travels_only_where_it_is_asked_for(system: Any) -> None:
    assert "def verify(" not in source(system)
    for do in ("verify", "tidy"):
        text = source(system, do)
        compile(text, "travels", "exec")
        assert "def verify(" in text
        assert repr(inspect.getsource(on_measure)) in text
