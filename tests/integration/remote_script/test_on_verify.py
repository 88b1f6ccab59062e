"""What is done on the machine to have its share measured: bounded, partial where it hangs, and nothing left behind."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from roosync_ops.remote_script import bundle, on_measure, on_tidy, on_verify, travel
from roosync_ops.remote_script.facts_model import Measured, Tended
from roosync_ops.remote_script.travel import source
from tests.kits.shares import ours, put

TAG = "0a1b2c3d"
#: A program that measures one thing and then hangs, with its folder made; asked to clean, it does.
HANGS = travel.program(on_measure) + "\n\ndef names(place):\n    time.sleep(600)\n\n\nMEASURES = (replace, names)\n"


def verify(share: Path, monkeypatch: pytest.MonkeyPatch, program: str, limit: float = 60.0) -> Measured:
    monkeypatch.setattr(on_verify, "MEASURE", program)
    request = {"do": "verify", "localDir": str(share.parent / "agent"), "shared": str(share), "token": TAG}
    return Measured.model_validate_json(json.dumps(on_verify.verify({**request, "seconds": 0.0, "limit": limit})))


def test_everything_is_measured_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    share = tmp_path / "dossier partagé"
    share.mkdir()
    found = verify(share, monkeypatch, travel.program(on_measure))
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
    found = verify(tmp_path / "share", monkeypatch, travel.program(on_measure))
    assert found.shared == str(tmp_path / "another")
    assert found.problem == ["SHARE_MISSING", "there is no such folder"]
    assert not (tmp_path / "another").exists()


def test_tidying_removes_what_that_run_left_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_verify, "MEASURE", travel.program(on_measure))
    for token in (TAG, "ffffffff"):
        (tmp_path / f".roosync-verify-{token}").mkdir()
    reply = on_verify.tidy({"do": "tidy", "shared": str(tmp_path), "localDir": str(tmp_path), "token": TAG})
    assert reply["removed"]
    assert [path.name for path in tmp_path.iterdir()] == [".roosync-verify-ffffffff"]


@pytest.mark.parametrize("system", ["posix", "windows"])
def test_it_travels_only_where_it_is_asked_for(system: Any) -> None:
    assert "def verify(" not in source(system)
    for do in ("verify", "tidy", "tend"):
        text = source(system, do)
        compile(text, "travels", "exec")
        assert "def verify(" in text
        assert repr(travel.program(on_measure)) in text
        assert repr(travel.program(on_tidy)) in text


@pytest.fixture
def enrolled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return a request to tend a share with two records, no view, and litter, where the agent is the one we ship."""
    monkeypatch.setattr(on_verify, "TIDY", travel.program(on_tidy))
    local = tmp_path / "dossier de l'agent"
    local.mkdir()
    (local / "agent.pyz").write_bytes(bundle.build().data)
    share = tmp_path / "share"
    share.mkdir()
    for name in ("m1", "m2"):
        put(share, ours(name))
    (share / "heartbeats" / ".m1.tmp").write_text("x")
    os.utime(share / "heartbeats" / ".m1.tmp", (0, 0))
    return {"do": "tend", "localDir": str(local), "shared": str(share), "limit": 60.0}


@pytest.mark.parametrize("rebuild", [True, False])
@pytest.mark.parametrize("dry", [True, False])
def test_a_view_is_rebuilt_and_orphans_swept_only_as_asked(
    enrolled: dict[str, Any], *, rebuild: bool, dry: bool
) -> None:
    reply = on_verify.tend({**enrolled, "rebuild": rebuild, "dry": dry})
    found = Tended.model_validate_json(json.dumps(reply))
    assert (found.rebuilt, found.files) == (2 if rebuild and not dry else None, ["heartbeats/.m1.tmp"])
    share = Path(enrolled["shared"])
    assert (share / "heartbeat.json").exists() == (rebuild and not dry)
    assert (share / "heartbeats" / ".m1.tmp").exists() == dry


def test_an_agent_that_cannot_do_it_is_told(enrolled: dict[str, Any]) -> None:
    Path(enrolled["localDir"], "agent.pyz").write_bytes(b"no zip archive")
    reply = on_verify.tend({**enrolled, "rebuild": True, "dry": False})
    assert reply["problem"][0] == "NOT_OUR_AGENT"
    assert not Path(enrolled["shared"], "heartbeat.json").exists()


@pytest.mark.parametrize("name", ["../../etc/passwd", "heartbeats/m.json", "\x1b[2J.tmp", "heartbeats/../.x.tmp"])
def test_what_a_machine_says_it_removed_must_be_a_name_of_ours(name: str) -> None:
    with pytest.raises(ValidationError):
        Tended.model_validate({"files": [name]})
