"""Flag over config.json over environment over default; and every wrong word is one failure that names it."""

import json
from pathlib import Path
from typing import Any

import pytest

from roosync_ops.agent import config as settings
from roosync_ops.agent import local_state
from roosync_ops.agent.config import CONFIG_NAME, Config, config_of, default_local_dir
from roosync_ops.agent.errors import CodedError, MissingMachineIdError, ProblemError, UsageError
from roosync_ops.agent.flags import parse


def config(tmp_path: Path, *words: str, written: Any = None, environment: dict[str, str] | None = None) -> Any:
    if written is not None:
        (tmp_path / CONFIG_NAME).write_text(json.dumps(written) if not isinstance(written, str) else written)
    return config_of(parse(["register", "--local-dir", str(tmp_path), *words]), environment or {})


def test_precedence(tmp_path: Path) -> None:
    environment = {"ROOSYNC_SHARED_PATH": "/env", "ROOSYNC_LAB_HOSTNAME": "unused"}
    assert config(tmp_path, environment=environment).shared == "/env"
    assert config(tmp_path, written={"shared": "/file"}, environment=environment).shared == "/file"
    assert config(tmp_path, "--shared", "/flag", environment=environment).shared == "/flag"


def test_every_field_of_config_json_is_used(tmp_path: Path) -> None:
    written = {
        "machineId": "MyIA-Web1",
        "shared": "/s",
        "heartbeatInterval": 1000,
        "offlineTimeout": 4000,
        "enableAutoSync": False,
        "shareDeadline": 2,
        "permanence": "process",
        "metadata": {"a": 1},
    }
    got = config(tmp_path, written=written)
    assert (got.machine_id, got.shared, got.thresholds.interval_ms, got.thresholds.timeout_ms) == (
        "myia-web1",
        "/s",
        1000,
        4000,
    )
    assert (got.auto_sync, got.share_deadline_s, got.permanence, got.metadata) == (False, 2.0, "process", {"a": 1})


def test_the_hostname_in_lower_case_is_the_default_identity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOSYNC_LAB_HOSTNAME", "MyIA-PO-2024.local")
    assert config(tmp_path, "--shared", "/s").machine_id == "myia-po-2024"


def test_one_machine_spelt_two_ways_keeps_one_local_folder(tmp_path: Path) -> None:
    one = config(tmp_path, "--shared", "/s/", "--machine-id", "MyIA-Web1").instance_dir
    assert one == config(tmp_path, "--shared", "/s/x/..", "--machine-id", "myia-web1").instance_dir
    assert one != config(tmp_path, "--shared", "/t", "--machine-id", "myia-web1").instance_dir


@pytest.mark.parametrize("name", ["../../evil", "a/b", "a.b", "a b", "é", "x" * 64, "con", "a\n", "..", "C:x"])
def test_a_name_that_could_be_a_path_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="machineId invalide"):
        config(tmp_path, "--shared", "/s", "--machine-id", name)


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_a_missing_one(tmp_path: Path, name: str) -> None:
    with pytest.raises(MissingMachineIdError):
        config(tmp_path, "--shared", "/s", "--machine-id", name)


