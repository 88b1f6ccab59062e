"""How a shared folder behaves, measured: replace, names, locks, flush, and beats as they arrive.

On a machine this text runs in a process of its own (on_verify), which says each part as it is found, so that a share
that hangs takes none of what was known before. Standard library only, CPython 3.9+.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
import time

from roosync_ops.agent.lock import try_lock
from roosync_ops.wire.typed import Any, Generator, Iterable, Iterator

GOOD = "good"
BAD = "bad"
UNKNOWN = "unknown"

#: The folder that all of it is done in, in the share: `.roosync-verify-` and 8 hexadecimal digits.
PREFIX = ".roosync-verify-"
_PLACE = re.compile(r"\.roosync-verify-[0-9a-f]{8}")
#: A folder of ours that is older was left by a run that was killed, in s.
_ABANDONED_S = 600.0
#: A record with its history is about this large, in bytes.
_SIZE = 16_384
_REPLACES = 150
_FLUSHES = 20
#: A flush that takes longer than this will one day take longer than the agent's deadline, in ms.
_SLOW_FLUSH_MS = 1_000.0
#: Between two readings while beats are waited for, in s.
_POLL_S = 0.5
#: Windows refuses a file that another process has open: so often, and with this pause in s, its removal is tried again.
_ATTEMPTS = 20
_PAUSE_S = 0.1
#: A record as our agents write it; more than so many bytes are none.
_RECORD = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\.json")
_MAX_BYTES = 1_048_576
#: So many beats of one run are enough for any percentile.
_MAX_SEEN = 5_000


def trait(name: str, verdict: str, detail: str, figures: dict[str, float] | None = None) -> dict[str, Any]:
    """Return one thing measured; `figures` are numbers by name, the unit in each name."""
    return {"name": name, "verdict": verdict, "detail": detail, "figures": figures or {}}


def replace(place: str) -> dict[str, Any]:
    """Replace a file again and again while it is read: each reading must give one whole version."""
    target, temporary = os.path.join(place, "replaced.json"), os.path.join(place, "replaced.tmp")
    _write(target, _version(0))
    over = threading.Event()
    seen: list[str] = []

    def read() -> None:
        while not over.is_set():
            seen.append(_look(target))
            time.sleep(0)

    reader = threading.Thread(target=read, name="reader", daemon=True)
    reader.start()
    refused = 0
    try:
        for number in range(1, _REPLACES + 1):
            _write(temporary, _version(number))
            try:
                os.replace(temporary, target)
            except PermissionError:  # Windows, while the reader has it open: the agent tries again
                refused += 1
    finally:
        over.set()
        reader.join()
    return _read_whole(seen, refused)


def _read_whole(seen: list[str], refused: int) -> dict[str, Any]:
    wrong = [word for word in seen if word not in ("whole", "refused")]
    figures = {"readings": float(len(seen)), "wrong": float(len(wrong)), "refused": float(refused)}
    if wrong:
        said = f"{len(wrong)} of {len(seen)} readings saw {', '.join(sorted(set(wrong)))}"
        return trait("replace", BAD, said, figures)
    if refused == _REPLACES:
        return trait("replace", BAD, f"all {refused} were refused", figures)
    return trait("replace", GOOD, f"{len(seen)} readings during {_REPLACES} replacements: all whole", figures)


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)


def _version(number: int) -> bytes:
    return bytes([65 + number % 26]) * _SIZE


def _look(target: str) -> str:
    try:
        with open(target, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        return "no file"
    except PermissionError:
        return "refused"
    if len(content) != _SIZE:
        return "0 bytes" if not content else "a part"
    return "whole" if content == content[:1] * _SIZE else "a mixture"


def names(place: str) -> dict[str, Any]:
    """A name stands for one file: exclusive creation refuses a second one, and a listing shows it once."""
    path = os.path.join(place, "name.json")
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        twice = True
    except FileExistsError:
        twice = False
    listed = os.listdir(place).count("name.json")
    folded = os.path.exists(os.path.join(place, "NAME.json"))
    case = "upper and lower case are one name" if folded else "upper and lower case are two names"
    if twice or listed != 1:
        return trait("names", BAD, f"one name can stand for two files ({listed} listed); {case}")
    return trait("names", GOOD, f"one name is one file; {case}", {"caseInsensitive": float(folded)})


def locks(place: str) -> dict[str, Any]:
    """A lock excludes a second one of this computer; of another, with its own replica, that tells nothing."""
    path = os.path.join(place, "a.lock")
    descriptors = [os.open(path, os.O_CREAT | os.O_RDWR) for _ in range(2)]
    try:
        taken = [try_lock(descriptor) for descriptor in descriptors]
    except OSError as error:
        return trait("locks", UNKNOWN, f"cannot be taken here: {error.strerror or error}")
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    if taken != [True, False]:
        return trait("locks", BAD, "exclude nobody, not even on one computer")
    said = "exclude on one computer only: a synced folder carries no lock to another (ours never lie in the share)"
    return trait("locks", GOOD, said)


def flush(place: str) -> dict[str, Any]:
    """How long it takes until a file that was written is said to be on the disk."""
    took = []
    for number in range(_FLUSHES):
        with open(os.path.join(place, f"flushed-{number}"), "wb") as file:
            file.write(_version(number))
            began = time.perf_counter()
            file.flush()
            os.fsync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    figures = {"p50Ms": percentile(took, 50), "p99Ms": percentile(took, 99)}
    said = f"p50 {figures['p50Ms']:.1f} ms, p99 {figures['p99Ms']:.1f} ms"
    return trait("flush", BAD if figures["p99Ms"] > _SLOW_FLUSH_MS else GOOD, said, figures)


def percentile(values: Iterable[float], percent: float) -> float:
    """Return the value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


