"""From an empty folder on: `init`, `machines add`, and what need not be typed."""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from roosync_ops import errors
from roosync_ops.cli import acting, output
from roosync_ops.cli.journal import RunJournal, RunLog
from roosync_ops.fleet import FleetError, load_inventory
from roosync_ops.pyinfra_ops.run import Event, Result
from roosync_ops.show.text import cells
from roosync_ops.transport.link import Failure

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


def test_every_first_step_names_the_next_one_up_to_a_table(empty: Path, run: Run, beat: Beat) -> None:
    assert run("validate").next == "roosync-ops init"
    begun = run("init")
    assert (begun.code, begun.next) == (0, "roosync-ops machines add --help")
    assert run("validate").next == "roosync-ops machines add --help"
    added = run("machines", "add", "a", "--host", "a.local")
    assert (added.code, added.next) == (0, "roosync-ops rollout --dry")
    (empty / "drive" / "RooSync" / ".shared-state").rmdir()
    (empty / "share").rename(empty / "shared")
    beat("a")
    (empty / "shared").rename(empty / "drive" / "RooSync" / ".shared-state")
    assert "1/1 machines online (100%)" in run("validate").out


def test_a_machine_that_is_there_already_is_told_with_its_line_and_nothing_is_changed(empty: Path, run: Run) -> None:
    run("init")
    run("machines", "add", "a")
    before = (empty / "inventory.py").read_bytes()
    line = 1 + before[: before.index(b'machine("a"')].count(b"\n")
    told = run("machines", "add", "a", "--to", "off")
    assert (told.code, told.next) == (2, "roosync-ops machines list")
    assert f"inventory.py: line {line}: a is there already" in told.err
    assert (empty / "inventory.py").read_bytes() == before


def test_where_it_is_made_otherwise_no_line_is_told_that_the_file_does_not_have(empty: Path, run: Run) -> None:
    text = "from roosync_ops.fleet import machine\nenroll = []\noff = [machine(name) for name in ['a']]\n"
    (empty / "inventory.py").write_text(text)
    told = run("machines", "add", "a")
    assert "inventory.py: a: machine_id: defined twice" in told.err
    assert (empty / "inventory.py").read_text() == text


def test_a_shared_folder_that_is_not_there_is_written_down_and_said(empty: Path, run: Run) -> None:
    begun = run("init", "--shared", str(empty / "G"))
    assert begun.code == 0
    assert f"Note: {empty / 'G'} is no folder yet: mount it, or correct it in roosync-ops.toml" in begun.err
    for name in ("inventory.py", "roosync-ops.toml"):
        (empty / name).unlink()
    (empty / "G").mkdir()
    assert "Note" not in run("init", "--shared", str(empty / "G")).err


def test_nothing_is_overwritten(empty: Path, run: Run) -> None:
    (empty / "roosync-ops.toml").write_text("")
    assert run("init").code == 2
    assert not (empty / "inventory.py").exists()


def test_a_home_that_was_quoted_is_the_home_in_what_is_written_down(
    empty: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(empty / "home"))
    monkeypatch.setenv("USERPROFILE", str(empty / "home"))
    assert run("init", "--shared", "~/My Drive/it's").code == 0
    assert f'\nshared = "{empty}/home/My Drive/it\'s"' in (empty / "roosync-ops.toml").read_text()


def test_two_shared_states_nearby_are_told_and_neither_is_taken(empty: Path, run: Run) -> None:
    (empty / ".shared-state").mkdir()
    done = run("init")
    assert done.err.count("Found: ") == 2
    assert "\nshared =" not in (empty / "roosync-ops.toml").read_text()


