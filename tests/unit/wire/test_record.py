"""Whatever bytes lie in a file, reading them gives a record, findings, or one named refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.wire import findings as f
from roosync_ops.wire.record import Record, dump, ordered, parse
from roosync_ops.wire.text import NotUnderstoodError, load
from tests.kits.shares import heartbeat, ours

trees = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)
keys = st.sampled_from(["machineId", "lastHeartbeat", "status", "missedHeartbeats", "metadata", "agent", "other"])


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_refused_by_name(raw: bytes) -> None:
    try:
        value, _ = load(raw)
    except NotUnderstoodError:
        return
    assert isinstance(value, dict)


@given(st.dictionaries(keys, trees))
def test_any_object_is_a_record_or_another_machines(data: dict[str, Any]) -> None:
    try:
        record, found = parse(data, "m")
    except NotUnderstoodError:
        assert data["machineId"] != "m"
    else:
        assert record.machine_id == "m"
        assert all(kind and detail for kind, detail in found)


@given(st.dictionaries(keys, trees.filter(lambda tree: tree == tree)))  # noqa: PLR0124 - NaN is not JSON
def test_what_is_dumped_is_loaded_again(data: dict[str, Any]) -> None:
    try:
        raw = dump(data)
    except ValueError:  # an infinity or a NaN deep inside: refused, not written
        return
    assert load(raw)[0] == json.loads(raw)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        pytest.param(b"", f.EMPTY, id="0-bytes"),
        pytest.param(b"\0" * 4096, f.EMPTY, id="zeros-of-a-placeholder"),
        pytest.param(b" \n", f.EMPTY, id="blank"),
        pytest.param(b'{"machineId": "m", "lastH', f.TRUNCATED, id="truncated"),
        pytest.param("{}".encode("utf-16"), f.UTF16, id="utf-16-with-mark"),
        pytest.param("{}".encode("utf-16-be"), f.UTF16, id="utf-16-be"),
        pytest.param(b'{"a": "\xe9"}', f.NOT_UTF8, id="latin-1"),
        pytest.param(b"[]", f.NOT_AN_OBJECT, id="list"),
        pytest.param(b"null", f.NOT_AN_OBJECT, id="null"),
        pytest.param(b'{"missedHeartbeats": NaN}', f.TRUNCATED, id="nan"),
        pytest.param(b"[" * 200_000, f.TRUNCATED, id="deep-nesting"),
        pytest.param(b'{"sequence": ' + b"9" * 5_000 + b"}", f.TRUNCATED, id="integer-of-5000-digits"),
    ],
)
def test_what_is_no_object_is_refused_by_name(raw: bytes, kind: str) -> None:
    with pytest.raises(NotUnderstoodError) as caught:
        load(raw)
    assert caught.value.kind == kind


def test_a_byte_order_mark_is_tolerated_and_told() -> None:
    assert load(b"\xef\xbb\xbf{}") == ({}, True)


def test_our_record_has_protocols_shape() -> None:
    raw = dump(ordered(ours("m") | {"offlineSince": "2026-02-12T10:15:30.123Z"}))
    keys = ["machineId", "lastHeartbeat", "status", "missedHeartbeats", "metadata", "agent", "offlineSince"]
    assert list(json.loads(raw)) == keys
    assert raw.startswith(b'{\n  "machineId": "m",\n')
    assert raw.endswith(b"}")
    assert b"\r" not in raw


def test_a_lone_surrogate_is_written_as_its_escape() -> None:
    assert json.loads(dump({"x": "\ud800é"})) == {"x": "\ud800é"}


def test_fields_nobody_knows_are_kept() -> None:
    record, found = parse(heartbeat("m", extra={"deep": [1]}), "m")
    assert record.data["extra"] == {"deep": [1]}
    assert found == []


@pytest.mark.parametrize(
    ("agent", "limits"),
    [
        pytest.param({"heartbeatInterval": 5, "offlineTimeout": 20}, (5, 20), id="its-own"),
        pytest.param({"heartbeatInterval": 20, "offlineTimeout": 5}, (30_000, 120_000), id="contradictory"),
        pytest.param({"heartbeatInterval": 5}, (30_000, 120_000), id="half"),
        pytest.param({"heartbeatInterval": True, "offlineTimeout": 1e999}, (30_000, 120_000), id="no-numbers"),
        pytest.param([], (30_000, 120_000), id="no-object"),
    ],
)
def test_a_record_is_judged_by_its_own_limits_or_by_the_protocols(agent: object, limits: tuple[int, int]) -> None:
    found = Record("m", 0, data={"agent": agent}).thresholds
    assert (found.interval_ms, found.timeout_ms) == limits
