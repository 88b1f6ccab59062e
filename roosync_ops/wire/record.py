"""One machine's heartbeat as it lies in `heartbeats/<machineId>.json` or in the view.

The protocol's fields keep their names, order and meaning; everything of ours is additive, under one key, `agent`.
"""

from __future__ import annotations

import json
import zlib

from . import findings as f
from .status import DEFAULT_INTERVAL_MS, DEFAULT_THRESHOLDS, OFFLINE, Thresholds
from .text import NotUnderstoodError
from .times import BadTimeError, NaiveTimeError, from_iso, time_or_none, times_in
from .typed import Any, Json

#: The old generations put their protocol's version in metadata.version; this is the one whose layout we write.
PROTOCOL_VERSION = "3.1.0"
RUNNING_STATE = "running"
LEFT_STATE = "left"
#: What an agent found in its own file that it did not write: a later record, an older one, nothing that can be read.
OF_A_TWIN = "later-record-of-another-session"
OF_THE_PAST = "older-record"
OF_NO_USE = "unreadable"
#: Two clicks of a wrong button are 8 kB of metadata; more belongs in another file, for each beat uploads it again.
MAX_METADATA_BYTES = 8_192
#: A record is a few kB; one that is larger was not written by any heartbeat service.
MAX_RECORD_BYTES = 1_048_576
#: The view of 10,000 machines is about 4 MB.
MAX_VIEW_BYTES = 16_777_216
#: A view holds at most so many entries; more were written by no heartbeat service, and each costs a reader memory.
MAX_VIEW_ENTRIES = 50_000
#: Objects within objects; ours need five. Each level costs the encoder a frame of Python's stack.
MAX_NESTING = 64
#: Beyond this JavaScript's readers cannot tell two sequences apart; no agent beats that often in an age of the earth.
MAX_SEQUENCE = 2**53 - 1
#: A first beat's clock may have been wrong: so many beats are believed of any machine, whenever it was first seen.
BEATS_UNSEEN = 100_000
_IMPOSSIBLE = -1
#: An early beat after a sleep and a start of its own double the beats of an interval at most; a life cut short beats
#: once, and the next one begins a second later at the earliest.
_BEATS_AN_INTERVAL = 4
_BEAT_EVERY_MS = 4_000
#: In an entry of the view that an older service's heartbeat is the newest of: what our agent last wrote.
BEFORE = "before"
#: In the `agent` of the view's keeper: entries of machines whose own files older services undid.
KNOWS = "knows"
MAX_KNOWS = 32
#: And how late beats arrive there: {"hour" and "day": [the longest silence, the 99th percentile], in ms; "clocks": of
#: whom two beats on end came in as no delay explains, {machineId: its clock minus the keeper's, in ms}}.
LATE = "late"
#: An entry without our fields that went offline so soon after its last heartbeat was stopped: silence takes longer.
STOP_WITHIN_MS = 3_000
#: The order the protocol gives; `offlineSince`, where there is one, is written last of all.
_LEADING_KEYS = ("machineId", "lastHeartbeat", "status", "missedHeartbeats", "metadata")


