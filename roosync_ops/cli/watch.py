"""`roosync-ops watch`: the live table, and each flip told once."""

import json
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from roosync_ops import errors, process, typed
from roosync_ops.fleet import Fleet, load_inventory
from roosync_ops.gather.limits import Probe
from roosync_ops.gather.past import memory_name
from roosync_ops.gather.second import CONFIRM_S, Second, second_of
from roosync_ops.gather.validation import GracePeriod, judged
from roosync_ops.show.live import Told, View, live
from roosync_ops.show.reasons import flip_text
from roosync_ops.show.text import clock_ms, safe
from roosync_ops.state.memory import default_folder
from roosync_ops.watch.delivery import GRACE_S, URL_VARIABLE, Delivery, Target, close_all, notification
from roosync_ops.watch.loop import Watcher
from roosync_ops.watch.memory import WatchMemory
from roosync_ops.watch.terminal import Endings, Keys, Screen, Terminated
from roosync_ops.wire.identity import hostname, machine_id_named
from roosync_ops.wire.times import now_ms

from . import looking, options, output

#: How long the notification library may take to look at the URLs, in s.
_CHECK_S: Final = 30.0
#: Above one heartbeat interval a reading could not tell a machine's silence from its own.
_MAX_INTERVAL_S: Final = 30.0
#: After so many rounds in which nothing could be told, the watcher ends with an error.
_FORGETS: Final = 12
#: A diagnosis is read for at most so long, in s: the table is not forgotten behind it.
_READ_S: Final = 300.0


@dataclass(frozen=True, kw_only=True)
class Watched:
    """How machines are watched, and who is told of a flip."""

    patience: options.Patience = "auto"
    exec_: Annotated[list[str] | None, options.opt("--exec CMD")] = None
    notify: Annotated[list[str] | None, options.opt("--notify URL", envvar=URL_VARIABLE, show_envvar=True)] = None
    memory: options.Memory = None
    probe: options.Probe = Probe.auto


@contextmanager
def watching(  # noqa: PLR0913, PLR0917 - which machines, where and how, and what hears of it
    fleet: Fleet,
    at: options.HereOrVia,
    how: Watched,
    tell: Callable[[dict[str, Any]], None],
    note: Callable[[str], None],
    lang: str,
    chosen: set[str] | None = None,
    grace_s: float = GRACE_S,
) -> Iterator[tuple[Watcher, Second | None]]:
    """Deliver to commands and notification URLs while the block runs, and within `grace_s` s after it.

    Yields what watches, and what asks the machines in doubt. Raises CommandError (usage) for a command or a URL that
    nothing can be delivered to.
    """
    source, folder = looking.source_of(at, fleet), how.memory or default_folder()
    grace, second = GracePeriod(how.patience, folder, fleet), second_of(fleet, how.probe, confirm_s=CONFIRM_S)
    # A watcher of a part has a memory of its own: what it tells, no other watcher told.
    named = " ".join([memory_name(at.shared, at.via), *sorted(chosen or ())])
    # Whose replica is read: its own beats reach it without any sync.
    own = machine_id_named(hostname().strip().partition(".")[0])
    observer = at.via.lower() if at.via else own if own in fleet else None
    urls = how.notify or []
    targets = [command_target(text) for text in how.exec_ or []]
    targets += [notification(number, url) for number, url in enumerate(urls, 1)]
    if urls:
        check_urls(urls)
    deliveries = [Delivery(target, note) for target in targets]
    try:
        yield (
            Watcher(
                fleet,
                source,
                partial(judged, fleet=fleet, chosen=None, grace=grace, second=second),
                WatchMemory(folder, named, observer),
                deliveries=deliveries,
                tell=tell,
                clock=now_ms,
                lang=lang,
                chosen=chosen,
            ),
            second,
        )
    finally:
        close_all(deliveries, grace_s)


