"""A machine that takes the connection and hangs there is named, and does not cost the time of a slow agent's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.kits.hung import STAGES, hung_fleet
from tests.kits.product import roosync_ops

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: What is seen of each stage: the limit that ended it is its own, not the 20 s of the whole machine.
SEEN = {
    "greeting": "it took the connection and then said nothing: no SSH greeting within 4 s",
    "keys": "it took the connection, greeted, and then said nothing: no SSH keys within 8 s",
    "login": "it took the connection and hung: no login within 8 s",
}


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("hung")
    with hung_fleet(root) as machines:
        lines = [
            f"{stage}_{system} = [machine('{stage}-{system}', **{dict(fields, system=system)!r})]"
            for stage, fields in machines.items()
            for system in ("posix", "windows")
        ]
        path = root / "inventory.py"
        path.write_text("\n".join(["from roosync_ops.fleet import machine", *lines, ""]), encoding="utf-8")
        yield path


def test_diagnose_names_each_stage_that_hangs_and_gives_up_on_it_in_its_own_time(inventory: Path) -> None:
    answer = roosync_ops("diagnose", "-i", inventory, "--timeout", "20", "--json")
    rows = {row["machineId"]: row for row in answer.document["machines"]}
    assert {row["cause"] for row in rows.values()} == {"ssh-silent"}, answer
    assert {name: seen(row) for name, row in rows.items()} == {
        f"{stage}-{system}": SEEN[stage] for stage in STAGES for system in ("posix", "windows")
    }


def seen(row: dict[str, Any]) -> str | None:
    found: str | None = next(check["seen"] for check in row["checks"] if check["outcome"] == "not ok")
    return found


def test_matrix_gives_up_as_early_and_says_that_the_machine_is_on(inventory: Path) -> None:
    document = roosync_ops("matrix", "-i", inventory, "--json").document
    assert {one["word"] for one in document["machines"]} == {"unclear"}
    details = " ".join(one["detail"] for one in document["machines"])
    assert all(limit in details for limit in ("greeting within 3 s", "keys within 6 s", "login within 6 s"))
    assert {one["kind"] for one in document["findings"]} == {"no-usable-answer"}
