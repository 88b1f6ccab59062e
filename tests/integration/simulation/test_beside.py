"""Six agents beside every older service at once, in virtual time: nothing that was known is forgotten."""

from __future__ import annotations

import pytest

from tests.simulation.beside import beside


@pytest.mark.timeout(900)  # a minute of processor: on a busy machine ten
def test_whatever_older_services_rewrite_delete_or_sweep_no_stop_and_no_past_is_lost_and_each_is_named() -> None:
    outcome, forgotten = beside(8.0)
    assert outcome.lost == []  # no sequence went back, no history of a running machine shrank
    assert (forgotten.words, forgotten.histories, forgotten.unnamed) == ([], [], [])
    assert forgotten.left >= 1
    assert "heartbeats/myia-po-2023.json" in forgotten.of_another  # whose own past and word were kept all the same
    assert forgotten.undone >= 10  # and yet each was undone again and again
