"""How a build on trial is judged: pure, from one look after another at what it leaves behind."""

from __future__ import annotations

#: So many beats, read back from the share by the build before, prove a build.
BEATS = 4
#: How long a loop may take to come up, in s; and how much later than its interval and the share's deadline it may beat.
COME_UP_S = 20.0
LATE_S = 5.0
#: More resident memory than the loop ever had use for, in bytes, and the share of one processor it may take.
MAX_BYTES = 50_331_648
MAX_BUSY = 0.5
#: A loop that begins compiles itself: it is busy for so long, in s.
_BUSY_S = 10.0
#: Why a build is left again: a code, and the record's sentence, filled in with what was measured.
WHY = {
    "refused": "it does not come up: {}",
    "not-up": "its loop does not come up",
    "ended": "its loop ended",
    "begun-again": "its loop ended, and another began",
    "memory": "it takes {} MiB of memory",
    "busy": "it took {} s of a processor in {} s",
    "silent": "no beat of it in time, while the share can be written to",
}
SILENT = ("silent",)


class Trial:
    """One build's trial; times are monotonic, in s."""

    def __init__(self, interval_s: float, deadline_s: float, now: float) -> None:
        self._patience = interval_s + deadline_s + LATE_S
        self.begin(now)

    def begin(self, now: float) -> None:
        """Begin anew: the loop has just been started, stopped or restarted by hand."""
        self._began = self._heard = now
        self._session: str | None = None
        self._sequence = 0
        self._beats = 0

    def pardon(self, now: float) -> None:
        """The share is in trouble: the build's silence is not its fault."""
        self._heard = now

    def look(
        self,
        now: float,
        session: str | None,
        beat: tuple[object, int] = (None, 0),
        size: int = 0,
        busy_s: float = 0.0,
    ) -> tuple[str, ...] | None:
        """Return why to go back: a code of WHY and what fills it in; SILENT asks for a probe.

        () where the build is proved, None while neither is known. `session` is that of the loop that runs, None where
        none does; `beat` the record's, and its sequence. `busy_s` is what the loop's process had of a processor, in s;
        `size` what it has resident, in bytes.
        """
        if session is None:
            if self._session is None:
                return ("not-up",) if now - self._began > COME_UP_S else None
            return ("ended",)
        if self._session not in (None, session):
            return ("begun-again",)
        self._session = session
        if size > MAX_BYTES:
            return "memory", str(size >> 20)
        if busy_s > _BUSY_S and busy_s > MAX_BUSY * (now - self._began):
            return "busy", f"{busy_s:.0f}", f"{now - self._began:.0f}"
        return self._count(now, *beat)

    def _count(self, now: float, session: object, sequence: int) -> tuple[str, ...] | None:
        if session == self._session and sequence > self._sequence:
            self._sequence, self._heard = sequence, now
            self._beats += 1
        if self._beats >= BEATS:
            return ()
        return SILENT if now - self._heard > self._patience else None
