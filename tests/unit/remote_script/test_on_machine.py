"""What is done on the machine: an agent that did not arrive whole changes nothing, and nobody else's is touched."""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.remote_script import on_common, on_machine, shell

if TYPE_CHECKING:
    from pathlib import Path


class Stdin:
    def __init__(self, text: str) -> None:
        self.buffer = io.BytesIO(text.encode())


def push(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, data: bytes) -> dict[str, Any]:
    monkeypatch.setattr("sys.stdin", Stdin(text))
    step = {"step": "push", "do": "push", "sha256": hashlib.sha256(data).hexdigest()}
    return on_machine.apply({"do": "apply", "localDir": str(folder), "steps": [step], "look": False})


def test_an_agent_that_arrives_whole_replaces_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "agent.pyz").write_bytes(b"old")
    assert push(tmp_path, monkeypatch, shell.upload(b"new"), b"new")["ok"] is True
    assert (tmp_path / "agent.pyz").read_bytes() == b"new"
    assert (tmp_path / "agent.pyz").stat().st_mode & 0o777 == 0o700
    assert [path.name for path in tmp_path.iterdir()] == ["agent.pyz"]


@pytest.mark.parametrize("cut", [0, 1, 10, 200, -1])
def test_an_upload_that_is_cut_off_leaves_the_old_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    (tmp_path / "agent.pyz").write_bytes(b"old")
    data = bytes(range(256)) * 8
    reply = push(tmp_path, monkeypatch, shell.upload(data)[:cut], data)
    assert reply["failed"]["code"] == "UPLOAD_BROKEN"
    assert (tmp_path / "agent.pyz").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["agent.pyz"]


def test_steps_after_a_failed_one_are_not_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Stdin(""))
    steps = [{"step": "push", "do": "push", "sha256": "0"}, {"step": "configure", "do": "configure", "config": {}}]
    reply = on_machine.apply({"localDir": str(tmp_path), "steps": steps, "look": False})
    assert (reply["done"], reply["failed"]["step"]) == ([], "push")
    assert not (tmp_path / "config.json").exists()


def test_a_configuration_is_written_as_people_can_read_it(tmp_path: Path) -> None:
    config = {"machineId": "a", "shared": "/srv/à côté"}
    step = {"step": "configure", "do": "configure", "config": config}
    on_machine.apply({"localDir": str(tmp_path / "new"), "steps": [step], "look": False})
    text = (tmp_path / "new" / "config.json").read_text("utf-8")
    assert json.loads(text) == config
    assert "/srv/à côté" in text


def test_a_folder_that_cannot_be_written_is_a_failure_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    step = {"step": "configure", "do": "configure", "config": {}}
    reply = on_machine.apply({"localDir": str(tmp_path / "file" / "x"), "steps": [step], "look": False})
    assert reply["failed"]["code"] == "LOCAL_ERROR"
    assert str(tmp_path / "file") in reply["failed"]["message"]


def remove(folder: Path) -> dict[str, Any]:
    return on_machine.apply({"localDir": str(folder), "steps": [{"step": "remove", "do": "remove"}], "look": False})


def test_taking_off_leaves_nothing_of_ours(tmp_path: Path) -> None:
    folder = tmp_path / "roosync"
    instance = folder / "myia-po-2024-0a1b2c3d"
    (instance / "set-aside").mkdir(parents=True)
    for name in ("loop.lock", "journal", "permanence"):
        (instance / name).write_text("")
    for name in ("agent.pyz", "config.json", ".agent.pyz.new"):
        (folder / name).write_text("")
    assert remove(folder)["ok"] is True
    assert list(tmp_path.iterdir()) == []


def test_what_was_set_aside_because_nobody_understood_it_stays_and_is_named(tmp_path: Path) -> None:
    kept = tmp_path / "myia-po-2024-0a1b2c3d" / "set-aside" / "strange.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("?")
    (tmp_path / "agent.pyz").write_text("")
    assert remove(tmp_path)["done"][0]["reply"] == {"kept": [str(kept.parent)]}
    assert kept.read_text() == "?"


def test_nobody_else_s_file_is_touched(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("!")
    folder = tmp_path / "roosync"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    (folder / "backup").mkdir()
    (folder / "myia-po-2024-0a1b2c3d").symlink_to(outside)
    (folder / "agent.pyz").write_text("")
    assert remove(folder)["ok"] is True
    assert {path.name for path in folder.iterdir()} == {"notes.txt", "backup", "myia-po-2024-0a1b2c3d"}
    assert (outside / "precious").read_text() == "!"


def test_taking_off_where_nothing_is_is_no_failure(tmp_path: Path) -> None:
    assert remove(tmp_path / "nowhere")["ok"] is True


@pytest.mark.parametrize(
    ("output", "document"),
    [
        ('{"a": 1}\n', {"a": 1}),
        ('warning: x\n{\n  "a": {\n    "b": 1\n  }\n}\n', {"a": {"b": 1}}),
        ("Traceback (most recent call last):", None),
        ("[1]", None),
        ("", None),
    ],
)
def test_a_verb_s_answer_is_the_document_that_ends_its_output(output: str, document: dict[str, Any] | None) -> None:
    assert on_common.parse_last_line(output) == document
