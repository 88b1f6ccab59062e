"""From an empty folder on: `init`, `machines add`, and what need not be typed."""

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


@pytest.fixture
def empty(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with nothing in it but a shared state further down."""
    (place / "inventory.py").unlink()
    (place / "shared").rename(place / "share")
    (place / "drive" / "RooSync" / ".shared-state").mkdir(parents=True)
    monkeypatch.delenv("ROOSYNC_SHARED_PATH", raising=False)
    return place


def next_of(done: Done) -> str:
    return done.err.rpartition("Next:  ")[2].strip()


def test_every_first_step_names_the_next_one_up_to_a_table(empty: Path, run: Run, beat: Beat) -> None:
    assert next_of(run("validate")) == "roosync-ops init"
    begun = run("init")
    assert (begun.code, next_of(begun)) == (0, "roosync-ops machines add --help")
    assert next_of(run("validate")) == "roosync-ops machines add --help"
    added = run("machines", "add", "a", "--host", "a.local")
    assert (added.code, next_of(added)) == (0, "roosync-ops rollout a --dry")
    (empty / "drive" / "RooSync" / ".shared-state").rmdir()
    (empty / "share").rename(empty / "shared")
    beat("a")
    (empty / "shared").rename(empty / "drive" / "RooSync" / ".shared-state")
    assert "1/1 machines online (100%)" in run("validate").out


def test_nothing_is_overwritten(empty: Path, run: Run) -> None:
    (empty / "roosync-ops.toml").write_text("")
    assert run("init").code == 2
    assert not (empty / "inventory.py").exists()


def test_two_shared_states_nearby_are_told_and_neither_is_taken(empty: Path, run: Run) -> None:
    (empty / ".shared-state").mkdir()
    done = run("init")
    assert done.err.count("Found: ") == 2
    assert "\nshared =" not in (empty / "roosync-ops.toml").read_text()


@pytest.mark.parametrize("name", ["roosync-ops.toml", "pyproject.toml"])
def test_a_settings_file_stands_for_what_is_not_typed(place: Path, run: Run, beat: Beat, name: str) -> None:
    beat("a")
    text = 'shared = "shared"\nlang = "fr"\npatience = 5\n'
    (place / name).write_text(text if name == "roosync-ops.toml" else f"[tool.roosync-ops]\n{text}")
    found = run("validate")
    assert (found.code, "Attendu" in found.out, "5 s beyond" in found.err) == (0, True, True)
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
