"""Publishing this machine's record: sequence and history never go back, and success means it was read back."""

from __future__ import annotations

import os

from roosync_ops.wire import local
from roosync_ops.wire.merge import reach
from roosync_ops.wire.record import BEATS_UNSEEN, MAX_SEQUENCE, OF_NO_USE, Record, dump, object_in, parse
from roosync_ops.wire.text import NotUnderstoodError
from roosync_ops.wire.times import time_or_none, to_iso
from roosync_ops.wire.typed import Any, Callable, Json, T

from .beat import PreviousRecords, Session, agent_part, bare, compose, has_left, leave, rewritten, sequence_of
from .config import MAX_RECORD_BYTES, Config
from .errors import HUNG, OK, LocalError, ProblemError, ShareTroubleError
from .journal import Journal
from .local_state import Places, Using, read_local_state, set_aside, with_defaults
from .lock import Lock
from .machine import boot_id

#: How many loops may have begun since a beat was last written down: the record in the share is one of theirs.
_MAX_EARLIER = 16

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Share(Protocol):
        """What every share does. Each raises ShareTroubleError and nothing else; none outlasts the deadline."""

        @property
        def is_stuck(self) -> bool: ...
        def probe(self) -> None: ...
        def follow(self, limit_s: float) -> None: ...
        def read_own(self) -> Json | None: ...
        def own_record(self) -> tuple[Record | None, str | None]: ...
        def read_before(self, now_ms: int) -> Record | None: ...
        def publish(self, raw: bytes, *, leaves: bool = False) -> None: ...
        def copy(self, name: str, offset: int) -> bytes | None: ...

else:
    Share = object


