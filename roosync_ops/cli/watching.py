"""What watching needs from the command line: whose replica is read, and where flips are delivered to."""

import json
import os
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from roosync_ops import errors, process
from roosync_ops.fleet import Fleet
from roosync_ops.gather.limits import Probe
from roosync_ops.watch.delivery import GRACE_S, URL_VARIABLE, Delivery, Target, close_all, notification
from roosync_ops.wire.identity import InvalidMachineIdError, hostname, machine_id_of

from . import options


@dataclass(frozen=True, kw_only=True)
class Watched:
    """How machines are watched, and who is told of a flip."""

    patience: options.Patience = "auto"
    exec_: Annotated[
        list[str] | None,
        options.opt(
            "--exec CMD", "Run this at each flip (no shell): JSON on stdin, ROOSYNC_FLIP_* in its environment."
        ),
    ] = None
    notify: Annotated[
        list[str] | None,
        options.opt(
            "--notify URL",
            "Notify at each flip, by an apprise URL (the extra notify).",
            envvar=URL_VARIABLE,
            show_envvar=True,
        ),
    ] = None
    memory: options.Memory = None
    probe: options.Probe = Probe.auto


#: How long the notification library may take to look at the URLs, in s.
_CHECK_S: Final = 30.0


def observer_of(via: str | None, fleet: Fleet) -> str | None:
    """Return whose replica is read: its own beats reach it without any sync."""
    if via:
        return via.lower()
    try:
        name = machine_id_of(hostname())
    except InvalidMachineIdError:
        return None
    return name if name in fleet else None


@contextmanager
def deliveries_to(
    commands: list[str], urls: list[str], tell: Callable[[str], None], grace_s: float = GRACE_S
) -> Iterator[list[Delivery]]:
    """Deliver to commands and notification URLs while the block runs, and within `grace_s` s after it.

    Raises CommandError (usage) for a command or a URL that nothing can be delivered to.
    """
    targets = [command_target(text) for text in commands]
    targets += [notification(number, url) for number, url in enumerate(urls, 1)]
    if urls:
        check_urls(urls)
    deliveries = [Delivery(target, tell) for target in targets]
    try:
        yield deliveries
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
