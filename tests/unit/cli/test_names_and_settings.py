"""What is not typed: settings beside the inventory, and the names that stand for machines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.cli.conftest import Done

    Run = Callable[..., Done]
    Beat = Callable[..., None]


@pytest.mark.parametrize("name", ["roosync-ops.toml", "pyproject.toml"])
def test_a_settings_file_stands_for_what_is_not_typed(place: Path, run: Run, beat: Beat, name: str) -> None:
    beat("a")
    text = 'shared = "shared"\nlang = "fr"\npatience = 5\n'
    (place / name).write_text(text if name == "roosync-ops.toml" else f"[tool.roosync-ops]\n{text}")
    found = run("validate")
    assert (found.code, "Attendu" in found.out, "5 s au-delà" in found.err) == (0, True, True)
    assert "Expected" in run("validate", "--lang", "en").out
    assert run("validate", "--shared", "elsewhere").code == 3


def test_the_settings_are_those_beside_the_inventory(
    place: Path, run: Run, beat: Beat, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat("a")
    (place / "roosync-ops.toml").write_text('shared = "shared"\n')
    (place / "sub" / "folder").mkdir(parents=True)
    monkeypatch.chdir(place / "sub" / "folder")
    assert run("validate").code == 0
    monkeypatch.chdir("/")
    assert run("validate", "-i", str(place / "inventory.py")).code == 0
    monkeypatch.setenv("ROOSYNC_INVENTORY", str(place / "inventory.py"))
    assert run("validate").code == 0
    assert run("machines", "check").out.startswith(str(place))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("shard = 'x'", "shard: no such setting; did you mean shared?", id="misspelt"),
        pytest.param("lang = 'de'", "lang: 'de' does not fit", id="no such language"),
        pytest.param("shared = true", "shared: True does not fit", id="no path"),
        pytest.param("via = '-oProxyCommand=x y'", "via: '-oProxyCommand=x y' does not fit", id="no machine"),
        pytest.param("= 1", "roosync-ops.toml: ", id="no TOML"),
    ],
)
def test_a_wrong_setting_is_told_with_its_file(place: Path, run: Run, text: str, said: str) -> None:
    (place / "roosync-ops.toml").write_text(text)
    done = run("validate", "--shared", "shared")
    assert (done.code, said in done.err) == (2, True)


@pytest.mark.skipif(os.name != "posix", reason="Windows: a folder that is somebody's stays")
@pytest.mark.parametrize("words", [["validate"], ["validate", "-i", "/nowhere.py"], ["init"]])
def test_a_folder_that_is_gone_is_told(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    done = run(*words)
    monkeypatch.chdir(tmp_path)
    assert (done.code, done.err) == (2, "Error: the folder this was started in is gone\nNext:  cd\n")


@pytest.mark.skipif(os.name != "posix", reason="Windows: by access lists")
def test_an_inventory_that_others_may_write_is_not_run_from_below(
    place: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "sub").mkdir()
    (place / "inventory.py").write_text("raise SystemExit('theirs')")
    (place / "inventory.py").chmod(0o666)
    monkeypatch.chdir(place / "sub")
    done = run("machines", "check")
    assert (done.code, "no such inventory file" in done.err) == (2, True)


def test_deploys_path_is_a_folder_of_deploys(run: Run) -> None:
    assert (Path(run("deploys", "--path").out.strip()) / "rollout.py").is_file()


@pytest.mark.parametrize(
    ("words", "chosen"),
    [
        pytest.param(["a"], ["a"], id="a machine"),
        pytest.param(["off"], ["b"], id="a group"),
        pytest.param(["all"], ["a", "b"], id="all"),
        pytest.param(["?"], ["a", "b"], id="a glob"),
        pytest.param(["[!a]"], ["b"], id="a glob of what it is not"),
        pytest.param(["!a"], ["b"], id="all but one"),
        pytest.param(["all", "!off"], ["a"], id="all but a group"),
        pytest.param(["--limit", "!b,all"], ["a"], id="in a list"),
    ],
)
def test_names_stand_for_machines(run: Run, words: list[str], chosen: list[str]) -> None:
    document = run("validate", "--shared", "shared", "--json", *words).document
    assert [row["machineId"] for row in document["machines"]] == chosen


@pytest.mark.parametrize(
    ("word", "said"),
    [
        pytest.param("enrol", "did you mean enroll?", id="close"),
        pytest.param("nobody-close", "it has a, b, enroll, off", id="not close"),
        pytest.param("x*", "no such machine or group", id="a glob that fits nobody"),
        pytest.param("!x", "no such machine or group", id="not one that is not there"),
        pytest.param("!all", "no machine is left", id="nobody left"),
    ],
)
def test_a_name_that_stands_for_nobody_is_told(run: Run, word: str, said: str) -> None:
    done = run("validate", "--shared", "shared", word)
    assert (done.code, said in done.err, done.next) == (2, True, "roosync-ops machines list")
