"""The commands over real SSH, from outside: what a person sees, one document, exit codes."""

import json
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from roosync_ops.show import schemas
from tests.integration.rollout.conftest import DEAD, NAMES, deploy, tree
from tests.kits.product import roosync_ops
from tests.kits.sshd import Fleet


def _trees(fleet: Fleet) -> dict[str, dict[str, str]]:
    return {host.machine_id: tree(host.home) for host in fleet}


class TestCommand:
    """`roosync-ops rollout` and its like, from outside."""

    def test_it_shows_what_was_done_the_four_checks_and_the_table(self, fleet: Fleet, inventory: Path) -> None:
        answer = roosync_ops("rollout", "-i", inventory, "--shared", fleet.shared, "--limit", "lab")
        assert answer.code == 0, answer
        assert answer.out.count("push, configure, install, register, start") == 3
        assert answer.out.count("✓ in onlineMachines") == 3
        assert "3/4 machines online (75%)" in answer.out

    def test_a_dead_machine_is_named_with_what_to_type_and_the_exit_code_tells(
        self, fleet: Fleet, inventory: Path
    ) -> None:
        answer = roosync_ops("rollout", "-i", inventory, "--shared", fleet.shared, "--wait", "5")
        assert answer.code == 1, answer
        assert f"{DEAD}  unreachable" in answer.out
        assert "next:" in answer.out
        assert answer.seconds < 90

    def test_its_json_is_one_document_and_becomes_a_report(self, fleet: Fleet, inventory: Path, tmp_path: Path) -> None:
        answer = roosync_ops("rollout", "-i", inventory, "--shared", fleet.shared, "--limit", "lab", "--json")
        document = schemas.of("rollout").validate_python(answer.document)
        assert document["ok"] is True
        assert [row["outcome"] for row in document["machines"]] == ["changed"] * 3
        assert all(check["ok"] for row in document["machines"] for check in row["checks"])
        assert document["validation"]["summary"] == {"total": 4, "online": 3, "percent": 75}

        (tmp_path / "rollout.json").write_text(answer.out, encoding="utf-8")
        report = roosync_ops("report", "--rollout", tmp_path / "rollout.json", "--lang", "fr")
        assert report.code == 1, report  # the fourth machine is the dead one
        assert report.out.count(" : fait (push, configure, install, register, start)") == 3
        assert "**Observé :** 3/4 machines online (75%)" in report.out

    def test_a_dry_run_shows_the_difference_per_machine_and_writes_nothing(
        self, fleet: Fleet, inventory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "kept"))
        deploy("stop", inventory)  # nothing is there
        where = ("-i", inventory, "--shared", fleet.shared)
        first = roosync_ops("rollout", *where, "--limit", "lab", "--parallel", "1", "--wait", "30")
        assert first.code == 0, first
        (log,) = (tmp_path / "kept" / "roosync-ops" / "runs").iterdir()
        assert str(log) in first.err
        slower = fleet.inventory(tmp_path / "slower.py", heartbeat_interval=90_000, offline_timeout=400_000)
        before = _trees(fleet)
        answer = roosync_ops("rollout", "-i", slower, "--shared", fleet.shared, "--dry", "--lang", "fr")
        assert answer.code == 0, answer
        assert answer.out.count("heartbeatInterval 30000 -> 90000; offlineTimeout 120000 -> 400000") == 3
        assert "à faire" in answer.out
        assert "build" not in answer.out  # it is the same
        after = _trees(fleet)
        assert {name: there.keys() for name, there in after.items()} == {
            name: there.keys() for name, there in before.items()
        }
        for name, there in after.items():
            moved = {
                path for path in there if there[path] != before[name][path] and path.endswith((".pyz", "config.json"))
            }
            assert moved == set()
        assert [path.name for path in log.parent.iterdir()] == [log.name]

    def test_junit_has_whoever_was_not_reached(self, fleet: Fleet, inventory: Path) -> None:
        answer = roosync_ops("rollout", "-i", inventory, "--shared", fleet.shared, "--wait", "5", "--format", "junit")
        assert answer.code == 1, answer
        rolled, seen = ET.fromstring(answer.out)  # noqa: S314 - our own
        assert (rolled.get("tests"), seen.get("tests")) == ("4", "4")
        assert [case.get("name") for case in rolled if case.find("failure") is not None] == [DEAD]

    def test_a_share_that_is_not_there_is_not_all_offline(self, fleet: Fleet, inventory: Path, tmp_path: Path) -> None:
        answer = roosync_ops(
            "rollout", "-i", inventory, "--shared", tmp_path / "nowhere", "--limit", "lab", "--wait", "0"
        )
        assert answer.code == 3, answer
        assert fleet.shared.is_dir()

    def test_what_was_done_is_told_beside_why_nobody_could_look_after_it(self, inventory: Path, tmp_path: Path) -> None:
        away = ("-i", inventory, "--shared", tmp_path / "nowhere", "--limit", "lab", "--wait", "0")
        for words, schema in ((("rollout",), schemas.of("rollout")), (("restart",), schemas.of("restart"))):
            answer = roosync_ops(*words, *away, "--json")
            assert answer.code == 3, answer
            document = schema.validate_python(answer.document)
            assert [row["outcome"] for row in document["machines"]] == ["changed"] * 3
            assert (document["ok"], document["error"]["code"]) == (False, "SHARED_STATE_UNAVAILABLE")
            assert "nowhere" in document["error"]["message"]
        stopped = roosync_ops("stop", *away)
        assert stopped.code == 3, stopped
        assert "3 machines: 3 done" in stopped.out
        assert "nowhere" in stopped.err

        (tmp_path / "rollout.json").write_text(roosync_ops("rollout", *away, "--json").out, encoding="utf-8")
        report = roosync_ops("report", "--rollout", tmp_path / "rollout.json")
        assert report.code == 1, report
        assert "push" in report.out or "start" in report.out

    def test_stop_waits_until_the_shared_state_shows_it(self, fleet: Fleet, inventory: Path) -> None:
        deploy("rollout", inventory)
        answer = roosync_ops("stop", NAMES[0], "-i", inventory, "--shared", fleet.shared, "--json")
        assert answer.code == 0, answer
        (row,) = schemas.of("restart").validate_python(answer.document)["machines"]
        assert (row["outcome"], row["observed"]) == ("changed", "left")

    def test_through_a_machine_it_needs_no_share_of_its_own(self, fleet: Fleet, inventory: Path) -> None:
        deploy("rollout", inventory)
        answer = roosync_ops("rollout", "-i", inventory, "--via", NAMES[0], "--limit", "lab")
        assert answer.code == 0, answer
        assert "3/4 machines online (75%)" in answer.out
        assert fleet.shared.is_dir()

    @pytest.mark.parametrize(
        "argv",
        [
            pytest.param(["rollout", "nobody"], id="unknown-machine"),
            pytest.param(["rollout", "--inventory", "nowhere.py"], id="no-inventory"),
            pytest.param(["stop", "--wait", "soon"], id="no-number"),
        ],
    )
    def test_what_makes_no_sense_is_exit_code_2(self, fleet: Fleet, inventory: Path, argv: list[str]) -> None:
        flags = [] if "--inventory" in argv else ["--inventory", str(inventory)]
        answer = roosync_ops(*argv, *flags)
        assert answer.code == 2, answer
        assert answer.err.startswith("Error: ")
        assert fleet.shared.is_dir()

    def test_agent_build_says_which_build_it_is(self, tmp_path: Path) -> None:
        built = roosync_ops("agent", "build", "-o", tmp_path / "agent.pyz", "--json").document
        told = subprocess.run(["python3", tmp_path / "agent.pyz", "version", "--json"], capture_output=True, check=True)
        assert json.loads(told.stdout)["sha256"] == built["sha256"]
