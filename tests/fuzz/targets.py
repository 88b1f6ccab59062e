"""What is fuzzed: each target takes bytes and a folder of its own, and raises AssertionError where a promise is broken.

An exception that is not documented passes through, and is a find.
"""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ET
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from roosync_ops import show
from roosync_ops.agent import config, journal
from roosync_ops.agent.errors import LocalError, MissingMachineIdError, ShareTroubleError, UsageError
from roosync_ops.agent.flags import Flags
from roosync_ops.agent.local_state import with_defaults
from roosync_ops.fleet import Fleet, Machine
from roosync_ops.judge import observe, validate
from roosync_ops.judge.flip import Remembered
from roosync_ops.judge.flips import Flips
from roosync_ops.judge.observe import status_with
from roosync_ops.remote_script.facts_model import Reply, parse_report
from roosync_ops.remote_script.on_common import MARKER
from roosync_ops.remote_script.question import SilenceError
from roosync_ops.show.text import Style
from roosync_ops.state import StateUnavailableError, from_document
from roosync_ops.state.folder import read_folder
from roosync_ops.state.memory import Memory
from roosync_ops.state.seen import see_all
from roosync_ops.wire.deadline import BoundedShare
from roosync_ops.wire.folder import read_shared
from roosync_ops.wire.identity import is_machine_id
from roosync_ops.wire.merge import merge
from roosync_ops.wire.record import dump
from roosync_ops.wire.status import DEFAULT_THRESHOLDS
from roosync_ops.wire.times import BadTimeError, from_iso, to_iso
from roosync_ops.wire.view import build, needs_write
from tests.kits.shares import NOW, heartbeat, ours, put
from tests.kits.virtual_agent import Rig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from roosync_ops.judge import Survey, Validation

ME: Final = "myia-web1"
OTHER: Final = "myia-po-2024"
FLEET: Final = Fleet([Machine(machine_id=ME), Machine(machine_id=OTHER)])
#: Where the bytes go: an own file, one in capitals, conflict copies of three products, the view.
PLACES: Final = (
    f"heartbeats/{OTHER}.json",
    f"heartbeats/{OTHER.upper()}.json",
    f"heartbeats/{OTHER} (1).json",
    f"heartbeats/{OTHER}.sync-conflict-20260212-101530-ABCDEFG.json",
    f"heartbeats/{OTHER} (MYIA-WEB1's conflicted copy 2026-02-12).json",
    "heartbeat.json",
)
#: Controls (but line breaks), escape sequences' beginning, bidi and other format marks, lone surrogates.
_OBEYED: Final = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_CODE_SPAN: Final = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")


def share_file(data: bytes, folder: Path) -> None:
    """A file of the share: read, judged and shown; what is healthy beside it stays."""
    place = PLACES[data[0] % len(PLACES)] if data else PLACES[0]
    put(folder, ours(ME))
    target = folder / place
    target.write_bytes(data[1:])
    try:
        state = read_folder(folder, NOW, BoundedShare(60))
        assert state.machines[ME].record.last_heartbeat_ms is not None
        assert all(is_machine_id(name) for name in state.machines)
        shown(observe(state, NOW), validate(FLEET, state, NOW))
        rebuilt(folder)
        records = {name: piece.record for name, piece in state.machines.items()}
        seen = see_all({}, state.machines, NOW, {})
        for name, record in records.items():
            status_with(record, seen[name], NOW, DEFAULT_THRESHOLDS, 0)
    finally:
        target.unlink()


def shown(survey: Survey, validation: Validation) -> None:
    """Nothing that a terminal, a browser or a parser would obey is in any report."""
    for lang in ("en", "fr"):
        texts = [
            show.survey_table(survey, Style(lang, 100)),
            show.table(validation, Style(lang, 100)),
            show.markdown(validation, Style(lang)),
            show.json_text(show.validation_document(validation, lang)),
            show.json_text(show.survey_document(survey)),
            show.junit(validation, Style(lang)),
        ]
        for text in texts:
            found = _OBEYED.search(text)
            assert found is None, f"{found!r} in a report"
        plain = _CODE_SPAN.sub("", show.markdown(validation, Style(lang)))
        assert "<" not in plain, plain
        json.loads(texts[3])
        json.loads(texts[4])
        ET.fromstring(texts[5])  # noqa: S314 - our own output


