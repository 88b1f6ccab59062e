"""`roosync-ops lab` as a person runs it: the agent is the real zipapp, and the real rollout puts it there."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops import extras
from tests.integration.watch.kit import ON_TERMINAL
from tests.kits.hosts import PATIENCE_S, child_process, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
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
        "off 2024; crash 2023; stop web1; kill 2025; wait 12; table; on 2024; start 2023; start web1; wait 4; table"
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
    assert "4 machines: 4 no change" in done.stdout


def test_a_script_that_cannot_be_run_is_exit_code_one(home: Path) -> None:
    done = _lab(home, "--do", "dance")
    assert done.returncode == 1
    assert "'dance' is no command of the lab; help lists them" in done.stderr


@pytest.fixture
def terminal(home: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`roosync-ops lab` on a terminal of its own, and the other end of that terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", ON_TERMINAL, sys.executable, "-m", "roosync_ops", "lab"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=home,
        env={"HOME": str(home), "PATH": os.environ["PATH"], "TERM": "xterm", "TMPDIR": str(home.parent / "temporary")},
        start_new_session=True,
    )
    os.close(theirs)
    yield process, ours
    os.close(ours)
    process.kill()
    process.wait()


def _read_until(descriptor: int, text: str, seconds: float = 100) -> str:
    seen = b""
    end = time.monotonic() + seconds
    while text.encode() not in seen:
        assert time.monotonic() < end, seen.decode(errors="replace")
        if select.select([descriptor], [], [], 0.5)[0]:
            seen += os.read(descriptor, 65_536)
    return seen.decode(errors="replace")


def test_on_a_terminal_the_fleet_is_handed_over_at_a_prompt(terminal: tuple[subprocess.Popen[bytes], int]) -> None:
    process, screen = terminal
    assert "4/6 machines online (66%)" in _read_until(screen, "lab> ")
    os.write(screen, b"off 2024\n")
    assert "power cut" in _read_until(screen, "lab> ")
    os.write(screen, b"kill 2025; wait 600\n")
    _read_until(screen, "is killed")
    os.write(screen, b"\x03")
    _read_until(screen, "lab> ")
    os.write(screen, b"quit\n")
    assert process.wait(PATIENCE_S) == 0


def test_ctrl_c_at_the_prompt_ends_the_lab(terminal: tuple[subprocess.Popen[bytes], int], home: Path) -> None:
    process, screen = terminal
    _read_until(screen, "lab> ")

    def ends() -> bool:
        """Readline hears no Ctrl-C in the instant between its prompt and its wait for a key: press it again."""
        os.write(screen, b"\x03")
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        return process.poll() is not None

    wait_for("it to end", ends)
    assert process.returncode == 130
    wait_for("its folder to go", lambda: not list((home.parent / "temporary").iterdir()))


def test_what_up_prints_can_be_typed_in_a_second_terminal(home: Path) -> None:
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "TMPDIR": str(home.parent / "temporary")}
    command = [sys.executable, "-m", "roosync_ops", "lab", "up"]
    with child_process(command, stdout=subprocess.PIPE, cwd=home, env=environment) as up:
        assert up.stdout is not None
        lines = [up.stdout.readline().decode().strip() for _ in range(6)]
        enter, validate, rollout, *_, ssh = lines
        typed = f"{enter} && {validate}; {rollout} && {validate} && {ssh} --json".replace(
            "roosync-ops", f"{sys.executable} -m roosync_ops"
        )
        done = subprocess.run(["sh", "-c", typed], capture_output=True, text=True, timeout=150, check=False)
        up.terminate()
    assert done.returncode == 0, done.stderr
    assert "4/6 machines online (66%)" in done.stdout
    assert json.loads(done.stdout[done.stdout.index("{") :])["machineId"] == "myia-po-2024"


def test_without_asyncssh_one_sentence_says_what_to_install(home: Path) -> None:
    blocked = "import sys; sys.modules['asyncssh'] = None; from roosync_ops.cli import main; sys.exit(main(['lab']))"
    done = subprocess.run(
        [sys.executable, "-c", blocked],
        capture_output=True,
        text=True,
        cwd=home,
        env={"HOME": str(home), "PATH": os.environ["PATH"]},
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "Error: the lab's SSH servers need asyncssh, which is not installed",
        f"Next:  {extras.install('lab')}",
    ]
