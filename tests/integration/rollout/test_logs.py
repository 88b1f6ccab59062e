"""`roosync-ops logs`: what an agent said last, over real SSH."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.integration.rollout.conftest import DEAD, NAMES, deploy
from tests.kits.product import roosync_ops

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kits.sshd import Fleet


def test_it_shows_each_place_that_holds_words_of_the_agent_and_no_control_character(
    fleet: Fleet, inventory: Path
) -> None:
    name = NAMES[0]
    empty = roosync_ops("logs", name, "-i", inventory, "--lang", "fr")
    assert (empty.code, "n'a rien dit" in empty.out) == (0, True), empty
    deploy("rollout", inventory, name)
    (log,) = fleet[name].local_dir.glob("*/supervisor.log")
    with log.open("a") as file:
        file.write("\n".join(f"line {number} \x1b[31m" for number in range(200)))
    shown = roosync_ops("logs", name, "-i", inventory, "--lines", "5")
    assert shown.code == 0, shown
    assert f"== {log}" in shown.out
    assert "line 199" in shown.out
    assert "line 194 " not in shown.out
    assert "\x1b" not in shown.out
    (place,) = roosync_ops("logs", name, "-i", inventory, "--json").document["logs"]
    assert len(place["lines"]) == 100
    dead = roosync_ops("logs", DEAD, "-i", inventory)
    assert (dead.code, f"Next:  roosync-ops diagnose {DEAD}" in dead.err) == (1, True), dead
