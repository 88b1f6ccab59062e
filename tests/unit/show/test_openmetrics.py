"""The metrics, as Prometheus' own parser reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from roosync_ops import show
from tests.kits.shares import NOW

if TYPE_CHECKING:
    from roosync_ops.judge import Validation


def _samples(validation: Validation) -> dict[tuple[str, str, str], float]:
    families = text_string_to_metric_families(show.openmetrics(validation) + "\n")
    return {
        (sample.name, sample.labels.get("machine", ""), sample.labels.get(sample.name, "")): sample.value
        for family in families
        for sample in family.samples
    }


def test_the_reference_parser_finds_what_the_table_shows(procedure: Validation) -> None:
    found = _samples(procedure)
    assert (found["roosync_machines", "", ""], found["roosync_machines_online", "", ""]) == (6, 4)
    assert found["roosync_checked_timestamp_seconds", "", ""] == NOW / 1000
    for row in procedure.verdicts:
        name = row.machine_id
        assert found["roosync_machine_as_expected", name, ""] == row.ok
        assert found["roosync_machine_observed", name, row.observed] == 1
        assert found["roosync_machine_basis", name, row.rests_on] == 1
        for states in ("roosync_machine_observed", "roosync_machine_basis"):
            assert sum(value for key, value in found.items() if key[:2] == (states, name)) == 1
        age = found.get(("roosync_machine_heartbeat_age_seconds", name, ""))
        assert age == (None if row.age_ms is None else row.age_ms / 1000)


def test_what_is_hostile_in_the_share_is_in_no_metric(trouble: Validation) -> None:
    assert {name for _, name, _ in _samples(trouble)} == {"", *(row.machine_id for row in trouble.verdicts)}