def command_target(text: str) -> Target:
    """Return the target for a command line. Raises CommandError (usage) where it is none, or nothing can run it."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise errors.usage(f"--exec {text!r}: {error}") from None
    if not words:
        raise errors.usage("--exec names no command")
    found = shutil.which(words[0])
    if found is None:
        raise errors.usage(f"--exec {words[0]}: no such program", "name it by its full path")
    return Target(f"--exec {Path(words[0]).name}", (os.path.abspath(found), *words[1:]))  # noqa: PTH100 - resolve() follows what is a name of its own


def check_urls(urls: list[str]) -> None:
    """Raise CommandError where a notification could never be sent. No URL is ever printed: its secrets are in it."""
    argv = notification(1, "").argv
    asked = json.dumps({"check": urls}).encode("ascii")
    try:
        done = process.within(_CHECK_S, argv, asked)
    except process.ChildError as error:
        raise errors.usage(f"the notification library did not answer: {error}") from None
    if done.code == 0:
        return
    told = done.out.decode("utf-8", "replace").strip()
    if told.replace(" ", "").isdecimal():
        names = ", ".join(notification(int(at), urls[int(at) - 1]).name for at in told.split())
        raise errors.usage(f"not understood by apprise: {names}", "https://appriseit.com/services/ lists the URLs")
    raise errors.usage(told.splitlines()[-1] if told else "the notification library cannot be used")


app = typer.Typer()


@app.command()
@options.grouped
def watch(  # noqa: PLR0913 - one argument an option
    machines: options.Machines = None,
    *,
    at: options.HereOrVia,
    limit: options.Limit = None,
    interval: Annotated[float, options.opt("--interval SECONDS", min=0.2, max=_MAX_INTERVAL_S)] = 5.0,
    seconds: Annotated[float | None, options.opt("--for SECONDS", min=0)] = None,
    how: Watched,
    as_json: Annotated[bool, options.opt("--json", "watch")] = False,
    lang: options.Language = "en",
) -> int:
    """Watch the fleet: a live table on a terminal, and one line for each flip anywhere else.

    A flip is told once: not again by a second watcher on this computer, not again after a restart, and a machine that
    comes and goes is named flapping. Only machines of the inventory are watched; a shared state that falls silent or
    cannot be read is one flip of its own, and is waited for. Silence is borne as long as the delays seen so far ask for
    (--patience auto); --patience 0 tells a death sooner, and ordinary sync delay as one. A machine that is silent for
    its timeout is asked over SSH: a death that is confirmed is told at once, one that is denied never.
    """
    fleet = load_inventory(at.inventory)
    names = options.names_of(limit, machines)
    chosen = {machine.machine_id for machine in fleet.select(names)} if names else None
    on_terminal = output.is_live() and not as_json
    said: list[str] = []

    def tell(flip: dict[str, Any]) -> None:
        if as_json:
            output.write(json.dumps(flip))
        elif not on_terminal:
            output.write(flip_text(flip, output.style()))

    note = said.append if on_terminal else output.note
    with Endings() as endings, watching(fleet, at, how, tell, note, lang, chosen) as (watcher, _):
        until = None if seconds is None else time.monotonic() + seconds
        with suppress(Terminated):
            rounds = _rounds(watcher, endings, interval, until)
            if on_terminal:
                _run_live(watcher, rounds, memory_name(at.shared, at.via), said)
            else:
                _run_plain(watcher, rounds)
    return errors.OK


def _rounds(watcher: Watcher, endings: Endings, interval: float, until: float | None) -> Iterator[float]:
    """Look again and again until the time is over; yield after each look how long to wait, in s.

    Raises CommandError where nothing can be remembered, and so told, at first or for long.
    """
    forgets, left = 1, interval
    while left > 0:
        watcher.round(endings)
        if watcher.forgot >= forgets:
            raise errors.CommandError(
                "NO_MEMORY", watcher.troubles[0], typed.ours("watch", "--memory", "."), errors.NOT_DELIVERED
            )
        forgets = _FORGETS
        left = interval if until is None else min(interval, until - time.monotonic())
        yield max(0.0, left)


def _run_plain(watcher: Watcher, rounds: Iterator[float]) -> None:
    """One line a flip on stdout; what is wrong, when it changes, on stderr."""
    troubles: list[str] = []
    for left in rounds:
        if watcher.troubles != troubles:
            troubles = watcher.troubles
            for text in troubles:
                output.note(safe(text))
        time.sleep(left)


def _run_live(watcher: Watcher, rounds: Iterator[float], shared: str, said: list[str]) -> None:
    """The live table on a terminal, and its keys: look and draw until q is typed, or the time is over."""
    usual, view = output.style(), View()

    def text(width: int, height: int) -> str:
        style, now = replace(usual, width=width), clock_ms(now_ms(), usual)
        told = Told(watcher.memory.recent, [*watcher.troubles, *said[-2:]], watcher.memory.pending, now)
        return live(watcher.validation, shared, told, view, height, style)

    with Keys() as keys, Screen(color=usual.color) as screen:
        for left in rounds:
            end = time.monotonic() + left
            key = ""
            while key != "q":
                screen.draw(text)
                key = keys.wait(max(0.0, end - time.monotonic()))
                view.press(key)
                row = view.meant(watcher.validation)
                if key == "d" and row is not None:
                    _diagnose(row.machine_id, watcher.lang, keys, screen)
                if time.monotonic() >= end:
                    break
            if key == "q":
                return


def _diagnose(machine_id: str, lang: str, keys: Keys, screen: Screen) -> None:
    """Show the diagnosis of a machine, until a key is typed."""
    line = [*process.ours("diagnose", machine_id, "--lang", lang), *typed.needed(["diagnose"])]
    with screen.aside():
        output.write("")
        subprocess.run(line, check=False)  # noqa: S603 - ourselves
        output.note("Any key goes back to the table.")
        keys.wait(_READ_S)
