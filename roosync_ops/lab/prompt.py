"""Commands one after the other: from `--do`, or from a person at the prompt."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from typing import TYPE_CHECKING

from .console import HELP
from .faults import LabError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from .board import Screen
    from .console import Console

PROMPT = "lab> "
#: A Ctrl-C that was heard has ended the asking by then, in seconds.
_PATIENCE_S = 0.2


def run_script(console: Console, screen: Screen, script: str) -> bool:
    """Run a line of commands and stop at the first that fails; tell whether none did."""
    try:
        console.run(script)
    except LabError as error:
        screen.say(f"Error: {error}")
        return False
    return True


def run_prompt(console: Console, screen: Screen, ask: Callable[[str], str] = input) -> None:
    """Take commands until `quit` or the end of input. Ctrl-C ends a `watch`; at the prompt it is the caller's."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401, PLC0415 - gives `input` its line editing; not every Python has it

    screen.say(f"\nThe fleet is yours:\n{HELP}\n")
    while not console.ended:
        try:
            with audible():
                line = ask(PROMPT)
        except EOFError:
            screen.say("")
            return
        try:
            run_script(console, screen, line)
        except KeyboardInterrupt:
            screen.say("")


class _Asking:
    """Whether a Ctrl-C is still to be heard. `heard` runs on the main thread alone, as signal handlers do."""

    def __init__(self) -> None:
        self.on = True

    def heard(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - what a handler is called with
        """Raise KeyboardInterrupt, once: repeating a signal must not interrupt whatever comes after the prompt."""
        if self.on:
            self.on = False
            raise KeyboardInterrupt


@contextlib.contextmanager
def audible() -> Iterator[None]:
    """Have the first Ctrl-C within the block raise KeyboardInterrupt.

    Readline does not hear one that falls between its prompt and its wait for a key.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asking = _Asking()
    ears, wire = socket.socketpair()
    wire.setblocking(False)
    repeating = threading.Thread(target=_repeat, args=(asking, ears), name="lab-ctrl-c", daemon=True)
    before = signal.signal(signal.SIGINT, asking.heard)
    descriptor = signal.set_wakeup_fd(wire.fileno(), warn_on_full_buffer=False)
    repeating.start()
    try:
        yield
    finally:
        asking.on = False
        signal.set_wakeup_fd(descriptor)
        wire.close()
        repeating.join()
        ears.close()
        signal.signal(signal.SIGINT, before)


def _repeat(asking: _Asking, ears: socket.socket) -> None:
    """Send a signal of which nothing came once more: readline waits for a key by now, and a signal ends that wait."""
    main = threading.main_thread().ident
    while ears.recv(1):
        threading.Event().wait(_PATIENCE_S)
        if asking.on and main is not None:
            signal.pthread_kill(main, signal.SIGINT)