class HeartbeatPublisher:
    """Beats for one machine into one share. `notes` is the local truth, kept in step with the journal.

    The process that beats holds write.lock; while a hung call may still land, the lock stays held, so that no newer
    record is overwritten by it.
    """

    def __init__(self, config: Config, places: Places, share: Share, journal: Journal, session: Session) -> None:
        self.config = config
        self.places = places
        self.share = share
        self.session = session
        self.journal = journal
        self.notes = with_defaults(journal.load())
        #: What the operator passes is written once; afterwards the record carries it.
        self._metadata: Json = dict(config.metadata)
        self._lock = Lock(places.write_lock)
        self.is_new_machine = False
        #: Where this machine keeps the view: entries of machines whose own files older services undid, and how late
        #: beats arrive.
        self.extra: Json = {}
        #: What `status` tells about the permanent loop, where this is its publisher.
        self.loop: Json | None = None
        self._earlier = _begun(self.notes["loop"])

    def join_session(self) -> None:
        """Beat as the loop that runs beside us, if the journal names it: its life is the machine's, ours a moment."""
        loop = self.notes["loop"]
        started = time_or_none(loop.get("startedAt"))
        if started is not None and isinstance(loop.get("sessionId"), str):
            self.session = Session(self.session.boot_id, loop["sessionId"], started)
            self.session.build = {key: loop.get(key, ours) for key, ours in self.session.build.items()}

    def beat(self, now_ms: int) -> Json:
        """Publish the beat of `now_ms` and return its record. Raises ShareTroubleError or LocalError."""
        return self._publish(now_ms, leaving=False)

    def leave(self, now_ms: int) -> bool:
        """Write that this machine leaves; False where it had already left, or was never there. Raises as `beat`."""
        return bool(self._publish(now_ms, leaving=True))

    def attempt(self, work: Callable[[], T], now_ms: int) -> T:
        """Do `work` under write.lock, the journal in step before and after it.

        Raises what `work` raises (trouble of the share is written down first), and LocalError for the local side.
        """
        self._open()
        try:
            return work()
        except ShareTroubleError as trouble:
            self.note_share(trouble.state, trouble.reason, trouble.since_ms or now_ms)
            raise
        finally:
            self._close()

    def _open(self) -> None:
        """Take write.lock and learn what others of this machine wrote in between."""
        self._acquire()
        try:
            with Using(self.places.journal):
                if self.journal.generation_on_disk() != self.journal.generation:
                    self.notes = with_defaults(self.journal.load())
        except ProblemError:
            self._lock.release()
            raise
        if self.loop is not None:
            self.notes["loop"] = {**self.loop, "earlier": self._earlier}

    def _close(self) -> None:
        """Write the local truth down and give write.lock back, unless a hung call may still land."""
        try:
            with Using(self.places.journal):
                self.journal.save(self.notes)
        finally:
            if not self.share.is_stuck:
                self._lock.release()

    def _acquire(self) -> None:
        with Using(self.places.write_lock):
            taken = self._lock.acquire(self.config.share_deadline_s)
        if not taken:
            share = read_local_state(self.places)["share"]
            if share["state"] == HUNG:  # the lock is held for a call that may still land
                raise ShareTroubleError(HUNG, str(share["detail"]))
            reason = f"un autre processus publie déjà et tient {self.places.write_lock}"
            raise LocalError(reason, "réessayer; sinon chercher le processus qui tient ce verrou")

    def _publish(self, now_ms: int, *, leaving: bool) -> Json:
        known = self.notes["record"]
        on_disk = self._look(known, now_ms)
        if leaving and _nothing_to_leave(known, on_disk):
            return {}
        past = PreviousRecords(known, on_disk, self.notes["sequence"])
        if leaving:
            record = leave(past, now_ms)
        else:
            record = compose(self.config, self.session, past, now_ms, self._metadata, self.extra)
        raw = dump(record)
        if len(raw) > MAX_RECORD_BYTES:  # another program filled our file: what could not be read again is not kept
            record = bare(record, self.config)
            raw = dump(record)
        self.notes["pending"] = [record["agent"]["sequence"], record["agent"].get("sessionId")]
        self.share.publish(raw, leaves=leaving)
        self._note(record, now_ms)
        return record

    def _look(self, known: Json | None, now_ms: int) -> Json | None:
        """Read the own file as it lies there; notice that it was rewritten, and set aside what cannot be understood."""
        own, not_understood = self.share.own_record()
        if not_understood is not None:
            self._rewritten(OF_NO_USE, not_understood, now_ms)
            self.set_aside(f"{self.config.machine_id}.json")
            return None
        if own is None:
            before = self.share.read_before(now_ms) if known is None else None
            self.is_new_machine = known is None and before is None
            return None if before is None else before.data
        if self._is_anothers(own.data, known):
            self._rewritten(OF_NO_USE, "what another machine wrote", now_ms)
            return None
        if own.doubted or sequence_of(own.data) > self._reach(known, now_ms):
            detail = f"sequence {sequence_of(own.data)}, which this machine cannot have come to"
            self._rewritten(OF_NO_USE, detail, now_ms)
            self.set_aside(f"{self.config.machine_id}.json")
            return None
        pending = self.notes["pending"]
        landed = pending is not None and sequence_of(own.data) == pending[0]
        if known is not None and not landed:
            found = rewritten(own.data, known, self._sessions(known))
            if found is not None:
                self._rewritten(*found, now_ms)
        return own.data

    def _is_anothers(self, on_disk: Json, known: Json | None) -> bool:
        """Return True if an older service put what another machine's agent wrote under our name."""
        names = [object_in(record, "metadata").get("hostname") for record in (on_disk, known)]
        host, *ours = (str(name).lower() for name in (*names, self.config.hostname))
        if names[0] is None or host in ours:
            return False
        return agent_part(on_disk).get("sessionId") not in self._sessions(known or {})

    def _reach(self, known: Json | None, now_ms: int) -> int:
        """Return what this machine's sequence can be by now: as its own beats say, or those of a clone of it."""
        if known is None:
            return MAX_SEQUENCE
        try:
            record, _ = parse(known, self.config.machine_id)
        except NotUnderstoodError:
            return MAX_SEQUENCE
        return max(int(self.notes["sequence"]), reach(record, now_ms)) + BEATS_UNSEEN

    def _sessions(self, known: Json) -> tuple[str, ...]:
        pending = self.notes["pending"] or [0, None]
        mine = (self.session.session_id, agent_part(known).get("sessionId"), *_begun(self.notes["loop"]))
        return tuple(str(session) for session in (*mine, pending[1]) if session)

    def _rewritten(self, kind: str, detail: str, now_ms: int) -> None:
        own = self.notes["ownFile"]
        own["rewrites"] += 1
        own.update(lastKind=kind, lastDetail=detail, lastAt=to_iso(now_ms))

    def set_aside(self, name: str) -> None:
        set_aside(self.places, self.notes["setAside"], name, lambda offset: self.share.copy(name, offset))

    def _note(self, record: Json, now_ms: int) -> None:
        self._metadata = {}
        self._earlier = []
        sequence = record["agent"]["sequence"]
        self.notes.update(record=record, sequence=sequence, pending=None)
        self.notes["lastBeat"] = {
            "sequence": sequence,
            "lastHeartbeat": record.get("lastHeartbeat"),
            "writtenAt": to_iso(now_ms),
            "readBack": True,
        }
        self.note_share(OK, None, now_ms)

    def note_share(self, state: str, detail: str | None, since_ms: int) -> None:
        share = self.notes["share"]
        since = None if state == OK else share["since"] if share["state"] == state else to_iso(since_ms)
        self.notes["share"] = {"state": state, "since": since, "detail": detail}


def share_of(config: Config) -> Share:
    """Return what the configuration names: a folder; there is no other yet."""
    from .share import folder_of  # noqa: PLC0415 - of what carries records, what is used is loaded

    return folder_of(config)


def publisher_of(config: Config, places: Places, now_ms: int) -> HeartbeatPublisher:
    """Return a publisher with a session of its own. Raises LocalError."""
    session = Session(boot_id(), os.urandom(16).hex(), now_ms)
    session.rolled_back = local.read_object(places.rolled_back) or None
    with Using(places.journal):
        journal = Journal(places.journal)
    return HeartbeatPublisher(config, places, share_of(config), journal, session)


def _begun(loop: Json) -> list[Any]:
    """Return the sessions that may have beaten since a beat was last written down, the last one included.

    A loop that is killed between the share and the journal has its beat in the share, and only its beginning here.
    """
    earlier = loop.get("earlier")
    return [*(earlier if isinstance(earlier, list) else ()), loop.get("sessionId")][-_MAX_EARLIER:]


def _nothing_to_leave(known: Json | None, on_disk: Json | None) -> bool:
    if known is None and not agent_part(on_disk):
        return True  # never here, or an older service's machine alone
    if on_disk is not None:
        return has_left(on_disk) and sequence_of(on_disk) >= sequence_of(known)
    return has_left(known)
