"""Asking the user's logon session: its answer comes back as the verb's own, and nothing of the question stays."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.agent import interactive_session
from roosync_ops.agent.config import Config
from roosync_ops.agent.errors import AgentError, CodedError, LocalError
from roosync_ops.agent.flags import parse
from roosync_ops.agent.main import main
from roosync_ops.agent.permanence.schtasks import Scheduler
from roosync_ops.wire.deadline import ShareHungError
from tests.kits.fake_schtasks import HAS_NOT_RUN, REFUSED, SUCCESS, FakeSchtasks

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    (tmp_path / "pythonw.exe").touch()
    monkeypatch.setattr("sys._base_executable", str(tmp_path / "python.exe"), raising=False)
    monkeypatch.setattr(interactive_session, "_RESULT_S", 0.01)
    monkeypatch.setattr(interactive_session, "_LOOK_S", 0.001)
    (tmp_path / "shared").mkdir()
    return Config("myia-web1", str(tmp_path / "shared"), str(tmp_path / "local"))


@pytest.fixture
def fake() -> FakeSchtasks:
    return FakeSchtasks()


def answer_file(fake: FakeSchtasks, name: str) -> Path:
    found = re.search(r"--answer (\S+)</Arguments>", fake.tasks[name])
    assert found is not None
    return Path(found[1])


def answers(fake: FakeSchtasks, exit_code: int, value: dict[str, Any], lines: list[str]) -> None:
    """Have the task, once it is run, answer so."""
    fake.on_run = lambda name: interactive_session.give_to_file(str(answer_file(fake, name)), exit_code, value, lines)


def ask(config: Config, fake: FakeSchtasks, *words: str) -> Any:
    return interactive_session.run_verb(parse(list(words)), config, words[0], Scheduler(fake, "S-1-5-21-1-2-3-1001"))


def nothing_is_left(config: Config, fake: FakeSchtasks) -> bool:
    return fake.tasks == {} and [path.name for path in Path(config.local_dir).iterdir()] == ["ask.lock"]


def test_the_answer_is_the_verb_s_own_and_the_task_is_gone(config: Config, fake: FakeSchtasks) -> None:
    answers(fake, 0, {"success": True, "x": "é"}, ["a line"])
    assert ask(config, fake, "state") == ({"success": True, "x": "é"}, ["a line"])
    assert fake.verbs() == ["/Create", "/Run", "/Delete"]
    assert nothing_is_left(config, fake)


def test_a_failure_there_is_this_verb_s_failure(config: Config, fake: FakeSchtasks) -> None:
    answers(fake, 3, {"success": False, "code": "C", "message": "M", "hint": "H"}, [])
    with pytest.raises(AgentError) as caught:
        ask(config, fake, "register")
    assert (caught.value.as_dict(), caught.value.exit_code) == (
        {"success": False, "code": "C", "message": "M", "hint": "H"},
        3,
    )
    assert nothing_is_left(config, fake)


def test_without_a_session_that_is_the_word(config: Config, fake: FakeSchtasks) -> None:
    fake.result = REFUSED
    with pytest.raises(CodedError, match="n'a pas de session ouverte") as caught:
        ask(config, fake, "look")
    assert caught.value.code == "NO_LOGON_SESSION"
    assert nothing_is_left(config, fake)


def test_a_task_that_is_never_run_is_not_waited_for_for_ever(
    config: Config, fake: FakeSchtasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interactive_session, "_ANSWER_S", 0.05)
    monkeypatch.setattr(interactive_session, "FIRST_READING_S", 0.05)
    config.share_deadline_s = 0.01
    fake.result = HAS_NOT_RUN
    with pytest.raises(CodedError) as caught:
        ask(config, fake, "look")
    assert caught.value.code == "NO_LOGON_SESSION"
    assert nothing_is_left(config, fake)


def test_an_agent_that_ends_without_an_answer_crashed(config: Config, fake: FakeSchtasks) -> None:
    def crash(name: str) -> None:
        fake.result = SUCCESS
        Path(f"{answer_file(fake, name)}.log").write_text("MemoryError\n")

    fake.on_run = crash
    with pytest.raises(CodedError, match="MemoryError") as caught:
        ask(config, fake, "look")
    assert caught.value.code == "AGENT_CRASHED"
    assert nothing_is_left(config, fake)


def test_a_task_that_cannot_be_made_leaves_nothing_either(config: Config, fake: FakeSchtasks) -> None:
    fake.refuse.add("/Create")
    with pytest.raises(LocalError, match="accès refusé"):
        ask(config, fake, "look")


def test_what_was_typed_and_configured_here_is_asked_there(config: Config) -> None:
    config.auto_sync = False
    flags = parse(["register", "--metadata", '{"a":1}'])
    words = interactive_session.words_of(flags, config, "register")
    there = parse([*words, "--answer", "f"])
    assert (there.shared, there.local_dir, there.machine_id) == (config.shared, config.local_dir, "myia-web1")
    assert (there.heartbeat_interval, there.offline_timeout, there.auto_sync) == (30_000, 120_000, False)
    assert there.metadata == {"a": 1}
    assert parse([*interactive_session.words_of(parse(["stop"]), config, "stop"), "--answer", "f"]).verb == "stop"


def test_a_session_that_was_asked_answers_into_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shared, file = tmp_path / "shared", tmp_path / "answer"
    shared.mkdir()
    where = ["--shared", str(shared), "--local-dir", str(tmp_path / "local"), "--answer", str(file)]
    assert main(["look", *where]) == 0
    given = json.loads(file.read_text())
    assert (given["exitCode"], given["answer"]["session"]) == (0, "here")
    assert given["answer"]["share"]["readable"] is True
    assert main(["state", *where[2:], "--shared", str(tmp_path / "gone")]) == 3
    assert json.loads(file.read_text())["answer"]["code"] == "HEARTBEAT_STATUS_FAILED"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("doing", ["is there", "is not there", "hangs"])
def test_what_hangs_in_this_session_is_asked_of_the_logon_session(
    config: Config, monkeypatch: pytest.MonkeyPatch, doing: str
) -> None:
    class Bounded:
        def __init__(self, _: float) -> None: ...

        def call(self, function: Callable[[], bool], what: str) -> bool:
            if doing == "hangs":
                raise ShareHungError(what, 5, 0)
            return function()

    monkeypatch.setattr(interactive_session, "BoundedShare", Bounded)
    if doing == "is not there":
        config.shared += "-elsewhere"
    flags = parse(["look"])
    assert not interactive_session.is_elsewhere(flags, config), "off Windows nobody else need be asked"
    monkeypatch.setattr("sys.platform", "win32")
    assert interactive_session.is_elsewhere(flags, config) == (doing != "is there")
    flags.answer = "file"
    assert not interactive_session.is_elsewhere(flags, config), "who was asked answers"
