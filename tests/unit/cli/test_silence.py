"""`machines silence`: whatever a machine is seen as, it raises no alarm, and every format says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from roosync_ops.fleet import load_inventory
from roosync_ops.gather.validation import GracePeriod, judged
from roosync_ops.judge.flip import rows_of
from roosync_ops.state.folder import read_folder
from roosync_ops.wire.times import now_ms

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Done

    Run = Callable[..., Done]

VALIDATE = ("validate", "--shared", "shared", "--probe", "never")
WINDOW = ("machines", "silence", "a", "--for", "2h", "--why", "new <disk>")


def test_every_format_tells_it_and_the_machine_is_as_expected(run: Run, beat: Callable[..., None]) -> None:
    beat("a", 900_000)
    assert run(*VALIDATE).code == 1
    assert run(*WINDOW).code == 0
    done = run(*VALIDATE)
    assert (done.code, "a is silenced until" in done.out, "(new <disk>)" in done.out) == (0, True, True)
    row = run(*VALIDATE, "--json").document["machines"][0]
    assert (row["ok"], row["observed"], row["reasonKind"]) == (True, "offline", "silenced")
    said = {form: run(*VALIDATE, "--format", form).out for form in ("markdown", "junit", "openmetrics")}
    assert "silenced until" in said["markdown"]
    assert "silenced until" in said["junit"]
    assert 'roosync_machine_silenced{machine="a"} 1' in said["openmetrics"]
    assert "a est en sourdine jusqu'à" in run(*VALIDATE, "--lang", "fr").out
    assert run("machines", "silence", "a", "--end").code == 0
    assert run(*VALIDATE).code == 1


def test_no_silence_is_told_as_a_death_while_the_window_is_open(
    run: Run, beat: Callable[..., None], place: Path
) -> None:
    beat("a", 900_000)
    run(*WINDOW)
    fleet, state = load_inventory(place / "inventory.py"), read_folder(place / "shared", now_ms())
    row = next(iter(rows_of(judged(state, fleet, None, GracePeriod(None, None, fleet)), state, fleet)))
    assert (row.status, row.doubt, row.death) == ("offline", "sight", None)


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("a",),
        ("a", "--for", "2h"),
        ("a", "--for", "2h", "--why", " "),
        ("a", "--for", "2 hours", "--why", "x"),
        ("a", "--for", "31d", "--why", "x"),
        ("a", "--for", "0m", "--why", "x"),
        ("a", "--for", "2h", "--why", "x", "--end"),
        ("nobody", "--for", "2h", "--why", "x"),
    ],
)
def test_what_is_no_window_opens_none(run: Run, words: tuple[str, ...]) -> None:
    done = run("machines", "silence", *words)
    assert (done.code, "Next:" in done.err) == (2, True)
