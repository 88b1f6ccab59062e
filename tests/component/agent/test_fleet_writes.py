"""What six machines cost the share in an hour, counted under virtual time, and with a 3.0 eraser beside them."""

import random
from collections.abc import Callable

import pytest

from tests.kits.virtual_agent import Rig, VirtualClock

HOUR_NS = 3600 * 1_000_000_000


def hour(rigs: list[Rig], clock: VirtualClock) -> None:
    """Each loop takes its step when it is due; the start times are the machines' own."""
    end = clock.mono_ns + HOUR_NS
    while True:
        rig = min(rigs, key=lambda each: each.loop._due_ns)
        if rig.loop._due_ns >= end:
            return
        clock.advance(max(0, rig.loop._due_ns - clock.mono_ns) / 1e9)
        rig.loop.step()


@pytest.mark.parametrize("seed", [1, 2])
def test_six_machines_write_at_most_nine_hundred_times_an_hour(
    make_rig: Callable[..., Rig], replaced: list[str], seed: int
) -> None:
    clock = VirtualClock()
    dice = random.Random(seed)  # noqa: S311 - start times, not secrets
    rigs: list[Rig] = []
    for number in range(6):
        clock.advance(dice.uniform(0.1, 29))
        rigs.append(make_rig(f"m{number}", clock=clock))
    hour(rigs, clock)
    assert 714 <= len(replaced) - replaced.count("heartbeat.json") <= 726
    assert len(replaced) <= 900
    assert set(rigs[0].view()["onlineMachines"]) == {f"m{number}" for number in range(6)}
