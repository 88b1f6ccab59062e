from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import pytest

from roosync_ops.lab.prompt import audible

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _ctrl_c_interrupts() -> Iterator[None]:
    """Whatever handler an earlier test of this process left."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def _press() -> None:
    """As the terminal does it, but to this very thread: another one of a test worker's would hear it too late."""
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)


def _ask_and_lose_the_first() -> None:
    """As readline does at the instant at which it has shown its prompt and does not yet wait."""
    lost = threading.Event()
    with audible():
        heard = signal.getsignal(signal.SIGINT)
        signal.signal(signal.SIGINT, lambda *_: lost.set())
        _press()
        signal.signal(signal.SIGINT, heard)
        assert lost.is_set()
        threading.Event().wait(30)


def test_a_ctrl_c_that_nothing_came_of_is_repeated() -> None:
    with pytest.raises(KeyboardInterrupt):
        _ask_and_lose_the_first()


def _press_twice(after: list[str]) -> None:
    with audible():
        try:
            _press()
        finally:
            _press()
            after.append("cleaned up")


def test_the_second_ctrl_c_interrupts_nothing_until_the_block_has_ended() -> None:
    after: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        _press_twice(after)
    assert after == ["cleaned up"]


def test_afterwards_all_is_as_it_was() -> None:
    before, threads = signal.getsignal(signal.SIGINT), set(threading.enumerate())
    with audible():
        pass
    assert signal.getsignal(signal.SIGINT) == before
    assert not set(threading.enumerate()) - threads
    with pytest.raises(KeyboardInterrupt):
        _press()


def test_on_another_thread_it_leaves_signals_alone() -> None:
    seen = []

    def ask() -> None:
        with audible():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