@pytest.mark.parametrize(
    ("written", "named"),
    [
        pytest.param("{", "illisible", id="not JSON"),
        pytest.param([], "objet JSON", id="a list"),
        pytest.param({"heartbeatIntervall": 1}, "heartbeatIntervall", id="unknown field"),
        pytest.param({"heartbeatInterval": "30"}, "heartbeatInterval", id="wrong type"),
        pytest.param({"heartbeatInterval": True}, "heartbeatInterval", id="a boolean is no number"),
        pytest.param({"enableAutoSync": 1}, "enableAutoSync", id="a number is no boolean"),
        pytest.param({"permanence": "launchd"}, "launchd", id="unknown permanence"),
        pytest.param({"heartbeatInterval": 120_000}, "offlineTimeout", id="interval not below timeout"),
        pytest.param({"shareDeadline": 0}, "shareDeadline", id="no time at all"),
    ],
)
def test_a_wrong_configuration_is_refused_by_name(tmp_path: Path, written: Any, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        config(tmp_path, "--shared", "/s", written=written)


def test_null_in_config_json_says_nothing(tmp_path: Path) -> None:
    assert config(tmp_path, "--shared", "/s", written={"machineId": None, "heartbeatInterval": None}).auto_sync is True


def test_a_byte_order_mark_in_config_json_is_borne_with(tmp_path: Path) -> None:
    assert config(tmp_path, written='\ufeff{"shared": "/s"}').shared == "/s"


def test_metadata_has_eight_kilobytes(tmp_path: Path) -> None:
    fits = json.dumps({"a": "é" * 4092})
    assert config(tmp_path, "--shared", "/s", "--metadata", fits).metadata
    with pytest.raises(UsageError, match="8192"):
        config(tmp_path, "--shared", "/s", "--metadata", json.dumps({"a": "é" * 4093}))


@pytest.mark.parametrize(
    "words",
    [
        ["register", "--metadata", "[1]"],
        ["register", "--metadata", "{"],
        ["register", "--heartbeat-interval", "soon"],
        ["register", "--share-deadline", "soon"],
        ["register", "--shared"],
        ["register", "--nonsense"],
        ["register", "extra"],
        ["stop", "--metadata", "{}"],
        ["status", "--no-save-state"],
        ["register", "--json=yes"],
    ],
)
def test_every_other_wrong_word_is_a_usage_error(words: list[str]) -> None:
    with pytest.raises(ProblemError) as caught:
        parse(words)
    assert caught.value.exit_code == 2


def test_flags_may_stand_before_the_verb_and_use_an_equals_sign() -> None:
    flags = parse(["--json", "--shared", "run", "register", "--machine-id=m1"])
    assert (flags.verb, flags.shared, flags.machine_id, flags.json) == ("register", "run", "m1", True)


def test_the_default_folder_is_the_systems_for_root_and_the_users_own_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert default_local_dir({}) == "/var/lib/roosync"
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert default_local_dir({"XDG_STATE_HOME": "/x"}) == "/x/roosync"
    assert default_local_dir({}).endswith("/.local/state/roosync")


@pytest.mark.parametrize(
    ("there", "packaged", "folder"),
    [
        pytest.param([], False, "AppData/roosync", id="an ordinary console"),
        pytest.param([], True, ".roosync", id="what a packaged program writes anew under AppData nobody else sees"),
        pytest.param([".roosync/agent.pyz"], False, ".roosync", id="a packaged program began it"),
        pytest.param(["AppData/roosync/agent.pyz"], True, "AppData/roosync", id="an installation keeps its folder"),
        pytest.param(["AppData/roosync/agent.pyz", ".roosync/x"], False, "AppData/roosync", id="an older one stays"),
        pytest.param(["AppData/roosync"], True, ".roosync", id="a package's own copy is no installation"),
    ],
)
def test_on_windows_the_agent_lives_where_its_task_finds_it_whoever_started_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: list[str], folder: str, *, packaged: bool
) -> None:
    for name in there:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    if there == ["AppData/roosync"]:
        (tmp_path / name).unlink()
        copied = tmp_path / r"x\AppData\Local\Packages\Parent\LocalCache"
        copied.mkdir()
        (copied / "agent.pyz").touch()
        (tmp_path / name).symlink_to(copied)
    monkeypatch.setattr(settings, "is_packaged", lambda: packaged)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "win32")
    assert default_local_dir({"LOCALAPPDATA": str(tmp_path / "AppData")}) == str(tmp_path / folder)


def test_a_packaged_program_is_refused_under_appdata_and_told_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Config("m", str(tmp_path), str(tmp_path / r"me\AppData\Local\roosync"))
    typed = "python agent.pyz start"
    monkeypatch.setattr("roosync_ops.agent.permanence.launch.agent_command", lambda _: typed.split())
    monkeypatch.setattr(local_state, "is_packaged", lambda: True)
    with monkeypatch.context() as there:
        there.setattr("sys.platform", "win32")
        with pytest.raises(CodedError) as refused:
            local_state.prepare(one)
    assert (refused.value.code, refused.value.hint) == ("PACKAGED_PROCESS", typed)
    assert "dans une console ordinaire" in refused.value.reason
    assert list(tmp_path.iterdir()) == [], "nothing was written"
    local_state.prepare(one)
    assert Path(one.local_dir).is_dir(), "an ordinary console may"
