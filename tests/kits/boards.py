"""Dashboards of fleets that were never there: six machines with a bit of everything, hundreds, and hostile ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from roosync_ops import judge
from roosync_ops.fleet import Fleet, Machine
from roosync_ops.judge import AgentState, ProbeResult, probes
from roosync_ops.judge.history import history
from roosync_ops.judge.reports import WINDOW_MS, Dashboard, fresh_ms, installed, newest_ms
from roosync_ops.state.shared import SharedState, assemble
from roosync_ops.wire.findings import Finding
from roosync_ops.wire.merge import FILE, Evidence, Snapshot
from roosync_ops.wire.record import parse
from roosync_ops.wire.times import to_iso
from tests.kits.shares import NOW, ours

if TYPE_CHECKING:
    from collections.abc import Iterable

HOUR = 3_600_000
DAY = 24 * HOUR
#: HTML, an image that would run a script, quotes and backticks, a right-to-left override, ANSI, and a very long word.
HOSTILE = (
    "</script><script>window.owned=1</script><img src=x onerror=window.owned=2>\"'`|&amp;<b>bold</b> \u202egnp.exe"
    "\x1b[31m\x9b\x00\u2028 javascript:window.owned=3 " + "w" * 3_000
)
ONLINE = ("myia-po-2024", "myia-po-2023", "myia-web1", "myia-po-2025")
OFF = ("myia-ai-01", "myia-po-2026")


def measured(probes: Iterable[judge.ProbeResult]) -> judge.Knowledge:
    """Return the clocks that were measured, and nothing else that may be known."""
    return judge.Knowledge({one.machine_id: one.offset_ms for one in probes if one.offset_ms is not None})


def six(now_ms: int = NOW, *, probed: bool = True) -> Dashboard:
    """The procedure's fleet, 4/6 online, with a week behind it."""
    off = {"expected": "offline", "why": "switched off?"}
    fleet = Fleet([*(Machine.of(name, {}) for name in ONLINE), *(Machine.of(name, off) for name in OFF)])
    records = [
        ours("myia-po-2024", 12_000, now_ms, upIntervals=_ups(now_ms, [(168, 90), (84, 0)])),
        ours("myia-po-2023", 3_000, now_ms, upIntervals=_ups(now_ms, [(168, 100), (99.5, 30), (26, 0)])),
        ours("myia-web1", 25_000, now_ms, version="0.0.9", upIntervals=_ups(now_ms, [(70, 0)])),
        ours("myia-po-2025", 17_000, now_ms, upIntervals=_ups(now_ms, [(168, 0)])),
        ours("myia-ai-01", 30 * HOUR, now_ms, state="left", leftAt=to_iso(now_ms - 30 * HOUR),
             upIntervals=_ups(now_ms, [(160, 30)])),
    ]  # fmt: skip
    flips = [
        _flip("myia-po-2023", "online", "offline", now_ms - 30 * HOUR, "silent", 180_000),
        _flip("myia-ai-01", "online", "left", now_ms - 30 * HOUR, "stopped-on-purpose"),
        _flip("myia-po-2023", "offline", "online", now_ms - 26 * HOUR, "beats-again"),
    ]
    return board(fleet, records, now_ms, flips=flips, probed=ONLINE if probed else (), off=OFF if probed else ())


def troubled(now_ms: int = NOW) -> Dashboard:
    """The same fleet on a bad day: one silent, one in warning, one never seen, a stale replica, a stranger."""
    off = {"expected": "offline", "why": "switched off?"}
    fleet = Fleet([*(Machine.of(name, {}) for name in ONLINE), *(Machine.of(name, off) for name in OFF)])
    records = [
        ours("myia-po-2024", 8_000, now_ms, upIntervals=_ups(now_ms, [(168, 0)])),
        ours("myia-po-2023", 95_000, now_ms, upIntervals=_ups(now_ms, [(120, 0)])),
        ours("myia-po-2025", 5 * HOUR, now_ms, upIntervals=_ups(now_ms, [(168, 5)])),
        ours("myia-po-2026", 4_000, now_ms, upIntervals=_ups(now_ms, [(3, 0)])),
        ours("ghost", 2 * HOUR, now_ms),
    ]
    found = (Finding("heartbeats/myia-web1.json", "empty-file", "0 bytes"),)
    return board(fleet, records, now_ms, findings=found, probed=("myia-po-2024", "myia-po-2025"), off=("myia-ai-01",))


