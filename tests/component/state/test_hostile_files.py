"""Each thing a share may hold that is no heartbeat is a named finding, and takes no other machine with it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.state.folder import read_folder
from roosync_ops.wire import findings as f
from roosync_ops.wire.record import MAX_RECORD_BYTES
from tests.kits.shares import NOW, heartbeat, ours, put

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from roosync_ops.state import SharedState

BAD = "heartbeats/bad.json"


def text_of(**extra: Any) -> bytes:
    return json.dumps(heartbeat("bad", **extra)).encode()


def without(key: str) -> bytes:
    return json.dumps({name: value for name, value in heartbeat("bad").items() if name != key}).encode()


def read(shared: Path) -> SharedState:
    """Read a share that also holds the healthy machine `good`, and see that it is kept."""
    put(shared, ours("good"))
    state = read_folder(shared, NOW)
    assert state.machines["good"].record.last_heartbeat_ms == NOW - 10_000
    return state


def kinds(state: SharedState, file: str = BAD) -> set[str]:
    return {finding.kind for finding in state.findings if finding.file == file}


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        pytest.param(b"", f.EMPTY, id="0-bytes"),
        pytest.param(b"\0" * 512, f.EMPTY, id="placeholder-of-zeros"),
        pytest.param(text_of()[:40], f.TRUNCATED, id="truncated"),
        pytest.param(json.dumps(heartbeat("bad")).encode("utf-16"), f.UTF16, id="utf-16"),
        pytest.param(b'{"machineId": "b\xe9d"}', f.NOT_UTF8, id="latin-1"),
        pytest.param(b"[]", f.NOT_AN_OBJECT, id="empty-list"),
        pytest.param(b'"online"', f.NOT_AN_OBJECT, id="string"),
        pytest.param(b"[" * 100_000, f.TRUNCATED, id="deep-nesting"),
        pytest.param(b'{"a":' * 100_000, f.TRUNCATED, id="deep-nesting-of-objects"),
        pytest.param(b'{"missedHeartbeats": NaN}', f.TRUNCATED, id="nan"),
        pytest.param(b'{"agent": {"sequence": ' + b"1" * 10_000 + b"}}", f.TRUNCATED, id="integer-of-10000-digits"),
        pytest.param(text_of(machineId="other"), f.ID_CONTRADICTS_NAME, id="inner-id-contradicts-the-name"),
    ],
)
def test_a_file_that_is_no_heartbeat_is_named_and_is_no_machine(tmp_path: Path, raw: bytes, kind: str) -> None:
    put(tmp_path, heartbeat("bad")).write_bytes(raw)
    state = read(tmp_path)
    assert kinds(state) == {kind}
    assert set(state.machines) == {"good"}
    assert [finding.kind for finding in state.findings_about("bad")] == [kind]


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        pytest.param(without("lastHeartbeat"), f.NO_HEARTBEAT, id="missing"),
        pytest.param(text_of(lastHeartbeat=None), f.NO_HEARTBEAT, id="null"),
        pytest.param(text_of(lastHeartbeat="yesterday"), f.BAD_HEARTBEAT, id="invalid"),
        pytest.param(text_of(lastHeartbeat=1_770_891_330_123), f.BAD_HEARTBEAT, id="number"),
        pytest.param(text_of(lastHeartbeat="2026-02-12T10:15:20.123"), f.NAIVE_HEARTBEAT, id="naive"),
        pytest.param(text_of(lastHeartbeat="2026-02-30T10:15:20Z"), f.BAD_HEARTBEAT, id="no-such-day"),
    ],
)
def test_a_heartbeat_without_a_valid_time_is_seen_but_never_heard(tmp_path: Path, raw: bytes, kind: str) -> None:
    put(tmp_path, heartbeat("bad")).write_bytes(raw)
    state = read(tmp_path)
    assert kinds(state) == {kind}
    assert state.machines["bad"].record.last_heartbeat_ms is None


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        pytest.param(b"\xef\xbb\xbf" + text_of(), f.BOM, id="byte-order-mark"),
        pytest.param(text_of(status=5), f.WRONG_TYPE, id="status-is-a-number"),
        pytest.param(text_of(missedHeartbeats="3"), f.WRONG_TYPE, id="missed-is-a-text"),
        pytest.param(text_of(metadata=[]), f.WRONG_TYPE, id="metadata-is-a-list"),
        pytest.param(text_of(machineId=7), f.WRONG_TYPE, id="machine-id-is-a-number"),
        pytest.param(text_of(agent="x"), f.WRONG_TYPE, id="agent-is-a-text"),
        pytest.param(text_of(agent={"sequence": -1}), f.WRONG_TYPE, id="sequence-below-0"),
        pytest.param(text_of(agent={"sequence": "7"}), f.WRONG_TYPE, id="sequence-is-a-text"),
        pytest.param(text_of(agent={"state": "napping"}), f.WRONG_TYPE, id="state-nobody-knows"),
        pytest.param(text_of(agent={"upIntervals": [{}]}), f.WRONG_TYPE, id="intervals-of-objects"),
        pytest.param(text_of(agent={"startedAt": "noon"}), f.WRONG_TYPE, id="started-at-noon"),
        pytest.param(text_of(offlineSince=True), f.WRONG_TYPE, id="offline-since-true"),
    ],
)
def test_a_heartbeat_with_a_fault_beside_its_time_still_counts(tmp_path: Path, raw: bytes, kind: str) -> None:
    put(tmp_path, heartbeat("bad")).write_bytes(raw)
    state = read(tmp_path)
    assert kinds(state) == {kind}
    assert state.machines["bad"].record.last_heartbeat_ms == NOW - 10_000


def test_one_fault_is_told_once(tmp_path: Path) -> None:
    put(tmp_path, heartbeat("bad")).write_bytes(text_of(metadata=[], status=5))
    assert [item.detail.split(" ")[0] for item in read(tmp_path).findings] == ["status", "metadata"]


def test_a_record_with_a_wrong_field_keeps_its_machine(tmp_path: Path) -> None:
    put(tmp_path, ours("bad", version=3))
    state = read(tmp_path)
    assert "bad" in state.machines
    assert state.findings[0].detail.startswith("bad: agent.version: ")


def test_a_heartbeat_far_in_the_future_counts_and_is_told(tmp_path: Path) -> None:
    put(tmp_path, heartbeat("bad", -3_600_000))
    state = read(tmp_path)
    assert kinds(state) == {f.FUTURE_HEARTBEAT}
    assert state.machines["bad"].record.last_heartbeat_ms == NOW + 3_600_000


@pytest.mark.parametrize("sequence", [2**53, 2**60, 10**400, 1_000_000])
def test_a_sequence_that_nobody_can_have_come_to_counts_nothing_and_is_told(tmp_path: Path, sequence: int) -> None:
    put(tmp_path, ours("bad", sequence=sequence))
    state = read(tmp_path)
    assert kinds(state) == {f.IMPOSSIBLE_SEQUENCE}
    assert state.machines["bad"].record.sequence is None
    assert state.machines["bad"].record.last_heartbeat_ms == NOW - 10_000


def test_a_lone_surrogate_is_a_text_like_any_other(tmp_path: Path) -> None:
    put(tmp_path, heartbeat("bad")).write_bytes(text_of(metadata={"hostname": "\ud800"}))
    state = read(tmp_path)
    assert state.machines["bad"].record.data["metadata"]["hostname"] == "\ud800"
    assert state.findings == ()


def test_of_a_key_given_twice_the_last_counts_as_for_every_json_reader(tmp_path: Path) -> None:
    raw = text_of()[:-1] + b', "lastHeartbeat": "2026-02-12T10:15:29.123Z"}'
    put(tmp_path, heartbeat("bad")).write_bytes(raw)
    assert read(tmp_path).machines["bad"].record.last_heartbeat_ms == NOW - 1_000


def test_a_file_of_100_mb_is_refused_unread(tmp_path: Path) -> None:
    os.truncate(put(tmp_path, heartbeat("bad")), 100 * 1024 * 1024)  # sparse: it costs the disk nothing
    assert kinds(read(tmp_path)) == {f.TOO_LARGE}


def test_the_largest_file_that_is_read_is_read(tmp_path: Path) -> None:
    raw = text_of()
    put(tmp_path, heartbeat("bad")).write_bytes(raw + b" " * (MAX_RECORD_BYTES - len(raw)))
    assert "bad" in read(tmp_path).machines


@pytest.mark.skipif(os.name == "nt", reason="POSIX files")
def test_a_symbolic_link_out_of_the_folder_is_never_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(text_of())
    shared = tmp_path / "shared"
    (shared / "heartbeats").mkdir(parents=True)
    (shared / BAD).symlink_to(secret)
    state = read(shared)
    assert kinds(state) == {f.SYMLINK}
    assert "bad" not in state.machines


@pytest.mark.skipif(os.name == "nt", reason="POSIX files")
def test_a_heartbeats_folder_that_is_a_link_is_never_followed(tmp_path: Path) -> None:
    elsewhere, shared = tmp_path / "elsewhere", tmp_path / "shared"
    elsewhere.mkdir()
    shared.mkdir()
    put(elsewhere, heartbeat("bad"))
    (shared / "heartbeats").symlink_to(elsewhere / "heartbeats")
    (shared / "heartbeat.json").write_text(json.dumps({"heartbeats": {"good": heartbeat("good")}}))
    state = read_folder(shared, NOW)
    assert kinds(state, "heartbeats") == {f.SYMLINK}
    assert set(state.machines) == {"good"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX files")
def test_a_pipe_neither_hangs_nor_counts(tmp_path: Path) -> None:
    (tmp_path / "heartbeats").mkdir()
    os.mkfifo(tmp_path / BAD)
    assert kinds(read(tmp_path)) == {f.NOT_A_FILE}


def test_a_folder_in_a_files_place_is_told(tmp_path: Path) -> None:
    (tmp_path / BAD).mkdir(parents=True)
    assert kinds(read(tmp_path)) <= {f.NOT_A_FILE, f.UNREADABLE}
    assert kinds(read(tmp_path))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param(PermissionError(13, "Permission denied"), f.UNREADABLE, id="unreadable"),
        pytest.param(FileNotFoundError(2, "No such file"), f.VANISHED, id="vanished-after-listing"),
        pytest.param(OSError(5, "Input/output error"), f.UNREADABLE, id="bad-disk"),
    ],
)
def test_a_file_the_system_refuses_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, kind: str
) -> None:
    put(tmp_path, heartbeat("bad"))
    opens: Callable[..., int] = os.open

    def refusing(path: str, *rest: int) -> int:
        if str(path).endswith("bad.json"):
            raise error
        return opens(path, *rest)

    monkeypatch.setattr(os, "open", refusing)
    assert kinds(read(tmp_path)) == {kind}


def test_two_spellings_of_one_name_are_one_machine(tmp_path: Path) -> None:
    put(tmp_path, heartbeat("bad", 50_000), "BAD.json")
    put(tmp_path, heartbeat("bad", 20_000))
    state = read(tmp_path)
    if len(list((tmp_path / "heartbeats").iterdir())) == 3:
        assert kinds(state) == {f.CASE_DOUBLE}
    assert state.machines["bad"].record.last_heartbeat_ms == NOW - 20_000


@pytest.mark.parametrize(
    "name",
    ["bad (1).json", "bad (HOST's conflicted copy 2026-02-12).json", "bad.sync-conflict-20260212-101530-ABCDEFG.json"],
)
def test_a_conflict_copy_is_evidence_about_its_machine_and_no_machine(tmp_path: Path, name: str) -> None:
    put(tmp_path, heartbeat("bad", 600_000))
    put(tmp_path, heartbeat("bad", 5_000), name)
    state = read(tmp_path)
    assert set(state.machines) == {"good", "bad"}
    assert state.machines["bad"].file == f"heartbeats/{name}"
    assert kinds(state, f"heartbeats/{name}") == {f.CONFLICT_COPY}


@pytest.mark.parametrize("name", ["bad.json.tmp", ".bad.json.tmp", "bad.tmp", "desktop.ini", ".hidden.json"])
def test_litter_is_passed_over_in_silence(tmp_path: Path, name: str) -> None:
    put(tmp_path, heartbeat("bad"), name)
    state = read(tmp_path)
    assert set(state.machines) == {"good"}
    assert state.findings == ()


@pytest.mark.parametrize("name", ["con.json", "bad_name.json", "a.b.json"])
def test_a_json_file_that_names_no_machine_is_told(tmp_path: Path, name: str) -> None:
    put(tmp_path, heartbeat("bad"), name)
    assert kinds(read(tmp_path), f"heartbeats/{name}") == {f.NOT_A_MACHINE}


def test_an_entry_of_the_view_that_is_wrong_loses_that_entry_alone(tmp_path: Path) -> None:
    entries = {"good2": heartbeat("good2"), "bad": [], "../evil": heartbeat("x"), "other": heartbeat("else")}
    (tmp_path / "heartbeat.json").write_text(json.dumps({"heartbeats": entries}))
    state = read(tmp_path)
    assert set(state.machines) == {"good", "good2"}
    assert kinds(state, "heartbeat.json") == {f.NOT_AN_OBJECT, f.NOT_A_MACHINE, f.ID_CONTRADICTS_NAME}


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"heartbeats": []}', b"\xff\xfe{\0"], ids=repr)
def test_a_view_that_cannot_be_used_loses_no_machines_file(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "heartbeat.json").write_bytes(raw)
    state = read(tmp_path)
    assert set(state.machines) == {"good"}
    assert len(kinds(state, "heartbeat.json")) == 1