def rebuilt(folder: Path) -> None:
    """What was read can be written again: as a view, and each record as it is."""
    snapshot = read_shared(str(folder), NOW)
    merged = merge(snapshot.evidence, NOW)
    old = snapshot.view if snapshot.view and isinstance(snapshot.view.get("heartbeats"), dict) else None
    view = build(merged, old, NOW, DEFAULT_THRESHOLDS)
    json.loads(dump(view))
    needs_write(old, view, NOW, 30_000, DEFAULT_THRESHOLDS)
    for piece in merged.values():
        json.loads(dump(piece.record.data))


def share_name(data: bytes, folder: Path) -> None:
    """A file's name in `heartbeats/`: never a path, never another machine's by accident."""
    name = os.fsdecode(data[:200].replace(b"/", b"").replace(b"\0", b""))
    put(folder, ours(ME))
    if name in ("", ".", "..") or len(os.fsencode(name)) > 250:
        return
    target = folder / "heartbeats" / name
    if target.exists():
        return
    target.write_bytes(dump({key: value for key, value in heartbeat(OTHER).items() if key != "machineId"}))
    try:
        state = read_folder(folder, NOW)
        assert all(is_machine_id(machine) for machine in state.machines)
        shown(observe(state, NOW), validate(FLEET, state, NOW))
    finally:
        target.unlink()


def agent_share(data: bytes, folder: Path) -> None:
    """The agent beats whatever lies under its own name or another's, writes inside the share alone, and is valid."""
    shared = folder / "shared"
    (shared / "heartbeats").mkdir(parents=True, exist_ok=True)
    own = shared / "heartbeats" / f"{ME}.json"
    places = [own, *(shared / place for place in PLACES)]
    target = places[data[0] % len(places)] if data else own
    before = {path.name for path in folder.iterdir()} | {"local"}
    target.write_bytes(data[1:])
    try:
        rig = Rig(folder, shared, ME)
        for _ in range(5):
            rig.beat(30)
        record = rig.record()
        assert record["machineId"] == ME
        assert record["agent"]["sequence"] > 0
        assert rig.loop.beats == 5 or rig.sequence >= 2**53 - 1
        assert {path.name for path in folder.iterdir()} <= before
        json.loads(rig.view_path.read_bytes())
        rig.loop.publisher.journal.close()
    finally:
        for path in (own, target, shared / "heartbeat.json", folder / "local" / rig.config.instance / "journal"):
            path.unlink(missing_ok=True)


def journal_file(data: bytes, folder: Path) -> None:
    """The agent's journal, as a torn disk leaves it; then the agent beats."""
    shared = folder / "shared"
    (shared / "heartbeats").mkdir(parents=True, exist_ok=True)
    rig = Rig(folder, shared, ME)
    path = rig.places.journal
    rig.loop.publisher.journal.close()
    with open(path, "r+b") as file:  # noqa: PTH123 - a name, not a Path
        file.write(data[: 2 * journal.SLOT_BYTES])
    with_defaults(journal.read(path))
    with suppress(ShareTroubleError, LocalError):
        rig.boot().step()
    assert rig.record()["machineId"] == ME
    rig.loop.publisher.journal.close()
    os.unlink(path)  # noqa: PTH108 - as above
    rig.own.unlink()


def journal_state(data: bytes, _folder: Path) -> None:
    """A state the journal may hold: every key comes out, of its own kind."""
    with suppress(ValueError, RecursionError):
        state = json.loads(data)
        if isinstance(state, dict):
            notes = with_defaults(state)
            assert isinstance(notes["share"], dict)
            assert isinstance(notes["sequence"], int)


def config_file(data: bytes, folder: Path) -> None:
    """config.json: a configuration, or one of the documented refusals."""
    (folder / config.CONFIG_NAME).write_bytes(data)
    flags = Flags("status")
    flags.local_dir = str(folder)
    flags.shared = str(folder)
    with suppress(UsageError, MissingMachineIdError):
        made = config.config_of(flags, {})
        assert is_machine_id(made.machine_id)
        assert os.path.dirname(made.instance_dir) == str(folder)  # noqa: PTH120 - a name, not a Path


def state_document(data: bytes, _folder: Path) -> None:
    """What an agent's `state` verb answered."""
    with suppress(ValueError, RecursionError):
        document = json.loads(data)
        with suppress(StateUnavailableError):
            state = from_document(document, NOW)
            assert all(is_machine_id(name) for name in state.machines)
            shown(observe(state, NOW), validate(FLEET, state, NOW))


