"""Every file the readers take, made hostile by hypothesis from good input: see targets.py for what must hold."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roosync_ops.wire.folder import read_shared
from roosync_ops.wire.record import MAX_NESTING, MAX_VIEW_ENTRIES
from tests.fuzz.targets import ME, OTHER, TARGETS, agent_share, seeds, share_file
from tests.kits.shares import NOW, heartbeat

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What a terminal, a browser, a shell or a parser may obey; numbers that JSON allows and nobody can write again.
NASTY = [
    "\x1b[2J\x1b]0;x\x07",
    "\u202e",
    "\x9b31m",
    "<script>alert(1)</script>",
    "|`<img src=x>`|",
    "../../evil",
    "\ud800",
    "",
]
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(NASTY),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.sampled_from(NASTY), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def mutated(draw: st.DrawFn, good: list[bytes]) -> bytes:
    """Return good input with some of its values replaced, or its bytes cut, doubled or changed."""
    raw = draw(st.sampled_from(good))
    if draw(st.booleans()):
        raw = _values_replaced(draw, raw)
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, max(0, len(raw) - 1)))
        how = draw(st.sampled_from(["cut", "insert", "replace"]))
        new = draw(st.binary(max_size=6) | st.sampled_from([b"1e999", b"\xef\xbb\xbf", b'"', b"{", b"NaN", b"\x00"]))
        raw = raw[:at] if how == "cut" else raw[:at] + new + raw[at if how == "insert" else at + len(new) :]
    return raw


def _values_replaced(draw: st.DrawFn, raw: bytes) -> bytes:
    head = raw[:1] if raw[:1] not in (b"{", b"[") else b""
    try:
        value = json.loads(raw[len(head) :])
    except ValueError:
        return raw
    for _ in range(draw(st.integers(1, 3))):
        _replace_one(draw, value)
    return head + json.dumps(value).encode()


def _replace_one(draw: st.DrawFn, value: Any) -> None:
    while isinstance(value, dict) and value:
        key = draw(st.sampled_from(sorted(value)))
        if draw(st.booleans()) or not isinstance(value[key], dict):
            value[key] = draw(VALUES)
            return
        value = value[key]


@pytest.fixture(scope="module")
def _at_rest() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        patch.setattr("os.fdatasync", lambda _: None)
        yield


@pytest.mark.usefixtures("_at_rest")
@pytest.mark.parametrize("name", TARGETS)
def test_hostile_input_breaks_no_promise(name: str) -> None:
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(data=mutated(seeds()[name]))
    def check(data: bytes) -> None:
        TARGETS[name](data, root)

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        check()


@pytest.mark.usefixtures("_at_rest")
@pytest.mark.parametrize("place", range(7))
@pytest.mark.parametrize(
    "extra",
    [
        pytest.param(b"1e999", id="a-number-nobody-can-write"),
        pytest.param(b"[" * (MAX_NESTING + 5) + b"]" * (MAX_NESTING + 5), id="nested-deeper-than-the-encoder-goes"),
        pytest.param(b"[" * 900 + b"]" * 900, id="nested-as-deep-as-it-can-be-read"),
    ],
)
def test_an_extra_field_of_an_older_service_never_stops_the_loop(tmp_path: Path, place: int, extra: bytes) -> None:
    """The keeper writes others' extras again, and each agent its own: what is read must be writable."""
    entry = json.dumps(heartbeat(OTHER if place else ME)).encode()[:-1] + b', "x": ' + extra + b"}"
    raw = b'{"heartbeats": {"%s": %s}, "y": %s}' % (OTHER.encode(), entry, extra) if place == 6 else entry
    agent_share(bytes([place]) + raw, tmp_path)
    if place:
        share_file(bytes([place - 1]) + raw, tmp_path)


def test_a_view_of_a_million_entries_is_one_finding_not_a_million(tmp_path: Path) -> None:
    entries = ",".join(f'"m{number}":{{}}' for number in range(MAX_VIEW_ENTRIES + 1))
    (tmp_path / "heartbeat.json").write_text(f'{{"heartbeats":{{{entries}}}}}')
    snapshot = read_shared(str(tmp_path), NOW)
    assert [found.kind for found in snapshot.findings] == ["too-large"]
    assert snapshot.view is None


@pytest.mark.parametrize("link", ["heartbeats", f"heartbeats/{OTHER}.json", f"heartbeats/{ME}.json", "heartbeat.json"])
def test_a_link_in_the_share_leads_nobody_out_of_it(tmp_path: Path, link: str) -> None:
    """Neither is what it points at read as anybody's heartbeat, nor is it written."""
    shared, outside = tmp_path / "shared", tmp_path / "outside"
    shared.mkdir()
    outside.mkdir()
    secret = outside / f"{OTHER}.json"
    secret.write_text(json.dumps(heartbeat(OTHER, note="of somebody else")))
    target = shared / link
    if link != "heartbeats":
        target.parent.mkdir(exist_ok=True)
    target.symlink_to(outside if link == "heartbeats" else secret)
    before = {path: path.read_bytes() for path in outside.iterdir()}
    snapshot = read_shared(str(shared), NOW)
    assert snapshot.evidence == []
    assert {found.kind for found in snapshot.findings} == {"symlink"}
    _beat(tmp_path, shared)
    assert {path: path.read_bytes() for path in outside.iterdir()} == before


def _beat(root: Path, shared: Path) -> None:
    from tests.kits.virtual_agent import Rig  # noqa: PLC0415 - one test's

    rig = Rig(root, shared, ME)
    for _ in range(5):
        rig.beat(30)
