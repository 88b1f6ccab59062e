"""What holds for every test: no setting of the person who runs them reaches it."""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from roosync_ops import process
from tests.capabilities import markers, need

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

#: Each of the thousands of programs that tests start would compile all it imports anew: twice the work of a command.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
#: What is collected stays to the end: to search it for garbage again and again is a tenth of the work.
gc.set_threshold(100_000, 50, 1_000)
#: To build the agent is a second of processor: it is kept for every command of a test's own home.
os.environ.setdefault("XDG_CACHE_HOME", str(Path.home() / ".cache"))

#: The kind of file that is through in seconds.
_QUICK = "quick"
#: Only the main thread of a program sets what these do.
_ENDINGS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
#: How many files of Wine's hosts run at once, however many workers there are: more make each other late.
_WINE_AT_ONCE = 2
_LOOKS = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")


@pytest.fixture(autouse=True)
def _no_setting_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Field note 10: tests once wrote to the production folder because the environment variable won."""
    for name in [*_LOOKS, *(name for name in os.environ if name.startswith("ROOSYNC_"))]:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _leaves_its_process_as_it_found_it() -> Iterator[None]:
    """What a test leaves in its process fails another one, an hour later and elsewhere.

    A loop that runs in here ignores SIGHUP, and so would every child of every later test.
    """
    before = [(number, signal.getsignal(number)) for number in _ENDINGS]
    yield
    for number, handler in before:
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)
    assert not process._running, "a child was left, or something that is none"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Machines that boot, and packages that are fetched, take their time.

    In CI what starts real hosts is run once more when it failed, and told as RERUN: there the kernel, systemd and
    Wine fail too, about once in 5,000 tests (a mount that is busy, an error 1359 of Wine's own). A unit test has no
    such excuse.
    """
    for item in items:
        if {"systemd", "wine", "npm"} & {mark.name for mark in item.iter_markers()}:
            item.add_marker("slow")
        if os.environ.get("CI") and not item.nodeid.startswith(("tests/unit/", "tests/component/")):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """A worker tells what it collected in the order in which it is to be run."""
    if hasattr(session.config, "workerinput"):
        spread(session.items)


def spread(items: list[pytest.Item]) -> None:
    """Order files so that workers meet each kind of host all the time, and no long file last.

    Side by side, Wine's hosts make each other late; beside unit tests, they use the time for which others wait.
    """
    files: dict[str, list[pytest.Item]] = {}
    kinds: dict[str, list[str]] = {}
    for item in items:
        files.setdefault(item.nodeid.partition("::")[0], []).append(item)
    for name, tests in files.items():
        kinds.setdefault(_kind_of(name, tests), []).append(name)
    place = {
        name: (at + 0.5) / len(names) * (1.0 if kind == _QUICK else 0.85)
        for kind, names in kinds.items()
        for at, name in enumerate(names)
    }
    items[:] = [item for name in sorted(files, key=place.__getitem__) for item in files[name]]


def _kind_of(name: str, tests: list[pytest.Item]) -> str:
    marks = {mark.name for item in tests for mark in item.iter_markers()}
    hosts = next((kind for kind in ("wine", "systemd", "browser") if kind in marks), "processes")
    return hosts if name.startswith("tests/integration/") else _QUICK


class _Turn:
    """A file's turn among the workers of one run: a name that the kernel takes back, however the worker ends."""

    taken: socket.socket | None = None

    def wait_for(self, run: str) -> None:
        while self.taken is None:
            for number in range(_WINE_AT_ONCE):
                taken = socket.socket(socket.AF_UNIX)
                try:
                    taken.bind(f"\0roosync-ops-wine-{run}-{number}")
                except OSError:
                    taken.close()
                else:
                    self.taken = taken
                    return
            time.sleep(0.2)

    def end(self) -> None:
        if self.taken is not None:
            self.taken.close()
            self.taken = None


_turn = _Turn()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """A file of Wine's hosts waits for its turn before the time of its first test begins to run."""
    run = getattr(item.config, "workerinput", {}).get("testrunuid")
    if run and item.get_closest_marker("wine"):
        _turn.wait_for(run)
    try:
        return (yield)
    finally:
        if nextitem is None or nextitem.path != item.path:
            _turn.end()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test whose part is not on this computer is skipped before any fixture is set up."""
    for mark in item.iter_markers():
        need(mark.name)


def pytest_configure(config: pytest.Config) -> None:
    """What is ignored here is ignored in every child: in the background, or by nohup, no test would hear of Ctrl-C."""
    for line in markers():
        config.addinivalue_line("markers", line)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI nothing is skipped for want of a part: .ci/run installs them, so such a skip is a failure.

    A test whose time ends while its failure is written down would take the whole run with it: the time waits.
    """
    left, _ = signal.setitimer(signal.ITIMER_REAL, 0) if hasattr(signal, "setitimer") else (0.0, 0.0)
    try:
        report = yield
    finally:
        if left:
            signal.setitimer(signal.ITIMER_REAL, left)
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if "does not apply" not in reason:
            report.outcome = "failed"
            report.longrepr = f"skipped in CI, where every part is to be there: {reason}"
    return report