#: In this order.
MEASURES = (replace, names, locks, flush)


def remove(place: str) -> bool:
    """Remove the folder with all that is in it; tell whether it is gone."""
    for _ in range(_ATTEMPTS):
        shutil.rmtree(place, ignore_errors=True)
        if not os.path.lexists(place):
            return True
        time.sleep(_PAUSE_S)
    return False


def sweep(shared: str, now_s: float) -> None:
    """Remove what runs that were killed left behind: nothing but folders with our own name, and old ones."""
    for name in os.listdir(shared):
        path = os.path.join(shared, name)
        is_ours = _PLACE.fullmatch(name) and not os.path.islink(path) and os.path.isdir(path)
        if is_ours and now_s - os.path.getmtime(path) > _ABANDONED_S:
            shutil.rmtree(path, ignore_errors=True)


def beats(shared: str, seconds: float) -> Iterator[dict[str, Any] | None]:
    """Yield each beat of our agents that comes into the replica within so many s: whose, its number and time, and when.

    None after each look. Times of seeing are ms since the epoch by this computer's clock, at most _POLL_S late.
    """
    folder = os.path.join(shared, "heartbeats")
    stamps: dict[str, tuple[int, int]] = {}
    known: dict[str, int] = {}
    count = 0
    until = time.monotonic() + seconds
    first = True
    while count < _MAX_SEEN:
        for name, number, heard, session in _changed(folder, stamps):
            at = time.time_ns() // 1_000_000
            if not first and number > known.get(name, number):
                yield {"machineId": name, "sequence": number, "beat": heard, "session": session, "seenMs": at}
                count += 1
            known[name] = number
        first = False
        yield None
        left = until - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(_POLL_S, left))


def _changed(folder: str, stamps: dict[str, tuple[int, int]]) -> Iterator[tuple[str, int, str, str]]:
    """Yield (machineId, sequence, lastHeartbeat, sessionId) of each record that is not as it was at the last look."""
    try:
        files = [name for name in os.listdir(folder) if _RECORD.fullmatch(name)]
    except OSError:
        return
    for name in files:
        path = os.path.join(folder, name)
        try:
            found = os.stat(path)
            stamp = found.st_mtime_ns, found.st_size
            if stamps.get(name) == stamp:
                continue
            with open(path, "rb") as file:
                record = json.loads(file.read(_MAX_BYTES))
            agent, heard = record["agent"], record["lastHeartbeat"]
            number, session = agent["sequence"], agent["sessionId"]
        except (OSError, ValueError, RecursionError, KeyError, TypeError):
            continue  # not whole yet, or of an older service, whose beats have no number
        stamps[name] = stamp
        if type(number) is int and isinstance(heard, str) and isinstance(session, str):
            yield name[:-5], number, heard[:40], session[:80]


def work(asked: dict[str, Any]) -> Generator[dict[str, Any], None, None]:
    """Yield, part by part, what is found of the folder `shared`, watched for `seconds`; with `clean` only tidy up.

    Everything is done in a folder of its own, named by `token`; an empty part says that a look at the beats is over.
    """
    shared, place = asked["shared"], os.path.join(asked["shared"], PREFIX + asked["token"])
    if asked.get("clean"):
        yield {"removed": remove(place)}
    elif not os.path.isdir(shared):
        yield {"problem": ["SHARE_MISSING", "there is no such folder"]}
    else:
        yield from _measured(shared, place)
        for seen in beats(shared, asked["seconds"]):
            yield {"seen": seen} if seen else {}


def _measured(shared: str, place: str) -> Iterator[dict[str, Any]]:
    try:
        sweep(shared, time.time())
        os.mkdir(place)
    except OSError as error:
        yield {"problem": ["SHARE_REFUSED", f"a folder cannot be made in it: {error.strerror or error}"]}
        return
    try:
        for measure in MEASURES:
            try:
                found = measure(place)
            except OSError as error:
                found = trait(measure.__name__, BAD, f"not possible: {error.strerror or error}")
            yield {"trait": found}
    finally:
        removed = remove(place)
    yield {"removed": removed}
