"""What several verbs need put together: configuration, share and publisher."""

from __future__ import annotations

import os

from roosync_ops.wire import local
from roosync_ops.wire.deadline import BoundedShare
from roosync_ops.wire.times import time_or_none

from .beat import Session
from .config import Config, resolve
from .flags import Flags
from .journal import Journal
from .local_state import Places, Using
from .machine import boot_id, new_session_id
from .publisher import HeartbeatPublisher
from .share import FolderShare


def config_of(flags: Flags) -> Config:
    """Return the configuration of this command line, in this environment. Raises ProblemError."""
    return resolve(flags, os.environ)


def share_of(config: Config) -> FolderShare:
    """Return the share, each touch bounded by the configured deadline."""
    own, others = BoundedShare(config.share_deadline_s), BoundedShare(config.share_deadline_s)
    return FolderShare(config.shared, config.machine_id, own, others)


def publisher_of(config: Config, places: Places, now_ms: int) -> HeartbeatPublisher:
    """Return a publisher with a session of its own. Raises LocalError."""
    session = Session(boot_id(), new_session_id(), now_ms)
    session.rolled_back = local.read_object(places.rolled_back) or None
    with Using(places.journal):
        journal = Journal(places.journal)
    return HeartbeatPublisher(config, places, share_of(config), journal, session)


def join_session(publisher: HeartbeatPublisher) -> None:
    """Beat as the loop that runs beside us, if its journal names it: its life is the machine's, ours is a moment."""
    loop = publisher.notes["loop"]
    started = time_or_none(loop.get("startedAt"))
    if started is not None and isinstance(loop.get("sessionId"), str):
        publisher.session = Session(publisher.session.boot_id, loop["sessionId"], started)
