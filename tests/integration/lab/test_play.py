"""`roosync-ops lab` as a person runs it: the agent is the real zipapp, and the real rollout puts it there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {
    "myia-po-2024": ("online", True),
    "myia-po-2023": ("online", True),
    "myia-web1": ("online", True),
    "myia-po-2025": ("online", True),
    "myia-ai-01": ("unknown", True),
    "myia-po-2026": ("unknown", True),
}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home without an SSH folder, in which the lab is also run."""
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "temporary").mkdir()
    return home


def _lab(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "TMPDIR": str(home.parent / "temporary"),
        "ROOSYNC_SHARED_PATH": str(home.parent / "the operators own"),
        "COLUMNS": "80",
    }
    return subprocess.run(
        [sys.executable, "-m", "roosync_ops", "lab", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=home,
        env=environment,
        timeout=150,
        check=False,
    )


def _rows(document: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    return {row["machineId"]: (row["observed"], row["ok"]) for row in document["machines"]}


def test_one_command_plays_the_procedure_and_leaves_nothing(home: Path) -> None:
    done = _lab(home, "--no-prompt")
    assert done.returncode == 0, done.stderr
    before, after = done.stdout.index("1/6 machines online (16%)"), done.stdout.index("4/6 machines online (66%)")
    assert before < after
    assert "\x1b" not in done.stdout
    assert list(home.iterdir()) == []
    assert list((home.parent / "temporary").iterdir()) == []


def test_its_report_holds_both_tables_and_the_rollout(home: Path) -> None:
    done = _lab(home, "--json")
    report = json.loads(done.stdout)
    assert report["ok"], done.stderr
    assert report["before"]["summary"] == {"total": 6, "online": 1, "percent": 16}
    assert report["after"]["summary"] == {"total": 6, "online": 4, "percent": 66}
    assert _rows(report["after"]) == EXPECTED
    assert report["rollout"]["ok"]
    assert report["seconds"] < 100


def test_what_is_done_to_the_fleet_shows_in_the_table(home: Path) -> None:
    script = (
        "off 2024; crash 2023; stop web1; kill 2025; watch 12; table; on 2024; start 2023; start web1; wait 4; table"
    )
    done = _lab(home, "--json", "--do", script)
    report = json.loads(done.stdout)
    assert report["ok"], done.stderr
    assert _rows(report["tables"][-2]) == EXPECTED | {
        "myia-po-2024": ("offline", False),
        "myia-po-2023": ("offline", False),
        "myia-web1": ("left", False),
    }
    assert _rows(report["tables"][-1]) == EXPECTED


def test_a_second_rollout_changes_nothing(home: Path) -> None:
    done = _lab(home, "--do", "roosync-ops rollout --limit enroll,active; table")
    assert done.returncode == 0, done.stderr


def test_a_script_that_cannot_be_run_is_exit_code_one(home: Path) -> None:
    done = _lab(home, "--do", "dance")
    assert done.returncode == 1
    assert "'dance' is no command of the lab; help lists them" in done.stderr


def test_without_asyncssh_one_sentence_says_what_to_install(home: Path) -> None:
    blocked = "import sys; sys.modules['asyncssh'] = None; from roosync_ops.cli import main; sys.exit(main(['lab']))"
    done = subprocess.run(
        [sys.executable, "-c", blocked],
        capture_output=True,
        text=True,
        cwd=home,
        env={"HOME": str(home), "PATH": os.environ["PATH"]},
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "Error: the lab's SSH servers need asyncssh, which is not installed",
        "Next:  pip install 'roosync-ops[lab]'",
    ]