class Record:
    """A parsed heartbeat: what a verdict may rest on, and `data`, the whole object as it was read.

    Times are ms since the epoch. `last_heartbeat_ms` is None where the file names its machine but holds no valid time.
    `sequence`, `session_id` and `left_at_ms` are None in records of older services. `doubted` is True where there was a
    sequence that no machine can have come to: it is None then, and the record counts where there is no other.
    """

    __slots__ = ("_data", "doubted", "last_heartbeat_ms", "left_at_ms", "machine_id", "sequence", "session_id")

    def __init__(  # noqa: PLR0913 - one argument a field
        self,
        machine_id: str,
        last_heartbeat_ms: int | None,
        *,
        sequence: int | None = None,
        session_id: str | None = None,
        left_at_ms: int | None = None,
        doubted: bool = False,
        data: Json | None = None,
    ) -> None:
        self.machine_id = machine_id
        self.last_heartbeat_ms = last_heartbeat_ms
        self.sequence = sequence
        self.session_id = session_id
        self.left_at_ms = left_at_ms
        self.doubted = doubted
        self._data: Json | bytes = {} if data is None else data

    @property
    def data(self) -> Json:
        data: Json = json.loads(zlib.decompress(self._data)) if isinstance(self._data, bytes) else self._data
        return data

    def keep(self, data: Json) -> None:
        """Have `data` instead, as pressed text: a tenth of the memory and less, where hundreds are held at once."""
        self._data = pressed(json.dumps(data, separators=(",", ":")).encode())

    @property
    def agent(self) -> Json:
        """What our agent adds, empty where an older service wrote it."""
        return object_in(self.data, "agent")

    @property
    def thresholds(self) -> Thresholds:
        """How often its machine says it beats, and when it is offline; the protocol's where it does not."""
        interval, timeout = self.agent.get("heartbeatInterval"), self.agent.get("offlineTimeout")
        if type(interval) is int and type(timeout) is int and 0 < interval < timeout:
            return Thresholds(interval, timeout)
        return DEFAULT_THRESHOLDS

    @property
    def has_left(self) -> bool:
        """True when it said it was leaving and nothing has been heard since.

        An older service on the same machine keeps our fields while it goes on beating: its later heartbeat wins.
        """
        return self.left_at_ms is not None and (self.last_heartbeat_ms or 0) <= self.left_at_ms


def pressed(raw: bytes) -> bytes:
    """Return `raw` as zlib presses it in a few kB of memory, where the usual takes 268."""
    press = zlib.compressobj(1, zlib.DEFLATED, 12, 3)
    return press.compress(raw) + press.flush()


def object_in(data: Json | None, key: str) -> Json:
    """Return the object under `key`, empty where there is none."""
    value = (data or {}).get(key)
    return value if isinstance(value, dict) else {}


def is_too_deep(value: Any) -> bool:
    """Return True if objects or lists lie in each other deeper than we could write again (Python 3.12 reads deeper)."""
    level = [value]
    for _ in range(MAX_NESTING):
        level = [
            item
            for one in level
            for item in (one.values() if isinstance(one, dict) else one)
            if isinstance(item, (dict, list))
        ]
        if not level:
            return False
    return True


def parse(data: Json, machine_id: str) -> tuple[Record, list[tuple[str, str]]]:
    """Read one heartbeat object as `machine_id`'s. What is wrong with it comes back as (kind, detail) of findings.

    Raises NotUnderstoodError when the object says it is another machine's: it is then evidence about neither.
    And when it is nested as no heartbeat is.
    """
    if is_too_deep(data):
        raise NotUnderstoodError(f.WRONG_TYPE, f"nested deeper than {MAX_NESTING}")
    inner = data.get("machineId")
    if isinstance(inner, str) and inner.lower() != machine_id:
        raise NotUnderstoodError(f.ID_CONTRADICTS_NAME, f"says it is {inner!r:.80}, and stands for {machine_id}")
    found: list[tuple[str, str]] = []

    def report(kind: str, detail: str) -> None:
        found.append((kind, detail))

    if not isinstance(inner, str):
        report(f.WRONG_TYPE, f"machineId is {_named(inner)}; taken from the file's name")
    last = _heartbeat_ms(data, report)
    agent = object_in(data, "agent")
    if not isinstance(data.get("agent", agent), (dict, type(None))):
        report(f.WRONG_TYPE, f"agent is {_named(data['agent'])}, not an object")
    for key, kind in (("status", str), ("missedHeartbeats", int), ("metadata", dict)):
        if key in data and not isinstance(data[key], kind):
            report(f.WRONG_TYPE, f"{key} is {_named(data[key])}, not {kind.__name__}")
    sequence, session = _sequence(data, agent, last, report), agent.get("sessionId")
    record = Record(
        machine_id,
        last,
        sequence=None if sequence == _IMPOSSIBLE else sequence,
        session_id=session if isinstance(session, str) else None,
        left_at_ms=_left_at_ms(agent, report) if agent else _stopped_ms(data, last),
        doubted=sequence == _IMPOSSIBLE,
        data=data,
    )
    return record, found


