"""`register`: one heartbeat, read back, and exit: for any external scheduler, beside a running loop or without one."""

from __future__ import annotations

from roosync_ops.agent.answer import result
from roosync_ops.agent.config import config_of
from roosync_ops.agent.errors import ProblemError
from roosync_ops.agent.flags import Flags
from roosync_ops.agent.interactive_session import is_elsewhere, run_verb
from roosync_ops.agent.local_state import loop_runs, prepare
from roosync_ops.agent.publisher import HeartbeatPublisher, publisher_of, share_of
from roosync_ops.agent.view_writer import ViewWriter
from roosync_ops.wire.small import suppress
from roosync_ops.wire.status import ONLINE
from roosync_ops.wire.times import now_ms, to_iso
from roosync_ops.wire.typed import Answer, Json


def answer(flags: Flags) -> Answer:
    """Beat once. Raises ProblemError where the heartbeat is not in the share afterwards."""
    config = config_of(flags)
    if is_elsewhere(flags, config):
        return run_verb(flags, config, "register")
    places = prepare(config)
    if flags.follow:
        share_of(config).follow(flags.follow)
    now = now_ms()
    publisher = publisher_of(config, places, now)
    record = publisher.attempt(lambda: _beat(publisher, now), now)
    message = f"Heartbeat enregistré pour {config.machine_id}"
    new = " (nouvelle machine)" if publisher.is_new_machine else ""
    return result(
        message,
        f"{message}, {to_iso(now)}, {ONLINE}{new}",
        action="register",
        machineId=config.machine_id,
        timestamp=record["lastHeartbeat"],
        status=ONLINE,
        isNewMachine=publisher.is_new_machine,
    )


def _beat(publisher: HeartbeatPublisher, now: int) -> Json:
    if loop_runs(publisher.places):
        publisher.join_session()
    record = publisher.beat(now)
    # the heartbeat is registered; the view is rebuilt by its next keeper
    with suppress(ProblemError):
        ViewWriter(publisher).tend(now)
    return record
