"""Two computers under one name, and wall clocks that are wrong, in real processes behind real OpenSSH servers."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.show import schemas
from tests.kits import shifted
from tests.kits.agent_process import current
from tests.kits.hosts import PATIENCE_S, wait_for
from tests.kits.product import Answer, roosync_ops
from tests.kits.sshd import PYTHON, USER, Fleet

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.sshd, pytest.mark.clock]

#: The clocks of the machines while they run, in s ahead of this computer's.
SHIFTS = {"ahead": 3_600.0, "behind": -3_600.0}
#: In the inventory; `other` is not, and calls itself `twin`.
NAMES = ("well", "ahead", "behind", "twin")
INTERVAL_MS, TIMEOUT_MS = 1_000, 10_000


class Shifted:
    """The fleet, its clocks, and the commands over it."""

    def __init__(self, fleet: Fleet, clocks: dict[str, shifted.Clock]) -> None:
        self.fleet = fleet
        self.clocks = clocks
        self.inventory = fleet.root / "inventory.py"
        lines = ["from roosync_ops.fleet import machine"]
        for name in NAMES:
            fields = fleet.fields(fleet[name], heartbeat_interval=INTERVAL_MS, offline_timeout=TIMEOUT_MS)
            lines.append(f"{name} = [machine({name!r}, **{fields!r})]")
        self.inventory.write_text("\n".join([*lines, ""]), encoding="utf-8")

    def run(self, command: str, *words: str) -> Answer:
        shared = () if command in ("rollout", "verify-share") else ("--shared", str(self.fleet.shared))
        return roosync_ops(command, *words, "-i", self.inventory, *shared)

    def document(self, command: str, *words: str) -> Any:
        return schemas.of(command).validate_python(self.run(command, *words, "--json").document)

    def start_the_other(self) -> None:
        """Start a second agent of the name `twin`, with its own folder, as one does who cloned a disk."""
        fleet, other = self.fleet, self.fleet["other"]
        other.local_dir.mkdir(parents=True)
        (other.local_dir / "agent.pyz").write_bytes(current(fleet["twin"].local_dir).read_bytes())
        config = json.loads((fleet["twin"].local_dir / "config.json").read_text("utf-8"))
        elsewhere = fleet.root / "the-share-as-the-other-sees-it"  # under one path one computer lets one agent beat
        elsewhere.symlink_to(fleet.shared)
        (other.local_dir / "config.json").write_text(json.dumps({**config, "shared": str(elsewhere)}), "utf-8")
        agent = f"{PYTHON} {other.local_dir}/agent.pyz start --local-dir {other.local_dir} --json"
        way = ("ssh", "-p", str(other.port), "-i", str(fleet.key), "-o", f"UserKnownHostsFile={fleet.known_hosts}")
        done = subprocess.run([*way, f"{USER}@127.0.0.1", agent], check=False, timeout=PATIENCE_S, capture_output=True)
        assert done.returncode == 0, done

    def findings(self, document: Any) -> set[tuple[str, str | None]]:
        found = document["findings"] if "observers" in document else document["evidence"]["findings"]
        return {(one["kind"], one["machineId"]) for one in found}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shifted]:
    """Every clock is right at the rollout, which would refuse them otherwise, and then set while the agents run."""
    root = tmp_path_factory.mktemp("clocks")
    clocks = {name: shifted.Clock(root / f"clock-of-{name}") for name in SHIFTS}
    environments = {name: clock.environment for name, clock in clocks.items()}
    with Fleet(root, [*NAMES, "other"], hostnames={"other": "twin"}, environments=environments) as fleet:
        scene = Shifted(fleet, clocks)
        answer = scene.run("rollout")
        assert answer.code == 0, answer
        for name, shift in SHIFTS.items():
            clocks[name].set(shift)
        scene.start_the_other()
        yield scene


def test_each_trouble_is_named_by_the_matrix_and_by_validate_probe(scene: Shifted) -> None:
    wanted = {("clock-wrong", "ahead"), ("clock-wrong", "behind"), ("twin-identity", "twin")}
    wait_for(f"{wanted}", lambda: wanted <= scene.findings(scene.document("matrix")))
    matrix = scene.document("matrix")
    words = {one["machineId"]: one["word"] for one in matrix["machines"]}
    assert words.pop("twin") in ("alive", "stuck"), "twins get in each other's way in the one file that both write"
    assert set(words.values()) == {"alive"}
    offsets = {one["machineId"]: one["clockOffsetMs"] for one in matrix["machines"]}
    assert {name: round(offsets[name] / 60_000) for name in NAMES} == {"well": 0, "ahead": 60, "behind": -60, "twin": 0}
    validation = scene.document("validate", "--probe")
    assert wanted <= scene.findings(validation)
    assert {one["machineId"]: one["observed"] for one in validation["machines"]} == dict.fromkeys(NAMES, "online")
    assert "two computers beat as twin" in scene.run("validate", "--probe").out


def test_the_default_asks_whose_clock_is_an_hour_off_and_names_it(scene: Shifted) -> None:
    def said() -> set[tuple[str, str, str | None]]:
        rows = scene.document("validate")["machines"]
        return {(row["machineId"], row["observed"], row["reasonKind"]) for row in rows}

    wrong = {("ahead", "online", "clock-wrong"), ("behind", "online", "clock-wrong"), ("well", "online", None)}
    wait_for(f"{wrong}", lambda: wrong <= said())


def test_diagnose_ends_in_the_clock_and_in_the_twin_and_leaves_the_others_well(scene: Shifted) -> None:
    wanted = {"well": "well", "ahead": "clock-wrong", "behind": "clock-wrong", "twin": "twin-identity"}
    wait_for(f"{wanted}", lambda: causes(scene) == wanted)
    said = ("stop the agent on the one that is not it", "timedatectl set-ntp true")
    wait_for("all of it", lambda: all(text in scene.run("diagnose").out for text in said))


def test_how_long_beats_take_is_told_though_both_clocks_are_an_hour_off(scene: Shifted) -> None:
    document = scene.document("verify-share", "--via", "ahead,behind,well", "--seconds", "8")
    lags = {(one["source"], one["observer"]): one for one in document["propagation"]}
    assert {("ahead", "behind"), ("behind", "ahead"), ("ahead", "well"), ("well", "behind")} <= lags.keys()
    for one in lags.values():  # they share one folder: nothing is under way for long
        assert -one["errorS"] - 0.1 <= one["p50S"] < PATIENCE_S, one


def test_a_clock_that_is_set_right_again_is_no_trouble_any_more(scene: Shifted) -> None:
    """A step back by an hour, in mid-run: later beats bear earlier times."""
    for clock in scene.clocks.values():
        clock.set(0.0)
    wait_for(
        "the twins",
        lambda: (
            {name: cause for name, cause in causes(scene).items() if name != "twin"}
            == dict.fromkeys(("well", "ahead", "behind"), "well")
        ),
    )
    found = scene.findings(scene.document("matrix"))
    assert found == {("twin-identity", "twin")}


def causes(scene: Shifted) -> dict[str, str]:
    return {one["machineId"]: one["cause"] for one in scene.document("diagnose")["machines"]}
