"""The live table on a terminal: in place, no wider than it, and the terminal as it was at the end."""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING

import pytest

from roosync_ops.wire.times import now_ms
from tests.integration.watch.kit import Terminal
from tests.kits.shares import ours, put

if TYPE_CHECKING:
    from pathlib import Path

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_SHOW_CURSOR, _HIDE_CURSOR, _OTHER_SCREEN = "\x1b[?25h", "\x1b[?25l", "\x1b[?1049h"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with an inventory of six machines and a share in which all of them beat."""
    (tmp_path / "inventory.py").write_text(
        "from roosync_ops.fleet import machine\nall = [machine(f'm-{n}') for n in range(6)]\n", encoding="utf-8"
    )
    (tmp_path / "shared" / "heartbeats").mkdir(parents=True)
    for number in range(6):
        put(tmp_path / "shared", ours(f"m-{number}", 1_000, now_ms()))
    return tmp_path


def _watch(home: Path, *words: str, columns: int = 80, rows: int = 24, **more: str) -> Terminal:
    return Terminal(
        home, "--shared", str(home / "shared"), "--interval", "0.5", *words, columns=columns, rows=rows, **more
    )


@pytest.mark.parametrize(
    ("end", "code"),
    [
        pytest.param(b"q", 0, id="q"),
        pytest.param(b"\x03", 130, id="Ctrl-C"),
        pytest.param(None, 0, id="SIGTERM"),
    ],
)
def test_it_ends_at_once_and_leaves_the_terminal_as_it_was(home: Path, end: bytes | None, code: int) -> None:
    with _watch(home) as terminal:
        terminal.until("6/6 machines online (100%)")
        assert terminal.attributes() != terminal.before
        if end is None:
            os.kill(terminal.process.pid, signal.SIGTERM)
        else:
            terminal.type(end)
        assert terminal.wait() == code
        assert terminal.attributes() == terminal.before
        written = terminal.seen.decode()
    assert written.rindex(_SHOW_CURSOR) > written.rindex(_HIDE_CURSOR)
    assert "Traceback" not in written


def test_it_draws_in_place_below_what_was_there(home: Path) -> None:
    with _watch(home) as terminal:
        terminal.until("6/6 machines online (100%)")
        put(home / "shared", ours("m-3", 1_000, now_ms(), state="left", leftAt="2100-01-01T00:00:00.000Z"))
        again = terminal.until("5/6 machines online (83%)")
        terminal.type(b"q")
        terminal.wait()
        written = terminal.seen.decode()
    assert "\x1b[1A" in again  # back over the lines of before
    assert _OTHER_SCREEN not in written
    assert "\x1b[2J" not in written


def test_a_table_of_which_only_the_clock_changes_is_drawn_once_a_second(home: Path) -> None:
    """The shares of these machines never change, and an age of hours changes once a minute."""
    for number in range(6):
        put(home / "shared", ours(f"m-{number}", 5 * 3_600_000 + 10_000, now_ms()))
    with _watch(home, "--for", "4") as terminal:
        terminal.wait()
        written = terminal.seen.decode()
    assert written.count("0/6 machines online") <= 7  # of 9 readings; and left at the end


@pytest.mark.parametrize("columns", [80, 120])
def test_no_line_is_wider_than_the_terminal(home: Path, columns: int) -> None:
    with _watch(home, columns=columns) as terminal:
        terminal.until("6/6 machines online (100%)")
        terminal.type(b"q")
        terminal.wait()
        lines = _ESCAPE.sub("", terminal.seen.decode()).splitlines()
    assert max(map(len, lines)) <= columns


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 40)])
def test_six_hundred_machines_fit_on_one_screen(home: Path, columns: int, rows: int) -> None:
    (home / "inventory.py").write_text(
        "from roosync_ops.fleet import machine\nall = [machine(f'm-{n}') for n in range(600)]\n", encoding="utf-8"
    )
    for number in range(600):
        put(home / "shared", ours(f"m-{number}", 1_000, now_ms()))
    with _watch(home, columns=columns, rows=rows) as terminal:
        first = terminal.until("600/600 machines online (100%)")
        put(home / "shared", ours("m-311", 1_000, now_ms(), state="left", leftAt="2100-01-01T00:00:00.000Z"))
        terminal.until("599/600 machines online (99%)")
        terminal.type(b"q")
        assert terminal.wait() == 0
        written = terminal.seen.decode()
    assert first.count("\n") <= rows
    assert "more, 0 of them not as expected" in first
    # Every line it went down after the first table it had gone up before: in place, however often it was drawn.
    assert written.count("\n") - written.count("\x1b[1A") <= rows
    assert "m-311" in _ESCAPE.sub("", written[len(first) :])
    assert max(map(len, _ESCAPE.sub("", written).splitlines())) <= columns


def test_a_key_diagnoses_the_marked_machine_and_another_goes_back(home: Path) -> None:
    with _watch(home, columns=120) as terminal:
        terminal.until("6/6 machines online (100%)")
        terminal.type(b"jj")
        terminal.until(">")
        terminal.type(b"d")
        assert "m-1" in terminal.until("Any key goes back to the table.")
        terminal.type(b"x")
        terminal.until("6/6 machines online (100%)")
        terminal.type(b"q")
        assert terminal.wait() == 0


def test_of_the_machines_named_alone_is_told(home: Path) -> None:
    with _watch(home, "m-1", "--limit", "m-2") as terminal:
        assert "m-3" not in terminal.until("2/2 machines online (100%)")
        terminal.type(b"q")
        assert terminal.wait() == 0


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        pytest.param(["--exec", "no-such-program --x"], "no-such-program: no such program", 2, id="--exec"),
        pytest.param(["--memory", "/dev/null/x"], "cannot remember what was told", 4, id="--memory"),
    ],
)
def test_what_could_never_be_told_is_said_at_the_start(home: Path, words: list[str], said: str, code: int) -> None:
    with _watch(home, *words) as terminal:
        terminal.until(said)
        assert terminal.wait() == code


def test_no_color_is_no_color(home: Path) -> None:
    with _watch(home, NO_COLOR="1") as terminal:
        terminal.until("6/6 machines online (100%)")
        terminal.type(b"q")
        terminal.wait()
        assert not _COLOR.search(terminal.seen.decode())


def test_a_share_that_is_not_there_is_said_and_waited_for(home: Path) -> None:
    shared = home / "shared"
    shared.rename(home / "away")
    with _watch(home) as terminal:
        terminal.until("not exist")
        (home / "away").rename(shared)
        terminal.until("6/6 machines online")
        terminal.type(b"q")
        assert terminal.wait() == 0


def test_a_dumb_terminal_gets_lines(home: Path) -> None:
    with _watch(home, "--for", "1", TERM="dumb") as terminal:
        assert terminal.wait() == 0
        assert b"\x1b" not in terminal.seen
