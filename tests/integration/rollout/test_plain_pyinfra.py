"""Our deploys under plain pyinfra: its command line, its connectors, a deploy of the reader's own."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.rollout.conftest import NAMES, deploy, still, tree
from tests.kits.product import PYINFRA, pyinfra, record

if TYPE_CHECKING:
    from tests.kits.sshd import Fleet


ROOT = Path(__file__).parents[3]


_OWN_DEPLOY = """
from pyinfra import host
from pyinfra.operations import server
from roosync_ops.pyinfra_ops import facts, operations
from roosync_ops.pyinfra_ops.preflight import ready_machine

machine = ready_machine()
if machine is not None:
    operations.agent_rolled_out(machine=machine)
    operations.agent_online(machine=machine)
    seen = host.get_fact(facts.MachineFacts, python=machine.python)
    server.shell(commands=[f"echo {seen.hostname} > ~/seen"])
"""


class TestPlainPyinfra:
    """The same files, with pyinfra's own command and flags."""

    def deploy(self, name: str, inventory: Path, *flags: str) -> Any:
        return pyinfra(inventory, ROOT / "deploys" / f"{name}.py", *flags)

    def test_it_rolls_out_and_a_second_time_changes_nothing(self, fleet: Fleet, inventory: Path) -> None:
        first = self.deploy("rollout", inventory, "--limit", "lab", "-y")
        assert first.code == 0, first
        before = still(fleet)
        second = self.deploy("rollout", inventory, "--limit", "lab", "-y", "--json")
        assert second.code == 0, second
        assert second.document["results"]["totals"]["no_change"] == 6
        assert still(fleet) == before

    def test_dry_shows_the_plan_and_writes_nothing(self, fleet: Fleet, inventory: Path) -> None:
        answer = self.deploy("rollout", inventory, "--limit", "lab", "--dry", "--json")
        assert answer.code == 0, answer
        assert set(answer.document["plan"][0]["hosts_with_change"]) == set(NAMES)
        assert {path for host in fleet for path in tree(host.home)} == set()

    def test_a_dead_machine_stops_nobody_and_the_exit_code_tells(self, fleet: Fleet, inventory: Path) -> None:
        answer = self.deploy("rollout", inventory, "-y")
        assert answer.code == 1, answer
        assert "Traceback" not in answer.err + answer.out
        assert all(record(fleet.shared, name)["agent"]["state"] == "running" for name in NAMES)

    def test_a_machine_that_is_expected_offline_is_passed_over_with_a_word(self, fleet: Fleet, tmp_path: Path) -> None:
        inventory = fleet.inventory(tmp_path / "off.py", expected="offline", why="switched off")
        answer = self.deploy("rollout", inventory, "-y")
        assert answer.code == 0, answer
        assert "expected offline (switched off)" in answer.err
        assert {path for host in fleet for path in tree(host.home)} == set()

    def test_a_refused_machine_is_told_without_a_traceback(self, fleet: Fleet, inventory: Path) -> None:
        shutil.rmtree(fleet.shared)
        answer = self.deploy("rollout", inventory, "--limit", NAMES[0], "-y")
        assert answer.code == 1, answer
        assert "there is no such folder" in answer.err
        assert "Traceback" not in answer.err + answer.out

    @pytest.mark.parametrize("name", ["verify", "restart", "stop", "uninstall"])
    def test_each_deploy_runs(self, fleet: Fleet, inventory: Path, name: str) -> None:
        deploy("rollout", inventory)
        answer = self.deploy(name, inventory, "--limit", "lab", "-y")
        assert answer.code == 0, answer
        assert fleet.shared.is_dir()

    def test_a_deploy_of_ones_own_is_built_of_the_same_facts_and_operations(
        self, fleet: Fleet, inventory: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "mine.py").write_text(_OWN_DEPLOY)
        answer = pyinfra(inventory, tmp_path / "mine.py", "--limit", NAMES[0], "-y")
        assert answer.code == 0, answer
        titles = re.findall(r"Starting operation: (.*)", answer.err)
        assert len(titles) == 3
        assert max(map(len, titles)) < 80
        assert record(fleet.shared, NAMES[0])["agent"]["state"] == "running"
        assert (fleet[NAMES[0]].home / "seen").read_text().strip() == NAMES[0]

    @pytest.mark.parametrize("fact", ["MachineFacts", "ReplicaFacts"])
    def test_a_fact_that_is_silence_is_a_document_too(self, fleet: Fleet, tmp_path: Path, fact: str) -> None:
        inventory = fleet.inventory(tmp_path / "none.py")
        words = ["fact", "--json", "--limit", NAMES[0], f"roosync_ops.pyinfra_ops.facts.{fact}", "python=/nowhere"]
        (facts,) = pyinfra(inventory, *words).document.values()
        assert facts[NAMES[0]]["code"] == "NO_PYTHON"

    def test_the_fact_is_one_document(self, fleet: Fleet, inventory: Path) -> None:
        answer = pyinfra(inventory, "fact", "--json", "--limit", NAMES[0], "roosync_ops.pyinfra_ops.facts.MachineFacts")
        (facts,) = answer.document.values()
        assert facts[NAMES[0]]["hostname"] == NAMES[0]
        assert fleet.shared.is_dir()


def test_pyinfra_is_where_the_tests_expect_it() -> None:
    assert PYINFRA.exists()
