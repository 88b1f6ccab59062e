"""`restart`: end what runs here and start this build, in one turn; what runs is ended only when the next will run."""

from __future__ import annotations

import os

from roosync_ops.agent.config import Config, config_of
from roosync_ops.agent.errors import OK, ShareTroubleError, already_started
from roosync_ops.agent.flags import Flags
from roosync_ops.agent.interactive_session import sees_share
from roosync_ops.agent.local_state import Places, Using, loop_runs, loops, prepare, read_local_state
from roosync_ops.agent.lock import is_claimed
from roosync_ops.agent.publisher import share_of
from roosync_ops.agent.verbs import guard, start
from roosync_ops.agent.verbs.stop import end_all, take_turn
from roosync_ops.wire import local
from roosync_ops.wire.typed import Answer

#: More than a journal, a log and two locks take at their beginning.
_ROOM_BYTES = 65_536


def answer(flags: Flags) -> Answer:
    """Start anew whatever runs, or nothing does; the record never says that the machine left.

    Raises ShareTroubleError, and leaves a loop that runs alone, where the share is in trouble; else as `start`.
    """
    config = config_of(flags)
    places = prepare(config)
    if flags.to is not None:
        guard.check(config, flags.to)
    with take_turn(places):
        if loops(config.local_dir):
            _check_room(places)
            try:
                _probe(config, places)
            except ShareTroubleError as trouble:
                trouble.reason = f"la boucle n'a pas été arrêtée: {trouble.reason}"
                raise
        if is_claimed(config.instance) and not loop_runs(places):
            raise already_started(None)
        return guard.try_out(flags, config, places) if flags.to else again(flags, config, places)


def again(flags: Flags, config: Config, places: Places) -> Answer:
    """End what runs and start what is named, or this build; the caller has the turn."""
    end_all(config, places, save=False)
    return start.bring_up(flags, config, places)


def _check_room(places: Places) -> None:
    """A loop that runs needs no room for its journal, one that begins does. Raises LocalError."""
    path = os.path.join(places.folder, ".room.tmp")
    try:
        with Using(path), open(local.create(path), "wb") as file:
            file.write(bytes(_ROOM_BYTES))
    finally:
        local.remove(path)


def _probe(config: Config, places: Places) -> None:
    """See that the next loop could write; where this session has no drive, what the loop says of it counts."""
    said = read_local_state(places)["share"]
    if sees_share(config):
        share_of(config).probe()
    elif said["state"] != OK:
        raise ShareTroubleError(said["state"], str(said["detail"]))
