"""The systemd unit's text, the choice between mechanisms, and the command they run."""

import subprocess
import sys
from pathlib import Path

import pytest

from roosync_ops.agent import machine, permanence
from roosync_ops.agent.config import Config
from roosync_ops.agent.errors import LocalError
from roosync_ops.agent.flags import parse
from roosync_ops.agent.permanence import systemd
from roosync_ops.agent.permanence.launch import agent_command, run_words
from roosync_ops.agent.permanence.process import Process
from roosync_ops.agent.permanence.systemd import quoted, unit_name, unit_text


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("/usr/bin/python3", '"/usr/bin/python3"'),
        ("/srv/Mon Drive/.shared-state", '"/srv/Mon Drive/.shared-state"'),
        ("50%", '"50%%"'),
        ("$HOME", '"$$HOME"'),
        ('a"b', '"a\\"b"'),
        ("C:\\x", '"C:\\\\x"'),
        ("a\nb", '"a\\x0ab"'),
        ("été", '"été"'),
    ],
)
def test_a_word_survives_systemds_reading(word: str, written: str) -> None:
    assert quoted(word) == written


def test_the_unit_restarts_always_and_at_once() -> None:
    text = unit_text(["/usr/bin/python3", "-I", "/x y/agent.pyz", "run"], "multi-user.target")
    assert 'ExecStart="/usr/bin/python3" "-I" "/x y/agent.pyz" "run"\n' in text
    for line in ("Restart=always", "RestartSec=1", "StartLimitIntervalSec=0", "KillMode=mixed"):
        assert f"\n{line}\n" in text
    assert text.endswith("[Install]\nWantedBy=multi-user.target\n")


def test_each_local_folder_has_a_unit_of_its_own() -> None:
    assert unit_name("/var/lib/roosync", "/var/lib/roosync") == "roosync-heartbeat.service"
    other = unit_name("/srv/other", "/var/lib/roosync")
    assert other != unit_name("/srv/another", "/var/lib/roosync")
    assert other.startswith("roosync-heartbeat-")


@pytest.fixture
def config(tmp_path: Path) -> Config:
    config = Config("m1", str(tmp_path / "shared"), str(tmp_path / "local"))
    Path(config.instance_dir).mkdir(parents=True)
    return config


def test_where_there_is_no_systemd_a_process_is_chosen(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd, "BOOTED", config.local_dir + "/no-such")
    assert permanence.choose(config).kind == "process"
    config.permanence = "systemd"
    with pytest.raises(LocalError, match="systemd n'est pas le processus 1"):
        permanence.choose(config)


def test_where_there_is_systemd_it_is_chosen_unless_told_otherwise(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(systemd, "BOOTED", config.local_dir)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert permanence.choose(config).kind == "systemd-system"
    config.permanence = "process"
    assert permanence.choose(config).kind == "process"


def test_installing_a_process_twice_changes_nothing_the_second_time(config: Config) -> None:
    process = Process(config)
    assert permanence.describe(config)["kind"] == "none"
    words = run_words(config, parse(["install"]), "process")
    assert process.install(words) is True
    assert process.install(words) is False
    assert permanence.describe(config) == {
        "kind": "process",
        "installed": True,
        "enabled": True,
        "survivesReboot": False,
    }
    assert process.uninstall() is True
    assert process.uninstall() is False


def test_a_process_that_was_installed_with_other_words_is_told_with_what_a_rollout_would_write(config: Config) -> None:
    typed = run_words(config, parse(["install", "--heartbeat-interval", "1000"]), "process")
    Process(config).install(typed)
    told = permanence.describe(config)
    assert (told["there"], told["wanted"]) == (" ".join(typed), " ".join(typed[:-2]))


def test_a_unit_that_somebody_changed_is_told_by_its_lines_and_mended_by_an_install(
    config: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(systemd, "BOOTED", config.local_dir)
    monkeypatch.setattr(systemd, "SYSTEM_UNITS", str(tmp_path / "units"))
    monkeypatch.setattr(systemd.Systemd, "_systemctl", lambda _, *words, **__: ran.append(words))
    kept = systemd.Systemd(config.local_dir)
    words = run_words(config, parse(["install"]), "systemd")
    assert kept.install(words) is True
    assert "there" not in permanence.describe(config)
    unit = tmp_path / "units" / kept.unit
    unit.write_text(unit.read_text().replace("Restart=always\n", "Restart=no\nNice=19\n"))
    told = permanence.describe(config)
    assert (told["there"], told["wanted"]) == ("Restart=no; Nice=19", "Restart=always")
    ran.clear()
    assert kept.install(words) is True
    assert ("daemon-reload",) in ran
    assert "there" not in permanence.describe(config)


def test_only_what_was_typed_and_what_the_environment_gave_is_repeated(config: Config) -> None:
    typed = parse(["start", "--heartbeat-interval", "1000", "--no-auto-sync", "--metadata", '{"a": "b c"}'])
    words = run_words(config, typed, "process")
    assert words == [
        "run", "--supervised", "process", "--local-dir", config.local_dir, "--heartbeat-interval", "1000",
        "--metadata", '{"a":"b c"}', "--no-auto-sync",
    ]  # fmt: skip
    config.shared_from_environment = True
    assert config.shared in run_words(config, parse(["start"]), "systemd")


def test_the_command_runs_this_agent_isolated_from_the_users_environment() -> None:
    command = agent_command(["version", "--json"])
    assert command[:4] == [sys.executable, "-I", "-S", "-B"]
    done = subprocess.run(command, capture_output=True, check=True, cwd="/")
    assert b'"success": true' in done.stdout


@pytest.mark.parametrize(("word", "down"), [("stopping", True), ("running", False), ("degraded", False), ("", False)])
def test_only_a_system_that_stops_is_going_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, down: bool
) -> None:
    program = tmp_path / "systemctl"
    program.write_text(f"#!/bin/sh\necho {word}\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(machine, "_SYSTEMD", str(tmp_path))
    assert machine.system_goes_down() is down
    monkeypatch.setattr(machine, "_SYSTEMD", str(tmp_path / "none"))
    assert machine.system_goes_down() is False


def test_permanence_that_is_bound_to_a_logon_is_told_as_that(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Kept:
        kind = "task"
        lives = True

        def enabled(self) -> bool:
            return self.lives

        survives_reboot = enabled

        def changes(self, _: list[str]) -> tuple[str, str]:
            return "", ""

    kept = Kept()
    monkeypatch.setattr(permanence, "installed", lambda _: kept)
    config = Config("m", str(tmp_path), str(tmp_path))
    assert (
        permanence.describe(config)["note"] == "survit à un redémarrage une fois la session de son utilisateur ouverte"
    )
    kept.lives = False
    assert "note" not in permanence.describe(config)
    kept.lives, kept.kind = True, "systemd-user"
    assert "note" not in permanence.describe(config)