def test_quiet_says_nothing_but_what_is_wrong(run: Run, beat: Beat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOSYNC_SHARED_PATH", "shared")
    assert run("validate", "-q") == (1, "", "")
    beat("a")
    assert run("validate", "--quiet") == (0, "", "")
    assert "Error: " in run("validate", "--shared", "nowhere", "-q").err
    assert "1/2" in run("validate").out


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("roosync-ops validate ", {"a", "b", "enroll", "off", "all"}),
        ("roosync-ops rollout --limit a,", {"a,a", "a,b", "a,enroll", "a,off", "a,all"}),
        ("roosync-ops diagnose e", {"enroll"}),
        ("roosync-ops watch --via ", {"a", "b", "enroll", "off", "all"}),
        ("roosync-ops lab fault place", {"placeholders"}),
        ("roosync-ops lab fault hang myia-web", {"myia-web1"}),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_every_shell_completes_names(
    run: Run, monkeypatch: pytest.MonkeyPatch, shell: str, words: str, offered: set[str]
) -> None:
    last = words.rpartition(" ")[2]
    protocol = {
        "_ROOSYNC_OPS_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
        "_TYPER_COMPLETE_ARGS": words,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_WORD_TO_COMPLETE": last,
    }
    for name, value in protocol.items():
        monkeypatch.setenv(name, value)
    found = re.sub(r"^_arguments '\*: :\(\((.*)\)\)'$", r"\1", run().out.strip(), flags=re.DOTALL).replace('"', "")
    assert {word.removesuffix(":::") for word in found.split()} == offered


def test_ctrl_c_while_it_loads_is_no_traceback(place: Path) -> None:
    script = (
        "import sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'typer': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from roosync_ops.__main__ import main\n"
        "sys.exit(main())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (130, "")


def test_without_a_terminal_what_takes_long_says_how_far_it_is_now_and_then() -> None:
    now, said = [0.0], io.StringIO()
    with output.Progress(said, lambda: now[0]) as progress:
        for second in range(35):
            now[0] = float(second)
            progress.show(f"{second} s")
    assert said.getvalue().split("\n") == ["10 s", "20 s", "30 s", ""]


def test_failed_are_those_of_the_last_command_that_changed_something(place: Path) -> None:
    inventory = place / "inventory.py"
    fleet = load_inventory(inventory)
    with pytest.raises(errors.CommandError, match="failed on no machine"):
        acting.targets(fleet, None, None, inventory)
    failure = Failure("connect", "UNREACHABLE", "no route", "ssh a")
    RunJournal(inventory).ended([Result("a"), Result("b", failure=failure)])
    assert [machine.machine_id for machine in acting.targets(fleet, None, None, inventory)] == ["b"]
    with pytest.raises(FleetError, match="no machine is left"):
        acting.targets(fleet, ["!b"], None, inventory)
    RunJournal(inventory).ended([Result("b")])
    with pytest.raises(errors.CommandError):
        acting.targets(fleet, None, None, inventory)


@pytest.mark.parametrize(
    ("events", "said"),
    [
        pytest.param([Event("a")], "none was changed", id="while they are looked at"),
        pytest.param([Event("a", "Roll the agent out")], "a: Roll the agent out", id="while they are changed"),
    ],
)
def test_ctrl_c_says_what_was_done_by_then(
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    events: list[Event],
    said: str,
) -> None:
    def interrupted(*_: object, tell: Callable[[Event], None], **__: object) -> None:
        for event in events:
            tell(event)
        raise KeyboardInterrupt

    monkeypatch.setattr(acting, "run", interrupted)
    fleet = load_inventory(place / "inventory.py")
    with pytest.raises(KeyboardInterrupt):
        acting.Run(how=acting.How(), log=RunLog("restart", (), wanted=False)).act("restart", tuple(fleet))
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--dry", "--dry-run", "--check"])
@pytest.mark.parametrize("command", ["rollout", "restart", "stop", "uninstall"])
def test_a_dry_run_has_three_spellings(run: Run, flag: str, command: str) -> None:
    assert "no such machine" in run(command, flag, "nobody").err


@pytest.mark.parametrize(
    "words", [("--lang", "xx"), ("--wait", "-1"), ("--timeout", "x"), ("--format", "y"), ("--patience", "z")]
)
def test_what_is_typed_wrong_is_told_without_a_librarys_words(run: Run, words: tuple[str, str]) -> None:
    done = run("validate", "--shared", "shared", *words)
    assert done.code == 2
    assert not re.search(r"Value error|Input should|pydantic|Traceback", done.err)


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows: the zone is the system's")
def test_times_are_local_with_their_zone_in_what_is_shown_and_utc_in_what_is_kept(
    run: Run, beat: Beat, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat("a")
    monkeypatch.setenv("TZ", "XYZ-05:30")
    time.tzset()
    try:
        words = ("validate", "--shared", "shared")
        shown = {
            name: run(*more).out
            for name, more in {
                "local": words,
                "utc": (*words, "--utc"),
                "before": ("--utc", *words),
                "markdown": (*words, "-f", "markdown"),
                "json": (*words, "--json"),
            }.items()
        }
    finally:
        monkeypatch.undo()
        time.tzset()
    assert re.search(r" [0-9:]{8}\+05:30\s", shown["local"])
    assert all("+05:30" not in text for name, text in shown.items() if name != "local")


def test_what_stands_before_the_command_holds_for_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOSYNC_SHARED_PATH", "shared")
    assert run("--quiet", "validate") == (1, "", "")


@pytest.mark.skipif(os.name != "posix", reason="a shell script stands for ssh")
def test_ssh_is_ssh_to_where_the_inventory_says(place: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    program = place / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s|" "$@" > typed\nexit 7\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    assert run("ssh", "a", "ls", "-l", "--all").code == 7
    assert (place / "typed").read_text() == "-p|2222|me@a.local|ls|-l|--all|"
    assert run("ssh", "A").code == 7
    assert "did you mean" in run("ssh", "enrol").err


@pytest.mark.parametrize(("command", "columns"), [("watch", 60), ("verify-share", 60), ("schedule", 80), ("init", 120)])
def test_help_fits_the_terminal_and_breaks_no_example(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: str, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = run(command, "--help").out
    told, _, examples = shown.partition("Examples:\n")
    pasted = [line for line in examples.splitlines() if re.match(r"roosync-ops |[A-Z_]+=|python3 |pyinfra ", line)]
    assert pasted
    assert all(shlex.split(line) for line in pasted)
    rest = [line for line in (*told.splitlines(), *examples.splitlines()) if line not in pasted]
    assert max(map(cells, rest)) <= columns


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_share_that_is_measured_is_told_in_lines_of_the_terminal(
    run: Run, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    done = run("verify-share", "shared", "--seconds", "0")
    assert "carries no lock to another" in " ".join(done.out.split())
    assert max(map(cells, done.out.splitlines())) <= columns
