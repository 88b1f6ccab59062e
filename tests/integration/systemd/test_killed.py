"""Whoever rolls a build out over real systemd is killed at any instant, and goes on from there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.integration.systemd.trials import NAMES, agent_part, loops, where
from tests.kits.variant import GOOD, Variant, killed_and_resumed, usual_s

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kits.nslab import Fleet

#: How many kills of each kind; twenty before a release.
KILLS = int(os.environ.get("TEST_KILLS", "1"))
pytestmark = [pytest.mark.systemd, pytest.mark.timeout(900 + 120 * KILLS)]


@pytest.mark.parametrize("kind", ["first", "upgrade"])
def test_killed_at_any_instant_a_rollout_goes_on_from_there(fleet: Fleet, tmp_path: Path, kind: str) -> None:
    products, at = (Variant(tmp_path / "one"), Variant(tmp_path / "two", GOOD)), where(fleet, tmp_path)
    if kind == "first":
        take_off(products[0], at)
    within_s = usual_s(kind, products, at)
    for seed in range(KILLS):
        product = products[seed % 2]  # over the other one
        if kind == "first":
            take_off(product, at)
        killed_and_resumed(product, at, seed, within_s)
        assert {agent_part(fleet, name)["buildId"] for name in NAMES} == {product.build_id}, seed
        for name in NAMES:
            assert len(loops(fleet[name])) == 1, (seed, name)
            assert not fleet[name].run("find", "/var/lib/roosync", "-name", ".*.new"), seed


def take_off(product: Variant, at: tuple[str | Path, ...]) -> None:
    code, said = product("uninstall", *at, "--yes")
    assert code == 0, said
