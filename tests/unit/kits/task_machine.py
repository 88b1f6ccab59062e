"""A machine whose task service is the engine alone: time is passed in."""

from dataclasses import dataclass, field

from tests.kits.winlab.tasks.engine import (
    Engine,
    Launch,
    Order,
    Registered,
    Stop,
    World,
)

from .task_documents import NO_LIMIT, POWERED, task

START = 1_800_000_000.0


ME = World(session="me")


PATH = "\\ours\\beat"


@dataclass
class Machine:
    """An engine, a clock that goes when told, and processes that end when told."""

    now: float = START
    world: World = ME
    running: list[int] = field(default_factory=list)
    started: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.engine = Engine(self.now)
        self.engine.tick(self.now, self.world)

    def register(self, triggers: str = "", settings: str = POWERED + NO_LIMIT, **more: str) -> Registered:
        return self.engine.register(PATH, task(triggers, settings, **more), self.now)

    def pass_time(self, seconds: float, step: float = 1.0) -> None:
        for _ in range(round(seconds / step)):
            self.now += step
            self.obey(self.engine.tick(self.now, self.world))

    def obey(self, orders: list[Order]) -> None:
        for order in orders:
            if isinstance(order, Launch):
                self.running.append(order.instance)
                self.started.append(self.now - START)
            elif isinstance(order, Stop):
                self.ends(order.instance, 1)

    def ends(self, instance: int, code: int) -> None:
        self.running.remove(instance)
        self.obey(self.engine.ended(PATH, instance, code, self.now))
