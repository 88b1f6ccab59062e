"""What is done on the machine: an agent that did not arrive whole changes nothing, and nobody else's is touched."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.remote_script import on_common, on_machine
from roosync_ops.remote_script import question as shell

if TYPE_CHECKING:
    from pathlib import Path


class Stdin:
    def __init__(self, text: str) -> None:
        self.buffer = io.BytesIO(text.encode())


NEW = "agent-0123456789abcdef.pyz"


def push(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, data: bytes) -> dict[str, Any]:
    monkeypatch.setattr("sys.stdin", Stdin(text))
    step = {"step": "push", "do": "push", "sha256": hashlib.sha256(data).hexdigest(), "agent": NEW}
    return on_machine.apply({"do": "apply", "localDir": str(folder), "steps": [step], "look": False})


def test_an_agent_that_arrives_whole_lies_beside_the_one_that_may_be_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "agent.pyz").write_bytes(b"old")
    assert push(tmp_path, monkeypatch, shell.uploaded(b"new"), b"new")["ok"] is True
    assert (tmp_path / "agent.pyz").read_bytes() == b"old"
    assert (tmp_path / NEW).read_bytes() == b"new"
    assert (tmp_path / NEW).stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in tmp_path.iterdir()) == [NEW, "agent.pyz"]


def test_an_upload_that_another_rollout_of_this_build_took_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / NEW).write_bytes(b"new")
    assert push(tmp_path, monkeypatch, "", b"new")["ok"] is True
    assert push(tmp_path, monkeypatch, "", b"other")["failed"]["code"] == "UPLOAD_BROKEN"
    assert (tmp_path / NEW).read_bytes() == b"new"


def test_what_was_pushed_and_is_not_run_takes_up_no_room_after_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "agent.pyz").write_bytes(b"old")
    monkeypatch.setattr("sys.stdin", Stdin(shell.uploaded(b"new")))
    monkeypatch.setattr(on_machine, "ask", lambda *_: {"success": False, "code": "NOT_OUR_AGENT"})
    steps = [
        {"step": "push", "do": "push", "sha256": hashlib.sha256(b"new").hexdigest(), "agent": NEW},
        {"step": "start", "do": "verb", "argv": ["restart"], "limit": 5},
    ]
    reply = on_machine.apply({"localDir": str(tmp_path), "steps": steps, "look": False, "agent": NEW})
    assert (reply["failed"]["code"], reply["agentSha256"]) == ("NOT_OUR_AGENT", hashlib.sha256(b"old").hexdigest())
    assert [path.name for path in tmp_path.iterdir()] == ["agent.pyz"]


def test_a_first_agent_that_a_full_disk_cannot_start_goes_wholly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(folder: str, *_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", folder)

    folder = tmp_path / "roosync"
    monkeypatch.setattr("sys.stdin", Stdin(shell.uploaded(b"new")))
    monkeypatch.setitem(on_machine._STEPS, "configure", full)
    steps = [
        {"step": "push", "do": "push", "sha256": hashlib.sha256(b"new").hexdigest(), "agent": NEW},
        {"step": "configure", "do": "configure", "config": {}},
    ]
    reply = on_machine.apply({"localDir": str(folder), "steps": steps, "agent": NEW})
    assert reply["failed"]["code"] == "LOCAL_ERROR"
    assert "No space left" in reply["failed"]["message"]
    assert (reply["agentSha256"], reply["status"]) == (None, None)
    assert not folder.exists()


def test_only_what_a_rollout_that_was_cut_off_left_long_ago_is_swept(tmp_path: Path) -> None:
    old, new = tmp_path / ".config.json.17.new", tmp_path / ".config.json.18.new"
    for path, age_s in ((old, on_machine.CUT_S + 60), (new, 0)):
        path.write_text("")
        os.utime(path, (time.time() - age_s,) * 2)
    on_machine.replace(str(tmp_path), "config.json", b"{}", 0o644)
    assert sorted(path.name for path in tmp_path.iterdir()) == [new.name, "config.json"]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (
            {"cause": "DISK_FULL", "detail": "/x: full", "message": "x"},
            "no space is left on the machine's own disk: /x: full",
        ),
        (
            {"cause": "SHARE_HUNG", "detail": None, "message": "x"},
            "the share gives no answer; the loop was not stopped",
        ),
        ({"cause": "NEWER", "message": "ce que dit un agent plus récent"}, "ce que dit un agent plus récent"),
    ],
)
def test_what_an_agent_s_failure_is_caused_by_is_said_in_english(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reply: dict[str, str | None], said: str
) -> None:
    monkeypatch.setattr(on_machine, "ask", lambda *_: {"success": False, "code": "X", **reply})
    with pytest.raises(on_common.StepError) as failed:
        on_machine.run_verb(str(tmp_path / "agent.pyz"), ["restart"], 5)
    assert (failed.value.code, str(failed.value)) == ("X", said)


def test_an_agent_of_before_there_was_a_restart_is_stopped_and_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def ask(_agent: str, argv: list[str], _limit_s: float) -> dict[str, Any]:
        asked.append(argv)
        known = argv[0] != "restart"
        return {"success": known} if known else {"success": False, "code": "HEARTBEAT_UNKNOWN_ACTION"}

    monkeypatch.setattr(on_machine, "ask", ask)
    on_machine.run_verb(str(tmp_path / "agent.pyz"), ["restart"], 5)
    assert asked == [["restart"], ["stop", "--no-save-state"], ["start"]]


@pytest.mark.parametrize("cut", [0, 1, 10, 200, -1])
def test_an_upload_that_is_cut_off_leaves_the_old_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: int
) -> None:
    (tmp_path / "agent.pyz").write_bytes(b"old")
    data = bytes(range(256)) * 8
    reply = push(tmp_path, monkeypatch, shell.uploaded(data)[:cut], data)
    assert reply["failed"]["code"] == "UPLOAD_BROKEN"
    assert (tmp_path / "agent.pyz").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["agent.pyz"]


def test_steps_after_a_failed_one_are_not_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Stdin(""))
    steps = [
        {"step": "push", "do": "push", "sha256": "0", "agent": NEW},
        {"step": "configure", "do": "configure", "config": {}},
    ]
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
    ours = ["agent.pyz", NEW, "config.json", ".agent.pyz.new", f".{NEW}.17.new", ".config.json.3.new"]
    ours += [f"answer-f0775d4606448870{ending}" for ending in ("", ".tmp", ".log")]
    for name in ours:
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


OTHER = "agent-eeeeeeeeeeeeeeee.pyz"


def met(folder: Path, monkeypatch: pytest.MonkeyPatch, ours: str, over: bytes, *answers: dict[str, Any]) -> list[str]:
    """Start `ours` where OTHER is named, and return which agents were asked; each has `answers`, one after another."""
    asked, left = [], iter(answers)

    def ask(agent: str, argv: list[str], _limit_s: float) -> dict[str, Any]:
        asked.append(agent.rpartition(os.sep)[2])
        assert argv == ["restart", "--to", ours]
        return next(left)

    (folder / "agent.pyz").write_text(f"# builds: {OTHER}\n")
    (folder / OTHER).write_bytes(b"other")
    (folder / ours).write_bytes(b"ours")
    monkeypatch.setattr(on_machine, "ask", ask)
    step = {"argv": ["restart"], "limit": 5, "over": hashlib.sha256(over).hexdigest()}
    on_machine._start(str(folder / ours), step)
    return asked


def test_of_two_rollouts_that_meet_the_build_of_the_greater_name_stays_whoever_came_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(on_common.StepError, match=f"build {'e' * 16} there since, in the place of 0123456789abcdef"):
        met(tmp_path, monkeypatch, NEW, b"nothing of it")
    assert met(tmp_path, monkeypatch, "agent-ffffffffffffffff.pyz", b"", {"success": True}) == [OTHER]


def test_what_was_there_when_a_rollout_looked_is_replaced_whatever_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert met(tmp_path, monkeypatch, NEW, b"other", {"success": True}) == [OTHER]


def test_a_build_that_finds_another_one_named_in_its_turn_hands_over_to_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert met(tmp_path, monkeypatch, NEW, b"other", {"code": "REPLACED"}, {"success": True}) == [OTHER] * 2


def test_a_build_that_knows_no_trials_is_replaced_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, ours = f"agent-{'0' * 16}.pyz", f"agent-{'1' * 16}.pyz"
    (tmp_path / "agent.pyz").write_text(f"# builds: {before}\n")
    asked: list[tuple[str, list[str]]] = []

    def ask(agent: str, argv: list[str], _limit_s: float) -> dict[str, Any]:
        asked.append((agent.rpartition(os.sep)[2], argv))
        return {"success": True} if agent.endswith(ours) else {"code": "HEARTBEAT_UNKNOWN_ACTION"}

    monkeypatch.setattr(on_machine, "ask", ask)
    on_machine._start(str(tmp_path / ours), {"argv": ["restart"], "limit": 5, "over": None})
    assert asked == [(before, ["restart", "--to", ours]), (ours, ["restart"])]
