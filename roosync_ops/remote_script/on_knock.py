"""On the machine: whether it reaches other machines' ports. Travels only where that is asked."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress

from .on_machine import ANSWERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: For a name to be looked up, beside the time a connection may take, in s.
_NAME_S = 0.5


def knock(request: dict[str, Any]) -> dict[str, Any]:
    """Connect to all `targets` ([host, port]) at once, each within `limit` s; return whether each took it, in order."""
    found = [False] * len(request["targets"])

    def one(at: int, host: str, port: int) -> None:
        with suppress(OSError, ValueError, OverflowError), socket.create_connection((host, port), request["limit"]):
            found[at] = True

    threads = [threading.Thread(target=one, args=(at, *to), daemon=True) for at, to in enumerate(request["targets"])]
    for thread in threads:
        thread.start()
    end = time.monotonic() + request["limit"] + _NAME_S
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return {"open": list(found)}


ANSWERS["knock"] = knock
