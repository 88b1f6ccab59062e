"""What the verbs answer, word for word as wire/README.md has it; one JSON document whatever happens."""

import json
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from roosync_ops.agent.answer import lines, printable
from roosync_ops.agent.main import main
from roosync_ops.state import from_document
from roosync_ops.state.folder import read_folder
from roosync_ops.wire.times import from_iso
from tests.kits.shares import heartbeat, ours, put

Ask = Any


@pytest.fixture
def ask(tmp_path: Path, shared: Path, capsys: pytest.CaptureFixture[str]) -> Ask:
    def ask(*words: str, code: int = 0, identity: str = "myia-web1", share: Path = shared) -> Any:
        where = ["--shared", str(share), "--local-dir", str(tmp_path / "local"), "--machine-id", identity, "--json"]
        assert main([*words, *where]) == code
        out, err = capsys.readouterr()
        assert err == ""
        return json.loads(out)

    return ask


def test_register_answers_word_for_word(ask: Ask, shared: Path) -> None:
    answer = ask("register")
    assert answer["message"] == "Heartbeat enregistré pour myia-web1"
    assert list(answer) == ["success", "message", "result"]
    assert list(answer["result"]) == ["action", "machineId", "timestamp", "status", "isNewMachine"]
    assert answer["result"]["action"] == "register"
    assert answer["result"]["status"] == "online"
    assert answer["result"]["isNewMachine"] is True
    record = json.loads((shared / "heartbeats" / "myia-web1.json").read_bytes())
    assert answer["result"]["timestamp"] == record["lastHeartbeat"]
    assert ask("register")["result"]["isNewMachine"] is False


def test_a_machine_an_older_service_registered_is_not_new(ask: Ask, shared: Path) -> None:
    put(shared, heartbeat("myia-web1"))
    assert ask("register")["result"]["isNewMachine"] is False


def test_one_that_follows_makes_no_folder_and_says_what_did_not_come(ask: Ask, shared: Path) -> None:
    answer = ask("register", "--follow", "0.3", code=3)
    assert (answer["code"], answer["cause"]) == ("HEARTBEAT_SERVICE_FAILED", "SHARE_UNSYNCED")
    assert "aucun heartbeat n'y est arrivé en 0.3 s" in answer["message"]
    assert list(shared.iterdir()) == []
    put(shared, heartbeat("another"))
    assert ask("register", "--follow", "60")["success"] is True


def test_upper_case_is_the_same_machine(ask: Ask, shared: Path) -> None:
    assert ask("register", identity="MyIA-Web1")["result"]["machineId"] == "myia-web1"
    assert [path.name for path in (shared / "heartbeats").iterdir()] == ["myia-web1.json"]


@pytest.mark.parametrize("verb", ["register", "start"])
def test_an_empty_machine_id(ask: Ask, verb: str) -> None:
    answer = ask(verb, identity="", code=2)
    assert answer == {
        "success": False,
        "code": "HEARTBEAT_MISSING_MACHINE_ID",
        "message": f"machineId est requis pour l'action {verb}",
    }


@pytest.mark.parametrize("verb", ["register", "start", "stop", "run"])
def test_an_invalid_machine_id_changes_nothing(ask: Ask, verb: str, shared: Path, tmp_path: Path) -> None:
    answer = ask(verb, identity="../../evil", code=2)
    assert answer["code"] == "HEARTBEAT_SERVICE_FAILED"
    assert answer["message"].startswith(f"Erreur lors de l'action {verb}: machineId invalide '../../evil'")
    assert list(shared.iterdir()) == []
    assert not (tmp_path / "local").exists()


@pytest.mark.parametrize("verb", ["status", "state"])
def test_a_question_fails_in_its_own_words(ask: Ask, verb: str) -> None:
    answer = ask(verb, identity="../../evil", code=2)
    assert answer["code"] == "HEARTBEAT_STATUS_FAILED"
    assert answer["message"].startswith("Erreur lors de la récupération du statut heartbeat: machineId invalide")


def test_an_unknown_action(ask: Ask) -> None:
    assert ask("reset", code=2) == {
        "success": False,
        "code": "HEARTBEAT_UNKNOWN_ACTION",
        "message": "Action inconnue: reset",
    }


