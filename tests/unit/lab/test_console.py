from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from roosync_ops.judge import Validation
from roosync_ops.lab.console import Console, machine_named, run_prompt, run_script, split
from roosync_ops.lab.faults import FAULTS, LabError
from roosync_ops.lab.play import LabScreen
from roosync_ops.state import StateUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ("myia-po-2024", "myia-po-2023", "myia-web1")


@dataclass
class StandIn:
    """Stands for the fleet and for the board, and remembers what it was told."""

    names: tuple[str, ...] = NAMES
    calls: list[str] = field(default_factory=list)

    def check(self) -> Validation:
        return a_validation()

    def kill_agent(self, name: str) -> int:
        self.calls.append(f"kill {name}")
        return 4711

    def agent(self, name: str, verb: str) -> dict[str, Any]:
        raise LabError(f"{name} is switched off: {verb}")

    def fault(self, name: str, machine: str, *, on: bool = True) -> bool:
        self.calls.append(f"fault {name} {machine} {'on' if on else 'off'}")
        return on

    def faults(self) -> dict[str, list[str]]:
        return {"myia-web1": ["full", "slow"]}

    def power_off(self, name: str) -> None:
        self.calls.append(f"off {name}")


class Paper(LabScreen):
    """A screen that remembers."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.said: list[str] = []
        self.tables = 0

    def say(self, text: str) -> None:
        self.said.append(text)

    def show(self, validation: Validation) -> None:
        assert validation.total == 0
        self.tables += 1


def a_validation() -> Validation:
    return Validation(0, "/share", (), (), ())


@dataclass
class Bench:
    lab: StandIn
    screen: Paper
    slept: list[float]
    console: Console


@pytest.fixture
def bench() -> Bench:
    lab, screen = StandIn(), Paper()
    slept: list[float] = []
    console = Console(cast("Any", lab), cast("Any", lab), screen, slept.append)
    return Bench(lab, screen, slept, console)


def test_commands_of_one_line_run_in_order(bench: Bench) -> None:
    bench.console.run("kill 2024; wait 10;; off web # the web server")
    assert bench.lab.calls == ["kill myia-po-2024", "off myia-web1"]
    assert bench.slept == [10.0]


def test_a_kill_says_which_process_and_what_to_expect(bench: Bench) -> None:
    bench.console.run("kill 2024")
    assert "4711" in bench.screen.said[0]
    assert "brings it back" in bench.screen.said[0]


def test_quit_leaves_the_rest_of_the_line_undone(bench: Bench) -> None:
    bench.console.run("quit; kill 2024")
    assert bench.console.ended
    assert bench.lab.calls == []


def test_help_names_every_command(bench: Bench) -> None:
    bench.console.run("help")
    assert all(name in bench.screen.said[0] for name in bench.console._commands)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        pytest.param("dance", "no command of the lab", id="unknown"),
        pytest.param("kill", "name one machine", id="no machine"),
        pytest.param("kill po", "may be myia-po-2024 or myia-po-2023", id="two machines"),
        pytest.param("kill 1999", "names no machine", id="another machine"),
        pytest.param("stop web1", "switched off", id="the lab's own word"),
        pytest.param("wait", "how many seconds", id="no time"),
        pytest.param("wait long", "how many seconds", id="no number"),
        pytest.param("wait -1", "no number of seconds", id="negative"),
        pytest.param("wait inf", "no number of seconds", id="for ever"),
        pytest.param("fault hang", "name a fault and a machine", id="a fault of nobody"),
        pytest.param("fault hang po", "may be myia-po-2024 or myia-po-2023", id="a fault of two machines"),
        pytest.param("table now", "takes nothing", id="too much"),
        pytest.param("kill 'po", "quotation", id="open quotation"),
    ],
)
def test_a_command_that_makes_no_sense_says_why_in_one_sentence(bench: Bench, line: str, problem: str) -> None:
    assert not run_script(bench.console, bench.screen, line)
    (said,) = bench.screen.said
    assert problem in said
    assert "\n" not in said


def test_faults_are_caused_ended_and_told_of_by_word(bench: Bench) -> None:
    bench.console.run("fault hang 2024; fault stale web1 --off; fault upload-stall admin; fault; fault --list")
    assert bench.lab.calls == [
        "fault hang myia-po-2024 on",
        "fault stale myia-web1 off",
        "fault upload-stall admin on",
    ]
    hang, over, _, active, every = bench.screen.said
    assert "blocks in the system call" in hang
    assert over == "myia-web1: stale was not on."
    assert active == "myia-web1: full, slow"
    assert all(name in every for name in FAULTS)


def test_a_share_that_is_gone_is_a_sentence_and_not_the_end_of_the_lab(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_words: list[str]) -> None:
        raise StateUnavailableError("the folder does not exist", "make it")

    monkeypatch.setitem(bench.console._commands, "table", gone)
    assert not run_script(bench.console, bench.screen, "table")
    assert bench.screen.said == ["Error: the shared state cannot be read: the folder does not exist"]


def test_a_script_stops_at_the_first_failure(bench: Bench) -> None:
    assert not run_script(bench.console, bench.screen, "stop web1; kill 2024")
    assert bench.lab.calls == []


def test_the_prompt_goes_on_after_a_mistake_and_ends_with_the_input(bench: Bench) -> None:
    run_prompt(bench.console, bench.screen, _typed("dance", "kill 2024"))
    assert bench.lab.calls == ["kill myia-po-2024"]


def test_ctrl_c_ends_a_command_and_not_the_lab(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_words: list[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(bench.console._commands, "wait", interrupted)
    run_prompt(bench.console, bench.screen, _typed("wait 60", "kill 2024", "quit", "kill 2023"))
    assert bench.lab.calls == ["kill myia-po-2024"]


def test_a_whole_name_wins_over_a_part_of_another() -> None:
    assert machine_named("po-1", ("po-1", "po-10")) == "po-1"
    assert machine_named("MYIA-WEB1", NAMES) == "myia-web1"


def test_lines_are_split_at_semicolons_and_line_breaks() -> None:
    assert list(split("a b;\nc ; # nothing\n")) == [["a", "b"], ["c"]]


def _typed(*lines: str) -> Callable[[str], str]:
    """What a person types, then the end of input."""
    waiting = iter(lines)

    def ask(_prompt: str) -> str:
        try:
            return next(waiting)
        except StopIteration:
            raise EOFError from None

    return ask
