"""How a shared folder really behaves, measured on the operator's own mount: replace, names, locks, flush, propagation.

Everything is done in a folder of its own, which is removed; of the heartbeats there is only read.
"""

from __future__ import annotations

import os
import secrets
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout

from roosync_ops.wire.folder import ShareUnavailableError, read_shared
from roosync_ops.wire.merge import merge
from roosync_ops.wire.times import now_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from roosync_ops.wire.deadline import BoundedShare

GOOD: Final = "good"
BAD: Final = "bad"
UNKNOWN: Final = "unknown"

#: A record with its history is about this large, in bytes.
_SIZE: Final = 16_384
_REPLACES: Final = 150
_FLUSHES: Final = 20
#: A flush that takes longer than this will one day take longer than the agent's deadline, in ms.
_SLOW_FLUSH_MS: Final = 1_000.0
#: Between two readings while beats are waited for, in s.
_POLL_S: Final = 0.5
#: Fewer beats than this tell nothing of a 99th percentile.
_FEW_BEATS: Final = 5
#: PROTOCOL: a machine is offline after this, in s; what arrives later is a false offline.
_TIMEOUT_S: Final = 120.0


@dataclass(frozen=True)
class Trait:
    """One thing measured: `verdict` is GOOD, BAD or UNKNOWN; `figures` are numbers by name, the unit in each name."""

    name: str
    verdict: str
    detail: str
    figures: dict[str, float] = field(default_factory=dict)


def verify(shared: Path, seconds: float, bounded: BoundedShare, tell: Callable[[str], None]) -> list[Trait]:
    """Measure the folder `shared`; watch it for `seconds` for the beats of machines.

    Raises ShareUnavailableError, ShareHungError, and OSError where not even a folder can be made in it.
    """
    place = shared / f".roosync-verify-{secrets.token_hex(4)}"
    bounded.call(lambda: _make(shared, place), "making a folder")
    traits = []
    try:
        for measure in (_replace, _names, _locks, _flush):
            tell(f"measuring {measure.__name__.strip('_')}")
            traits.append(bounded.call(lambda measure=measure: measure(place), measure.__name__.strip("_")))  # type: ignore[misc]  # a bound default
    finally:
        bounded.call(lambda: shutil.rmtree(place, ignore_errors=True), "removing the folder")
    return [*traits, _propagation(str(shared), seconds, bounded, tell)]


def _make(shared: Path, place: Path) -> None:
    if not shared.is_dir():
        raise ShareUnavailableError(2, "no such folder", str(shared))
    place.mkdir()


def _replace(place: Path) -> Trait:
    """Replace a file again and again while it is read: each reading must give one whole version."""
    target, temporary = place / "replaced.json", place / "replaced.tmp"
    target.write_bytes(_version(0))
    over = threading.Event()
    seen: list[str] = []

    def read() -> None:
        while not over.is_set():
            seen.append(_look(target))
            time.sleep(0)

    reader = threading.Thread(target=read, name="reader", daemon=True)
    reader.start()
    refused = 0
    for number in range(1, _REPLACES + 1):
        temporary.write_bytes(_version(number))
        try:
            temporary.replace(target)
        except PermissionError:  # Windows, while the reader has it open: the agent tries again
            refused += 1
    over.set()
    reader.join()
    wrong = [word for word in seen if word not in ("whole", "refused")]
    figures = {"readings": float(len(seen)), "wrong": float(len(wrong)), "refused": float(refused)}
    if wrong:
        return Trait(
            "replace", BAD, f"{len(wrong)} of {len(seen)} readings saw {', '.join(sorted(set(wrong)))}", figures
        )
    return Trait("replace", GOOD, f"{len(seen)} readings during {_REPLACES} replacements: all whole", figures)


def _version(number: int) -> bytes:
    return bytes([65 + number % 26]) * _SIZE


def _look(target: Path) -> str:
    try:
        content = target.read_bytes()
    except FileNotFoundError:
        return "no file"
    except PermissionError:
        return "refused"
    if len(content) != _SIZE:
        return "0 bytes" if not content else "a part"
    return "whole" if content == content[:1] * _SIZE else "a mixture"


