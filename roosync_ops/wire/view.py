"""`heartbeat.json`, the view: a pure function of the per-machine files and of what older services wrote into it.

Anyone may rebuild it; losing it or a race on it loses nothing. The protocol fixes its keys, their order and formatting.
"""

from __future__ import annotations

from .merge import Evidence
from .record import BEFORE, MAX_VIEW_BYTES, PROTOCOL_VERSION, Record, born_ms, dump, object_in, ordered
from .status import OFFLINE, ONLINE, WARNING, Thresholds, missed_heartbeats, status
from .times import time_or_none, to_iso
from .typed import Any, Callable, Json

#: So much of what our agent writes is carried by an entry, that a file which an older service rolled back or deleted is
#: contradicted by it; of a machine that does not beat, which would not be written again, its past as well.
_CARRIED = (
    "version", "state", "sequence", "sessionId", "leftAt", "heartbeatInterval", "offlineTimeout", "autoSyncEnabled"
)  # fmt: skip
_PAST = ("upIntervals", "stops")
_MOST_OF_THE_PAST = 64
_LONG = 128
_HEAD = b'{\n  "heartbeats": {'
_TOP_KEYS = ("heartbeats", "onlineMachines", "offlineMachines", "warningMachines", "statistics")


def build(
    merged: dict[str, Evidence],
    old: Json | None,
    now_ms: int,
    thresholds: Thresholds,
    kept: Callable[[Any], Any] = dict,
) -> Json:
    """Return the view of `merged` (machineId to its best evidence) as an older service would write it at `now_ms`.

    Machines without one valid heartbeat are left out: an older reader takes them for online for ever. Top-level keys
    of `old` that the protocol does not know are kept, last. Of each entry there is what `kept` makes of it.
    """
    heartbeats: Json = {}
    lists: dict[str, list[str]] = {word: [] for word in (ONLINE, OFFLINE, WARNING)}
    for machine_id, piece in merged.items():
        if piece.record.last_heartbeat_ms is None:
            continue
        heartbeats[machine_id] = kept(entry_of(piece, now_ms, thresholds))
        lists[old_status(piece.record, now_ms, thresholds)].append(machine_id)
    view: Json = {
        "heartbeats": heartbeats,
        **{f"{word}Machines": names for word, names in lists.items()},
        "statistics": {
            "totalMachines": len(heartbeats),
            **{f"{word}Count": len(names) for word, names in lists.items()},
            "lastHeartbeatCheck": to_iso(now_ms),
        },
    }
    view.update((key, value) for key, value in (old or {}).items() if key not in _TOP_KEYS)
    return view


def text(
    view: Json, merged: dict[str, Evidence], now_ms: int, thresholds: Thresholds, room: int = MAX_VIEW_BYTES
) -> bytes:
    """Return the bytes of the `view` that was built of `merged` then: the first entries that `room` bytes hold.

    It is no matter what was kept of its entries.
    """
    empty = dump({**view, "heartbeats": {}})
    raw = bytearray(empty[: len(_HEAD)])
    for machine_id in view["heartbeats"]:
        piece = dump({machine_id: entry_of(merged[machine_id], now_ms, thresholds)})[2:-2]
        if len(raw) + len(piece) > room:
            continue
        raw += b"," * (len(raw) > len(_HEAD)) + b"\n  " + piece.replace(b"\n", b"\n  ")
    raw += b"\n  " * bool(view["heartbeats"]) + empty[len(_HEAD) :]
    return bytes(raw)


def old_status(record: Record, now_ms: int, thresholds: Thresholds) -> str:
    """Return the status in the three words the old generations know: a machine that left is offline to them."""
    word = status(record, now_ms, thresholds)
    return word if word in (ONLINE, WARNING) else OFFLINE


def carried(record: Record, *, past: bool) -> Json:
    """Return what an entry carries of our agent's part of a record; bounded, for any program may write one."""
    agent = record.agent
    if record.sequence is None:
        return {}
    result = {
        key: agent[key] for key in _CARRIED if isinstance(agent.get(key), (str, int)) and len(str(agent[key])) < _LONG
    }
    for key in _PAST if past else ():
        texts = agent.get(key)
        if isinstance(texts, list):
            kept = [text for text in texts[-_MOST_OF_THE_PAST:] if isinstance(text, str) and len(text) < _LONG]
            result.update({key: kept} if kept else {})
    return result