@pytest.mark.parametrize("words", [["register", "--nonsense"], ["register", "--metadata", "{"], ["--json"]])
def test_a_wrong_command_line_is_one_document_too(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert main([*words, "--json"]) == 2
    answer = json.loads(capsys.readouterr().out)
    assert answer["success"] is False
    assert answer["code"].startswith("HEARTBEAT_")
    assert answer["message"]


@pytest.mark.parametrize(
    ("verb", "code"), [("register", "HEARTBEAT_SERVICE_FAILED"), ("state", "HEARTBEAT_STATUS_FAILED")]
)
def test_a_missing_share_is_exit_three_and_is_not_created(ask: Ask, tmp_path: Path, verb: str, code: str) -> None:
    missing = tmp_path / "missing"
    answer = ask(verb, share=missing, code=3)
    assert answer["code"] == code
    assert str(missing) in answer["message"]
    assert "hint" in answer
    assert not missing.exists()


def test_a_second_loop_is_told_since_when_and_what_to_do(ask: Ask, tmp_path: Path) -> None:
    ask("register")
    (lock,) = (tmp_path / "local").glob("*/write.lock")
    with FileLock(lock.with_name("loop.lock")):
        answer = ask("start", code=1)
    assert answer["code"] == "HEARTBEAT_ALREADY_STARTED"
    assert answer["message"] == "Heartbeat service déjà démarré"
    assert {"since", "hint"} <= set(answer)


def test_stop_without_a_loop_is_a_success_and_writes_left_where_it_was_missing(ask: Ask, shared: Path) -> None:
    assert ask("stop")["success"] is True
    assert list(shared.iterdir()) == []
    ask("register")
    answer = ask("stop")
    assert answer["message"] == "Service de heartbeat arrêté avec succès"
    assert list(answer["result"]) == ["action", "stoppedAt", "stateSaved"]
    assert answer["result"]["stateSaved"] is True
    record = (shared / "heartbeats" / "myia-web1.json").read_bytes()
    assert json.loads(record)["agent"]["state"] == "left"
    assert ask("stop")["result"]["stateSaved"] is True
    assert (shared / "heartbeats" / "myia-web1.json").read_bytes() == record


def test_stop_that_saves_no_state_leaves_the_record_alone(ask: Ask, shared: Path) -> None:
    ask("register")
    record = (shared / "heartbeats" / "myia-web1.json").read_bytes()
    assert ask("stop", "--no-save-state")["result"]["stateSaved"] is False
    assert (shared / "heartbeats" / "myia-web1.json").read_bytes() == record


def test_an_unusable_local_folder_is_one_clear_failure(
    tmp_path: Path, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    words = ["register", "--shared", str(shared), "--local-dir", str(tmp_path / "file"), "--machine-id", "m1"]
    assert main([*words, "--json"]) != 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["success"] is False
    assert str(tmp_path / "file") in answer["message"]
    assert list(shared.iterdir()) == []


def test_status_tells_the_local_truth_without_a_share(ask: Ask, shared: Path) -> None:
    ask("register")
    for path in sorted(shared.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    shared.rmdir()
    status = ask("status")
    assert list(status) == [
        "success", "machineId", "hostname", "version", "buildId", "sha256", "shared", "localDir", "running", "alive",
        "pid", "startedAt", "supervised", "permanence", "loopVersion", "loopBuildId", "config", "lastBeat", "share",
        "view", "flips", "ownFile", "leftAt", "now", "trial", "rolledBack",
    ]  # fmt: skip
    assert (status["running"], status["pid"], status["supervised"]) == (False, None, "none")
    assert status["permanence"] == {"kind": "none", "installed": False, "enabled": False, "survivesReboot": False}
    assert status["lastBeat"]["sequence"] == 1
    assert status["lastBeat"]["readBack"] is True
    assert status["share"] == {"state": "ok", "since": None, "detail": None}
    assert status["view"] == {"keeper": "myia-web1", "erasedBy": None, "erasedAt": None, "erasures": 0}
    assert status["config"] == {"heartbeatInterval": 30000, "offlineTimeout": 120000, "autoSyncEnabled": True}
    assert from_iso(status["now"])


def test_asking_for_status_changes_nothing_on_disk(ask: Ask, tmp_path: Path) -> None:
    assert ask("status")["lastBeat"] is None
    assert not (tmp_path / "local").exists()


def test_state_shows_the_whole_replica(ask: Ask, shared: Path) -> None:
    put(shared, ours("m1"))
    put(shared, heartbeat("m2"), "m2 (1).json")
    (shared / "heartbeats" / "m3.json").write_bytes(b"[]")
    state = ask("state")
    assert [(piece["machineId"], piece["kind"]) for piece in state["evidence"]] == [("m1", "file"), ("m2", "conflict")]
    assert state["evidence"][0]["record"] == ours("m1")
    assert state["viewState"] == "absent"
    assert {"file": "heartbeats/m3.json", "kind": "not-an-object", "detail": "a JSON list, not an object"} in state[
        "findings"
    ]


def test_state_tells_an_admin_without_a_share_of_the_signs_of_life_in_it(ask: Ask, shared: Path) -> None:
    put(shared, ours("m1"))
    (shared / "listener-heartbeats").mkdir()
    (shared / "listener-heartbeats" / "m2.heartbeat").write_text("2026-02-12T10:10:00Z\n")
    (shared / "dashboards").mkdir()
    (shared / "dashboards" / "global.md").write_text("# Board\n### [2026-02-12T10:11:00.000Z] m3|work\nsecret\n")
    answer = ask("state")
    assert "secret" not in json.dumps(answer)
    at = from_iso("2026-02-12T10:15:00.000Z")
    here = read_folder(shared, at).signs
    assert {name: source for name, (_, source) in here.items()} == {"m2": "listener", "m3": "dashboard"}
    assert from_document(answer, at).signs == here
    assert from_document({**answer, "signs": None}, at).signs == {}  # an agent of before


def test_version_needs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert list(answer) == ["success", "version", "buildId", "sha256", "python"]


def test_people_get_a_line_and_nothing_a_terminal_would_act_on(
    tmp_path: Path, shared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--shared", str(shared), "--local-dir", str(tmp_path / "l"), "--machine-id", "m1"]
    assert main(["register", *where]) == 0
    assert capsys.readouterr().out.startswith("Heartbeat enregistré pour m1, ")
    put(shared, heartbeat("m2"), "m2 (\x1b[31m).json")
    assert main(["state", *where]) == 0
    assert "\x1b" not in capsys.readouterr().out
    assert printable("a\x1b[2J\nb") == "a\\x1b[2J\\nb"
    assert lines({"a": {"b": None, "c": True}, "d": [1]}) == ["a:", "  b: -", "  c: yes", "d: [1]"]


def test_help_is_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["register", "--help"]) == 0
    assert "--heartbeat-interval" in capsys.readouterr().out