def many(count: int, now_ms: int = NOW, *, probed: bool = True) -> Dashboard:
    """A fleet of `count`, every seventh of it silent."""
    names = [f"node-{number:03}" for number in range(count)]
    fleet = Fleet(Machine.of(name, {}) for name in names)
    records = [
        ours(name, (5 * HOUR if at % 7 == 3 else 1_000 * (at % 30)), now_ms,
             upIntervals=_ups(now_ms, [(168, 90), (88, 5)]))
        for at, name in enumerate(names)
    ]  # fmt: skip
    return board(fleet, records, now_ms, probed=names[:12] if probed else ())


def hostile(count: int, now_ms: int = NOW, text: str = HOSTILE, found: int = 300) -> Dashboard:
    """A fleet whose every text that a machine, a file or the inventory gives is hostile."""
    names = [f"node-{number:03}" for number in range(count)]
    fleet = Fleet(Machine.of(name, {"expected": "offline", "why": text}) for name in names)
    records = [ours(name, 5_000, now_ms, version=text) for name in names]
    records.append(ours("stranger", 5_000, now_ms, version=text))
    flips = [_flip(text, text, text, now_ms - 1_000, "flapping", detail=text)]
    findings = tuple(Finding(text, text, text) for _ in range(found))
    made = board(fleet, records, now_ms, flips=flips, findings=findings, probed=names[:3], off=names[3:5], detail=text)
    return replace(made, observer=text, replica=None, trouble=text, baseline=text)


def board(  # noqa: PLR0913 - a fleet, and what is known of it
    fleet: Fleet,
    records: list[dict[str, Any]],
    now_ms: int,
    *,
    flips: Iterable[dict[str, Any]] = (),
    findings: tuple[Finding, ...] = (),
    probed: Iterable[str] = (),
    off: Iterable[str] = (),
    detail: str = "no route to host",
) -> Dashboard:
    """Return the dashboard of a fleet whose machines wrote `records`; `probed` answered, `off` were asked in vain."""
    state = _state(records, now_ms, findings)
    told = {name: _answer(name, records, now_ms) for name in probed}
    told |= {name: ProbeResult(name, AgentState(probes.OFF, detail=detail)) for name in off}
    matrix = judge.matrix(fleet, told, state, now_ms) if told else None
    validation = judge.validate(fleet, state, now_ms, known=measured(told.values()), matrix=matrix)
    rows = {row.machine_id: row for row in validation.verdicts}
    kept = list(flips)
    pasts = [
        history(name, piece.record if piece else None, rows[name].observed, False, kept, now_ms - WINDOW_MS, now_ms)
        for name in rows
        for piece in [state.machines.get(name)]
    ]
    return Dashboard(
        "myia-ai-01",
        "G:/Mon Drive/Synchronisation/RooSync/.shared-state",
        None,
        validation,
        tuple(pasts),
        tuple(kept),
        installed(fleet, state, now_ms),
        "myia-po-2025",
        now_ms - WINDOW_MS,
        newest_ms(state, now_ms),
        fresh_ms(fleet),
    )


def _answer(name: str, records: list[dict[str, Any]], now_ms: int) -> ProbeResult:
    """A machine that beats, and whose replica shows what everybody's does."""
    piece = _state(records, now_ms, ()).machines.get(name)
    record = None if piece is None else piece.record
    seen: dict[str, Any] = {} if record is None else {"sequence": record.sequence, "heard_ms": record.last_heartbeat_ms}
    word = AgentState("gone" if record is None else probes.RUNNING, **seen)
    return ProbeResult(name, word, _state(records, now_ms, ()), None, now_ms, 0, 20)


def _state(records: list[dict[str, Any]], now_ms: int, findings: tuple[Finding, ...]) -> SharedState:
    pieces = [
        Evidence(parse(record, record["machineId"])[0], FILE, f"heartbeats/{record['machineId']}.json")
        for record in records
    ]
    read = Snapshot(now_ms)
    read.evidence, read.findings, read.seen = pieces, list(findings), len(pieces)
    return assemble("/share", read)


def _ups(now_ms: int, hours: list[tuple[float, float]]) -> list[str]:
    """Return intervals from pairs of hours ago; the last one reaches to now where it ends with 0."""
    return [f"{to_iso(now_ms - int(a * HOUR))}/{to_iso(now_ms - max(3_000, int(b * HOUR)))}" for a, b in hours]


def _flip(  # noqa: PLR0913, PLR0917 - the fields of one
    who: str, was: str, to: str, at_ms: int, reason: str, silent: int | None = None, detail: str | None = None
) -> dict[str, Any]:
    return {
        "machineId": who, "from": was, "to": to, "at": to_iso(at_ms), "reason": reason, "planned": False,
        "flapping": False, "lastHeartbeat": None, "silentMs": silent, "detail": detail,
    }  # fmt: skip