def entry_of(piece: Evidence, now_ms: int, thresholds: Thresholds) -> Json:
    """Return a machine's entry in the view of `now_ms`."""
    record = piece.record
    data, word = record.data, old_status(record, now_ms, thresholds)
    heard, born = to_iso(record.last_heartbeat_ms or 0), born_ms(record)
    old = object_in(data, "metadata")
    metadata: Json = {
        "firstSeen": heard if born is None else to_iso(born),
        "lastUpdated": heard,
        "version": PROTOCOL_VERSION,
    }
    metadata.update((key, old[key]) for key in ("lastUpdated", "version") if isinstance(old.get(key), str))
    result: Json = {
        "machineId": record.machine_id,
        "lastHeartbeat": heard,
        "status": word,
        "missedHeartbeats": missed_heartbeats(record, now_ms, thresholds),
        "metadata": metadata,
    }
    if record.sequence is None and not record.doubted:
        # an older service's entry: what it put there survives a rewrite, as in its own
        result.update((key, value) for key, value in data.items() if key not in result)
        metadata.update((key, value) for key, value in old.items() if key not in metadata)
    result.pop("offlineSince", None)
    result.pop(BEFORE, None)
    agent = carried(record, past=word == OFFLINE)
    if agent:
        result["agent"] = agent
    if piece.before is not None:
        before = piece.before.record
        result[BEFORE] = {"lastHeartbeat": to_iso(before.last_heartbeat_ms or 0), "agent": carried(before, past=True)}
    if word == OFFLINE:
        since = record.left_at_ms if record.has_left else (record.last_heartbeat_ms or 0) + thresholds.timeout_ms
        result["offlineSince"] = to_iso(since or 0)
    return ordered(result)


def needs_write(old: Json | None, new: Json, now_ms: int, horizon_ms: int, thresholds: Thresholds) -> bool:
    """Return True if a reader would act otherwise on `new` than on `old`, now or up to `horizon_ms` from now.

    A reader of the view computes each machine's status from its `lastHeartbeat`; it also reads the lists, and what is
    proven of machines that do not beat. Nothing else in the view is worth an upload. `horizon_ms` is how long it is
    until the next occasion to write. An entry may be the `reading` of one.
    """
    if old is None:
        return True
    known, fresh = old.get("heartbeats"), new["heartbeats"]
    if not isinstance(known, dict) or set(known) != set(fresh):
        return True
    if any(_as_set(old.get(key)) != set(new[key]) for key in _TOP_KEYS[1:4]):
        return True
    statistics = old.get("statistics")
    if not isinstance(statistics, dict) or statistics.get("onlineCount") != len(new["onlineMachines"]):
        return True
    if any(reading(known[machine])[1] != reading(fresh[machine])[1] for machine in new["offlineMachines"]):
        return True
    return any(
        _word(known[machine], at, thresholds) != _word(fresh[machine], at, thresholds)
        for machine in fresh
        for at in (now_ms, now_ms + horizon_ms)
    )


def reading(entry: Any) -> tuple[int | None, int]:
    """Return what a reader makes of an entry: when it was heard (None where it cannot be read), what else it proves.

    That is a hash: a few bytes of an entry are held where the whole is not.
    """
    if isinstance(entry, tuple):
        return entry
    if not isinstance(entry, dict):
        return None, 0
    return time_or_none(entry.get("lastHeartbeat")), hash(repr((entry.get("agent"), entry.get(BEFORE))))


def _as_set(value: Any) -> set[str] | None:
    return {str(item) for item in value} if isinstance(value, list) else None


def _word(entry: Any, at_ms: int, thresholds: Thresholds) -> str | None:
    heard = reading(entry)[0]
    return None if heard is None else status(Record("", heard), at_ms, thresholds)