def probe_answer(data: bytes, _folder: Path) -> None:
    """What a machine's shell printed."""
    text = data.decode("utf-8", "replace")
    for lines in (text.splitlines(), [MARKER + text]):
        for parse in (lambda said: parse_report(said, NOW, NOW), Reply.read):
            with suppress(SilenceError):
                parse(lines)


def memory_file(data: bytes, folder: Path) -> None:
    """What this reader kept: used, or begun anew; and flips likewise."""
    put(folder, ours(ME))
    state = read_folder(folder, NOW)
    memory = Memory(folder / "kept", "x")
    memory.path.parent.mkdir(exist_ok=True)
    memory.path.write_bytes(data)
    seen = memory.note(state, {})
    assert ME in seen
    for name, piece in state.machines.items():
        status_with(piece.record, seen[name], NOW, DEFAULT_THRESHOLDS, 0)
    with suppress(ValueError, RecursionError):
        Flips(None, Remembered.from_dict(json.loads(data))).step([], NOW)


def wire_time(data: bytes, _folder: Path) -> None:
    """A time stamp: an instant that can be written and read again, or a refusal."""
    with suppress(BadTimeError):
        at = from_iso(data.decode("utf-8", "replace"))
        assert from_iso(to_iso(at)) == at


TARGETS: Final[dict[str, Callable[[bytes, Path], None]]] = {
    target.__name__: target
    for target in (
        share_file,
        share_name,
        agent_share,
        journal_file,
        journal_state,
        config_file,
        state_document,
        probe_answer,
        memory_file,
        wire_time,
    )
}


def seeds() -> dict[str, list[bytes]]:
    """Return what each target begins from: good input, and what the field has made of it."""
    records: list[bytes] = [
        dump(heartbeat(OTHER)),
        dump(ours(OTHER)),
        dump(ours(OTHER, state="left", leftAt=to_iso(NOW))),
    ]
    records += [raw.replace(b'"online"', b"1e999") for raw in records]
    view: dict[str, Any] = {
        "heartbeats": {OTHER: heartbeat(OTHER), ME: ours(ME)},
        "onlineMachines": [OTHER],
        "x": [[1]],
    }
    placed = [bytes([number]) + raw for number in range(7) for raw in [*records, dump(view)]]
    item = {"machineId": OTHER, "file": f"heartbeats/{OTHER}.json", "kind": "file", "record": ours(OTHER)}
    document = {
        "success": True,
        "machineId": ME,
        "shared": "/s",
        "readAt": to_iso(NOW),
        "seen": 1,
        "view": view,
        "viewState": "read",
        "evidence": [item],
        "findings": [{"file": "a", "kind": "b", "detail": "c\x1b[2J"}],
    }
    report = {
        "platform": "linux",
        "user": "me",
        "hostname": ME,
        "python": {"executable": "/usr/bin/python3", "version": "3.11.2"},
        "clock": {"startMs": NOW, "endMs": NOW},
        "share": {"path": "/s", "exists": True},
    }
    kept = {"format": 1, "last": [NOW, 5, "b"], "machines": {ME: [NOW, NOW, 7, "s", NOW, NOW, NOW, 3, [[NOW, 40_000]]]}}
    flips = Remembered().as_dict()
    names = [f"{OTHER}.json", f"{OTHER} (1).json", "..json", "con.json", f"Copy of {OTHER}.json", "K\u212a.json"]
    settings = {
        "machineId": ME,
        "shared": "/s",
        "heartbeatInterval": 30_000,
        "metadata": {"a": 1},
        "permanence": "auto",
    }
    return {
        "share_file": placed,
        "share_name": [name.encode() for name in names],
        "agent_share": placed,
        "journal_file": [journal._framed(3, {"sequence": 7, "record": ours(ME)}), b""],
        "journal_state": [
            dump({"sequence": 7, "record": ours(ME), "share": {"state": "hung"}, "setAside": {"x": [1, 2]}})
        ],
        "config_file": [dump(settings)],
        "state_document": [dump(document)],
        "probe_answer": [dump(report), MARKER.encode() + dump(report).replace(b"\n", b""), b'{"error": "PROBE_HUNG"}'],
        "memory_file": [dump(kept), dump(flips)],
        "wire_time": [b"2026-02-12T10:15:30.123Z", b"2026-02-12T10:15:30+01:00", b"2024-02-29T23:59:59,9Z"],
    }