def _names(place: Path) -> Trait:
    """A name stands for one file: exclusive creation refuses a second one, and a listing shows it once."""
    name = place / "name.json"
    os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    try:
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        twice = True
    except FileExistsError:
        twice = False
    listed = os.listdir(place).count(name.name)  # noqa: PTH208 - names, not paths
    folded = (place / "NAME.json").exists()
    case = "upper and lower case are one name" if folded else "upper and lower case are two names"
    if twice or listed != 1:
        return Trait("names", BAD, f"one name can stand for two files ({listed} listed); {case}")
    return Trait("names", GOOD, f"one name is one file; {case}", {"caseInsensitive": float(folded)})


def _locks(place: Path) -> Trait:
    """A lock excludes a second one of this computer; of another, with its own replica, that tells nothing."""
    first, second = (FileLock(place / "a.lock", timeout=0, thread_local=False) for _ in range(2))
    with first:
        try:
            with second:
                excludes = False
        except Timeout:
            excludes = True
        except (OSError, NotImplementedError) as error:
            return Trait("locks", UNKNOWN, f"cannot be taken here: {error}")
    with suppress(OSError):
        (place / "a.lock").unlink(missing_ok=True)
    detail = "exclude on this computer only: a synced folder carries no lock to another (ours never lie in the share)"
    return (
        Trait("locks", GOOD, detail) if excludes else Trait("locks", BAD, "exclude nobody, not even on this computer")
    )


def _flush(place: Path) -> Trait:
    took = []
    for number in range(_FLUSHES):
        with (place / f"flushed-{number}").open("wb") as file:
            file.write(_version(number))
            began = time.perf_counter()
            file.flush()
            os.fsync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    figures = {"p50Ms": percentile(took, 50), "p99Ms": percentile(took, 99)}
    slow = figures["p99Ms"] > _SLOW_FLUSH_MS
    return Trait(
        "flush", BAD if slow else GOOD, f"p50 {figures['p50Ms']:.1f} ms, p99 {figures['p99Ms']:.1f} ms", figures
    )


def _propagation(shared: str, seconds: float, bounded: BoundedShare, tell: Callable[[str], None]) -> Trait:
    """Watch beats arrive: how old each is when it is first seen here."""
    lags: list[float] = []
    known = _sequences(shared, bounded)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(min(_POLL_S, max(0.0, until - time.monotonic())))
        tell(f"watching beats arrive: {len(lags)} so far")
        seen = _sequences(shared, bounded)
        at = now_ms()
        lags += [
            (at - heard) / 1000 for name, (number, heard) in seen.items() if known.get(name, (number, 0))[0] < number
        ]
        known = {**known, **seen}
    if len(lags) < _FEW_BEATS:
        few = {"beats": float(len(lags))}
        return Trait("propagation", UNKNOWN, f"{len(lags)} beats arrived in {seconds:g} s: too few to tell", few)
    return _arrivals(lags)


def _arrivals(lags: list[float]) -> Trait:
    low, mid, high = min(lags), percentile(lags, 50), percentile(lags, 99)
    figures = {"beats": float(len(lags)), "p50S": mid, "p99S": high, "spreadS": high - low}
    detail = f"{len(lags)} beats, p50 {mid:.1f} s, p99 {high:.1f} s after they were made (two clocks compared)"
    if low < -1:
        return Trait("propagation", UNKNOWN, f"{detail}: some came before they were made, so a clock is wrong", figures)
    return Trait("propagation", BAD if high > _TIMEOUT_S else GOOD, detail, figures)


def _sequences(shared: str, bounded: BoundedShare) -> dict[str, tuple[int, int]]:
    snapshot = bounded.call(lambda: read_shared(shared, now_ms()), "reading heartbeats")
    found = {}
    for name, piece in merge(snapshot.evidence, snapshot.read_at_ms).items():
        if piece.record.sequence is not None and piece.record.last_heartbeat_ms is not None:
            found[name] = piece.record.sequence, piece.record.last_heartbeat_ms
    return found


def percentile(values: Iterable[float], percent: float) -> float:
    """Return the value that so many percent do not exceed. Raises ValueError for no value at all."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
