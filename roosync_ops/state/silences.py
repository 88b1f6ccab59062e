"""Maintenance windows: until when, and why, a machine raises no alarm. This user's, on this computer."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Final, NamedTuple

from .memory import Store, default_folder

#: A window is no way to forget a machine, in ms; and a reason is a line, in characters.
MOST_MS: Final = 30 * 86_400_000
MAX_WHY: Final = 200


class Silence(NamedTuple):
    """Until when, in ms since the epoch, and why."""

    until_ms: int
    why: str


def silences(now_ms: int) -> dict[str, Silence]:
    """Return the windows that are open, by machineId; none where nothing can be read."""
    found = {}
    with suppress(RuntimeError):  # Path.home
        for name, value in _store().machines().items():
            match value:
                case [int(until_ms), str(why)] if now_ms < until_ms <= now_ms + MOST_MS:
                    found[name] = Silence(until_ms, why[:MAX_WHY])
    return found


def silence(names: Iterable[str], one: Silence | None, now_ms: int) -> None:
    """Open a window for machines; None closes theirs. Raises OSError."""
    store = _store()
    with store.locked():
        known = {name: kept for name, kept in silences(now_ms).items() if name not in set(names)}
        known |= {} if one is None else dict.fromkeys(names, one)
        store.write({"machines": {name: [kept.until_ms, kept.why] for name, kept in known.items()}})


def _store() -> Store:
    return Store(default_folder(), "silence", "")