def _named(value: object) -> str:
    return "missing" if value is None else f"a {type(value).__name__}"


def _heartbeat_ms(data: Json, report: Any) -> int | None:
    if data.get("lastHeartbeat") is None:
        report(f.NO_HEARTBEAT, "no lastHeartbeat: seen, but never heard")
        return None
    try:
        return from_iso(data["lastHeartbeat"])
    except NaiveTimeError as error:
        report(f.NAIVE_HEARTBEAT, str(error))
    except BadTimeError as error:
        report(f.BAD_HEARTBEAT, str(error))
    return None


def _sequence(data: Json, agent: Json, last: int | None, report: Any) -> int | None:
    """Return the sequence, None where there is none, and _IMPOSSIBLE where no machine can have come to it."""
    sequence = agent.get("sequence")
    if type(sequence) is not int or sequence < 0:
        return None
    if sequence <= BEATS_UNSEEN:
        return sequence
    known = times_in([object_in(data, "metadata").get("firstSeen"), agent.get("startedAt")])
    elapsed = 0 if last is None or not known else last - min(known)
    if sequence <= min(MAX_SEQUENCE, BEATS_UNSEEN + beats_within(elapsed, agent)):
        return sequence
    said = f"of {sequence.bit_length()} bits" if sequence.bit_length() > 64 else str(sequence)  # noqa: PLR2004 - twenty digits
    report(f.IMPOSSIBLE_SEQUENCE, f"sequence {said} is more than it can have beaten since it was first seen")
    return _IMPOSSIBLE


def beats_within(elapsed_ms: int, agent: Json) -> int:
    """Return how often at most a machine can have beaten in so many ms, by its own interval and generously."""
    interval = agent.get("heartbeatInterval")
    every = interval if type(interval) is int and interval > 0 else DEFAULT_INTERVAL_MS
    return max(0, elapsed_ms) * _BEATS_AN_INTERVAL // min(every, _BEAT_EVERY_MS)


def _stopped_ms(data: Json, last: int | None) -> int | None:
    """Return when a machine was stopped by an entry without our fields: offline at once, and not after a timeout."""
    since = time_or_none(data.get("offlineSince")) if data.get("status") == OFFLINE else None
    return since if since is not None and last is not None and 0 <= since - last <= STOP_WITHIN_MS else None


def _left_at_ms(agent: Json, report: Any) -> int | None:
    if agent.get("state") != LEFT_STATE:
        return None
    try:
        return from_iso(agent.get("leftAt"))
    except BadTimeError as error:
        report(f.WRONG_TYPE, f"agent.leftAt: {error}")
    return None


def ordered(data: Json) -> Json:
    """Return `data` with its keys in the protocol's order: the five known ones, then extras, then offlineSince."""
    result = {key: data[key] for key in _LEADING_KEYS if key in data}
    result.update((key, value) for key, value in data.items() if key not in result and key != "offlineSince")
    if data.get("offlineSince") is not None:
        result["offlineSince"] = data["offlineSince"]
    return result


def dump(value: Json) -> bytes:
    """Write JSON as the old services do: UTF-8, no BOM, two-space indent, LF, no trailing newline.

    A lone surrogate (legal in JSON, not in UTF-8) is written as its escape, so no input can make a beat fail.
    """
    try:
        return _dump(value, ensure_ascii=False)
    except UnicodeEncodeError:
        return _dump(value, ensure_ascii=True)


def _dump(value: Json, *, ensure_ascii: bool) -> bytes:
    raw = bytearray()
    encoder = json.JSONEncoder(ensure_ascii=ensure_ascii, indent=2, allow_nan=False)
    for piece in encoder.iterencode(value):  # all of them at once take four times what they come to
        raw += piece.encode()
    return bytes(raw)


def born_ms(record: Record) -> int | None:
    """Return when a machine was first seen, as its metadata says."""
    return time_or_none(object_in(record.data, "metadata").get("firstSeen"))
