"""The service: the engine's decisions on real processes, schtasks' verbs on a pipe, control files (see taskd.py)."""

import os
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from .engine import Engine, Launch, Order, Registered, World
from .schtasks import Answer, answer

# mypy elsewhere reads no further
assert sys.platform == "win32"
import winreg  # noqa: E402 - only there

from .pipe import serve  # noqa: E402 - only there
from .process import Process, hresult, start  # noqa: E402 - only there
from .store import Store  # noqa: E402 - only there

_TICK_S = 0.2
_TIDY_S = 1.0
_CALLERS = 2
_CONTROLS = ("session", "battery", "speed")


class Service:
    """This machine's task service (a `schtasks.Machine`)."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.host, self.user = os.environ["COMPUTERNAME"], os.environ["USERNAME"]
        self.sid = _sid()
        self.lock = threading.RLock()
        self.called = threading.Event()
        self.processes: dict[tuple[str, int], Process] = {}
        self.detached: list[Process] = []
        self.stopped: set[tuple[str, int]] = set()
        self._controls: tuple[list[tuple[str, int, int]], World] = ([], World())
        self.store = Store(Path(os.environ["SYSTEMROOT"], "System32", "Tasks"), state / "memory.json")
        self.engine = Engine(self.now())
        for record in self.store.load(self.engine.booted):
            self.engine.restore(record)

    def now(self) -> float:
        return time.time()

    def option(self, name: str) -> str | None:
        try:
            return (self.state / name).read_text(encoding="utf-8-sig").strip()
        except OSError:
            return None

    def read(self, cwd: str, path: str) -> bytes:
        return Path(cwd, path).read_bytes()

    def save(self, record: Registered) -> None:
        self.store.save(record)

    def erase(self, path: str) -> None:
        self.store.erase(path)

    def has_folder(self, path: str) -> bool:
        return self.store.has_folder(path)

    def world(self) -> World:
        """What the control files say; read again when one came, went, or was written."""
        found = [(file.name, file.stat()) for file in os.scandir(self.state) if file.name in _CONTROLS]
        there = [(name, status.st_size, status.st_mtime_ns) for name, status in found]
        if there != self._controls[0]:
            self._controls = there, self._read_world()
        return self._controls[1]

    def _read_world(self) -> World:
        session = self.option("session")
        return World(
            session=None if session is None else session or self.user,
            battery=self.option("battery") is not None,
            scale=_scale(self.option("speed")),
        )

    def obey(self, orders: Sequence[Order]) -> None:
        queue = list(orders)
        while queue:
            order = queue.pop(0)
            if isinstance(order, Launch):
                queue += self._launch(order)
            elif process := self.processes.get((order.path, order.instance)):
                self.stopped.add((order.path, order.instance))
                process.terminate()

    def _launch(self, order: Launch) -> list[Order]:
        record = self.engine.tasks[order.path.lower()]
        action = record.task.actions[order.action]
        elevated = record.task.run_level == "HighestAvailable"
        try:
            process = start(action.command, action.arguments, action.directory, elevated=elevated)
            self.processes[order.path, order.instance] = process
        except OSError as error:
            return self.engine.failed(order.path, order.instance, hresult(error.winerror or 1), self.now())
        self.note(f"started {order.path} #{order.instance} as {process.pid}")
        return []

    def reap(self) -> None:
        """Tell the engine what ended."""
        for (path, number), process in list(self.processes.items()):
            code = process.code()
            if code is None and (path, number) in self.stopped:  # Wine's jobs now and then miss what is just starting
                process.terminate()
            if code is not None:
                self.stopped.discard((path, number))
                del self.processes[path, number]
                process.close()
                self.note(f"ended {path} #{number}: {code}")
                self.obey(self.engine.ended(path, number, code, self.now()))

    def command(self, cwd: str, argv: list[str], elevated: bool) -> Answer:
        """One call of schtasks.exe."""
        with self.lock:
            if not self.engine.tasks:  # nobody looked for a while
                self.step()
            try:
                given = answer(self, cwd, argv, elevated=elevated)
            except Exception:  # noqa: BLE001 - told to whoever called, with an exit code that is not schtasks'
                given = Answer(255, err=f"the stand-in broke:\n{traceback.format_exc()}")
            self.store.remember(self.engine.tasks)
        self.called.set()
        self.note(f"schtasks {argv} {'elevated ' if elevated else ''}-> {given.code}")
        return given

    def note(self, text: str) -> None:
        """Write a line for whoever asks later what happened."""
        with (self.state / "log.txt").open("a", encoding="utf-8") as log:
            log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {text}\n")

    def step(self) -> None:
        """One look at everything."""
        with self.lock:
            self.reap()
            self.obey(self.engine.tick(self.now(), self.world()))
            for path in self.engine.expired(self.now()):
                self.engine.forget(path)
                self.store.erase(path)
            self.store.remember(self.engine.tasks)


def _scale(speed: str | None) -> float:
    """How much faster than life durations pass; a file caught half-written counts as none."""
    try:
        faster = 60.0 * float(speed or 0)
    except ValueError:
        faster = 0.0
    return faster if faster > 0 else 1.0


def _sid() -> str:
    with winreg.OpenKey(winreg.HKEY_USERS, "") as users:
        names = [winreg.EnumKey(users, i) for i in range(winreg.QueryInfoKey(users)[0])]
    return next(n for n in names if n.startswith("S-1-5-21-") and not n.endswith("_Classes"))


def main(state: Path) -> None:
    """Serve until the machine is switched off."""
    state.mkdir(parents=True, exist_ok=True)
    service = Service(state)
    for _ in range(_CALLERS):
        threading.Thread(target=serve, args=(service.command,), daemon=True).start()
    tidied = 0.0
    while True:
        service.step()
        if time.monotonic() - tidied > _TIDY_S:
            service.store.tidy()
            tidied = time.monotonic()
        # Each look is 6 ms of a processor that other hosts wait for: who has no task can wait.
        service.called.wait(_TICK_S if service.engine.tasks else _TIDY_S)
        service.called.clear()
