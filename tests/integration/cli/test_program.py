"""The program as a whole: help, version, completion, what it imports, and readers that go away."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from roosync_ops import __version__
from roosync_ops.cli import COMMANDS, output
from tests.kits.hosts import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.cli.conftest import Done

    Run = Callable[..., Done]

REPOSITORY = Path(__file__).parents[3]


def program(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "roosync_ops", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=False,
    )


def test_help_names_every_command_and_loads_none(run: Run) -> None:
    done = run("--help")
    assert done.code == 0
    assert all(name in done.out for name in COMMANDS)
    assert "<bool>" not in done.out


@pytest.mark.parametrize("command", [["validate"], ["status"], ["machines", "list"], ["machines", "check"]])
def test_the_help_of_a_command_has_examples(run: Run, command: list[str]) -> None:
    done = run(*command, "--help")
    assert done.code == 0
    assert "Examples:" in done.out
    assert f"roosync-ops {' '.join(command)}" in done.out
    assert "completion" not in done.out
    assert not re.search(r"<(bool|list|str)\b", done.out)


def test_without_a_command_the_help_is_shown_and_it_is_2(run: Run) -> None:
    assert run().code == 2


def test_the_version_is_the_packages(run: Run) -> None:
    assert run("--version").out == f"roosync-ops {__version__}\n"


def test_a_quick_command_imports_nothing_heavy(place: Path) -> None:
    script = (
        "import sys; from roosync_ops.cli import main; code = main(['validate', '--shared', 'shared']); "
        "heavy = {'pyinfra', 'gevent', 'asyncssh', 'paramiko', 'rich', 'filelock', 'ssl', 'asyncio'}; "
        "print(code, sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "1 []"


@pytest.mark.parametrize(
    ("words", "offered"), [("roosync-ops val", "validate"), ("roosync-ops validate --wa", "--wait")]
)
def test_the_shell_completes_commands_and_their_options(place: Path, words: str, offered: str) -> None:
    done = program(
        cwd=place,
        _ROOSYNC_OPS_COMPLETE="complete_bash",
        COMP_WORDS=words,
        COMP_CWORD=str(len(words.split()) - 1),
    )
    assert offered in done.stdout.split()


def test_a_reader_that_goes_away_is_quiet_and_changes_no_verdict(place: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as stdout:
        done = subprocess.run(
            [sys.executable, "-m", "roosync_ops", "validate"],
            cwd=place,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "ROOSYNC_SHARED_PATH": "shared"},
            stdout=stdout,
            stderr=subprocess.PIPE,
            timeout=PATIENCE_S,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_while_waiting_is_130_and_quiet(place: Path) -> None:
    waiting = subprocess.Popen(
        [sys.executable, "-c", _SAY_WHEN_WAITING, "validate", "--shared", "shared", "--wait", "60"],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert waiting.stdout is not None
    assert waiting.stdout.readline() == b"waiting\n"
    waiting.send_signal(signal.SIGINT)
    out, err = waiting.communicate(timeout=PATIENCE_S)
    assert (waiting.returncode, out, err) == (130, b"", b"")


#: The program, telling on stdout when it begins to wait.
_SAY_WHEN_WAITING = """
import sys
from roosync_ops.cli import main, output
output.Progress.show = lambda self, text: print("waiting", flush=True)
sys.exit(main())
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_colour_is_for_terminals_that_want_it(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], wanted: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout", Terminal())
    assert output.wants_color() is wanted
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert not output.wants_color()


def test_a_file_or_a_pipe_has_no_width_unless_columns_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert output.width() is None
    monkeypatch.setenv("COLUMNS", "72")
    assert output.width() == 72


def test_progress_is_wiped_and_only_a_terminal_sees_it() -> None:
    terminal, file = Terminal(), io.StringIO()
    for stream in (terminal, file):
        with output.Progress(stream) as progress:
            progress.show("waiting")
    assert terminal.getvalue() == "\r\x1b[2Kwaiting\r\x1b[2K"
    assert file.getvalue() == ""


def test_an_old_console_gets_plain_signs_instead_of_an_error(place: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "roosync_ops", "validate", "--shared", "shared", "--lang", "fr"],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONIOENCODING": "cp437"},
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout.decode("cp437").splitlines()[1].startswith("x  a")
