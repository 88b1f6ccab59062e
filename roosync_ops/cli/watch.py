"""`roosync-ops watch`: the live table, and each flip told once."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from roosync_ops.fleet import load_inventory
from roosync_ops.gather.past import memory_name
from roosync_ops.gather.patient import Patient
from roosync_ops.gather.source import Source, machine_of
from roosync_ops.show.flips import flip_text
from roosync_ops.show.live import live
from roosync_ops.show.text import safe
from roosync_ops.state.memory import default_folder
from roosync_ops.watch.delivery import URL_VARIABLE
from roosync_ops.watch.loop import Watcher
from roosync_ops.watch.memory import WatchMemory
from roosync_ops.watch.terminal import Ended, Endings, Keys, Screen
from roosync_ops.wire.times import now_ms

from . import errors, options, output, watching

if TYPE_CHECKING:
    from collections.abc import Callable


app = typer.Typer()

_EXAMPLES: Final = """Examples:

roosync-ops watch --shared /mnt/share

roosync-ops watch --json --exec "/usr/local/bin/page-me --team ops"

ROOSYNC_NOTIFY_URL="mailtos://me:secret@mail.example" roosync-ops watch

Exit codes: 0 ended by q, --for or SIGTERM, 2 usage or inventory, 130 Ctrl-C."""
#: Above one heartbeat interval a reading could not tell a machine's silence from its own.
_MAX_INTERVAL_S: Final = 30.0

Interval = Annotated[
    float, typer.Option("--interval", metavar="SECONDS", min=0.2, max=_MAX_INTERVAL_S, help="Between two readings.")
]
Exec = Annotated[
    list[str] | None,
    typer.Option(
        "--exec",
        metavar="CMD",
        help="Run this at each flip (no shell): JSON on stdin, ROOSYNC_FLIP_* in its environment.",
    ),
]
Notify = Annotated[
    list[str] | None,
    typer.Option(
        "--notify",
        metavar="URL",
        envvar=URL_VARIABLE,
        show_envvar=True,
        help="Notify at each flip, by an apprise URL (the extra notify).",
    ),
]
For = Annotated[float | None, typer.Option("--for", metavar="SECONDS", min=0, help="End after so long.")]


@app.command(epilog=_EXAMPLES)
def watch(  # noqa: PLR0913 - one argument an option
    *,
    inventory: options.Inventory = options.DEFAULT_INVENTORY,
    shared: options.Shared = None,
    via: options.Via = None,
    interval: Interval = 5.0,
    seconds: For = None,
    patience: options.Patience = "auto",
    exec_: Exec = None,
    notify: Notify = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document a line, one a flip.")] = False,
    lang: options.Language = options.Lang.en,
    deadline: options.Deadline = None,
    memory: options.Memory = None,
) -> int:
    """Watch the fleet: a live table on a terminal, and one line for each flip anywhere else.

    A flip is told once: not again by a second watcher on this computer, not again after a restart, and a machine that
    comes and goes is named flapping. Only machines of the inventory are watched; a shared state that falls silent or
    cannot be read is one flip of its own, and is waited for. Silence is borne as long as the delays
    seen so far ask for (--patience auto); --patience 0 tells a death sooner, and ordinary sync delay as one.
    """
    fleet = load_inventory(inventory)
    source = Source(shared, machine_of(fleet, via) if via else None, deadline)
    named = memory_name(shared, via)
    folder = memory or default_folder()
    told = WatchMemory(folder, named, watching.observer_of(via, fleet))
    on_terminal = output.is_terminal(sys.stdout) and os.environ.get("TERM") != "dumb" and not as_json
    said: list[str] = []
    with ExitStack() as stack:
        endings = stack.enter_context(Endings())
        tell_trouble = said.append if on_terminal else output.note
        deliveries = stack.enter_context(watching.deliveries_to(exec_ or [], notify or [], tell_trouble))
        watcher = Watcher(
            fleet,
            watching.reader(source),
            watching.judging(fleet, Patient(patience, folder, fleet)),
            told,
            deliveries=deliveries,
            tell=_teller(lang, as_json=as_json, silent=on_terminal),
            clock=now_ms,
            lang=lang,
        )
        until = None if seconds is None else time.monotonic() + seconds
        try:
            if on_terminal:
                _run_on_terminal(watcher, endings, named, said, interval, until, lang)
            else:
                _run_plain(watcher, endings, interval, until)
        except Ended:
            pass
    return errors.OK


def _run_plain(watcher: Watcher, endings: Endings, interval: float, until: float | None) -> None:
    """One line a flip on stdout; what is wrong, when it changes, on stderr."""
    troubles: list[str] = []
    while True:
        watcher.round(endings)
        if watcher.troubles != troubles:
            troubles = watcher.troubles
            for text in troubles:
                output.note(safe(text))
        left = _left(interval, until)
        if left is None:
            return
        time.sleep(left)


def _run_on_terminal(  # noqa: PLR0913, PLR0917 - the screen's own facts
    watcher: Watcher, endings: Endings, shared: str, said: list[str], interval: float, until: float | None, lang: str
) -> None:
    color = output.wants_color(sys.stdout)
    with Keys() as keys, Screen(color=color) as screen:
        while True:
            watcher.round(endings)

            def make(width: int, height: int) -> str:
                troubles = [*watcher.troubles, *said[-2:]]
                return live(
                    watcher.validation,
                    shared,
                    watcher.recent,
                    troubles,
                    lang=lang,
                    width=width,
                    height=height,
                    color=color,
                )

            screen.draw(make)
            left = _left(interval, until)
            if left is None or _quits(keys, left):
                return


def _quits(keys: Keys, seconds: float) -> bool:
    """Wait for `seconds`; True as soon as q is typed."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if keys.wait(left) == "q":
            return True
    return False


def _left(interval: float, until: float | None) -> float | None:
    """Return how long to wait for the next round, None where there is to be none."""
    if until is None:
        return interval
    left = until - time.monotonic()
    return None if left <= 0 else min(interval, left)


def _teller(lang: str, *, as_json: bool, silent: bool) -> Callable[[dict[str, Any]], None]:
    def tell(flip: dict[str, Any]) -> None:
        if as_json:
            output.write(json.dumps(flip, ensure_ascii=True))
        elif not silent:
            output.write(flip_text(flip, lang))

    return tell
