"""One round of watching: read, judge, remember, tell. Whatever fails is said, and the next round comes all the same."""

from collections.abc import Callable, Container, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import Any

from roosync_ops.fleet import Fleet
from roosync_ops.judge import Validation
from roosync_ops.judge.flip import Flip, rows_of
from roosync_ops.judge.flips import Flips
from roosync_ops.show.reasons import flip_said
from roosync_ops.show.text import Style
from roosync_ops.state import SharedState, StateUnavailableError

from .delivery import Delivery
from .memory import MemoryUnusableError, WatchMemory
from .terminal import Endings


@dataclass
class Watcher:
    """Watches one shared state for one fleet.

    `read` raises StateUnavailableError where there is nothing to read; `check` judges what was read; `tell` gets each
    flip in its JSON form with its `text`. `validation` is what was last seen, `troubles` what is wrong now. All of the
    fleet is evidence, and of the `chosen` machines alone is told.
    """

    fleet: Fleet
    read: Callable[[], SharedState]
    check: Callable[[SharedState], Validation]
    memory: WatchMemory
    _: KW_ONLY
    deliveries: Sequence[Delivery]
    tell: Callable[[dict[str, Any]], None]
    clock: Callable[[], int]
    lang: str = "en"
    chosen: Container[str] | None = None
    validation: Validation | None = field(default=None, init=False)
    troubles: list[str] = field(default_factory=list, init=False)
    #: So many rounds on end nothing could be remembered, and so nothing was told.
    forgot: int = field(default=0, init=False)

    def round(self, endings: Endings) -> None:
        """Look once, and tell what is to be told."""
        look, trouble = self._look()
        try:
            with endings.whole():
                for flip in self.memory.step(look):
                    self._hand_over(flip.as_dict())
        except MemoryUnusableError as error:
            self.forgot += 1
            self.troubles = [f"cannot remember what was told, so nothing is told: {error}"]
            return
        self.forgot = 0
        self.troubles = [text for text in (trouble, self.memory.trouble) if text]

    def _look(self) -> tuple[Callable[[Flips], list[Flip]], str | None]:
        """Return what the reading means for the flips, and why there was none."""
        try:
            state = self.read()
        except StateUnavailableError as error:
            trouble = error.reason
            return lambda flips: flips.step(None, self.clock(), trouble), trouble
        seen = self.check(state)
        rows = tuple(rows_of(seen, state, self.fleet))
        shown = tuple(row for row in seen.verdicts if self._concerns(row.machine_id))
        self.validation = replace(seen, verdicts=shown)
        return lambda flips: flips.step(rows, self.clock()), None

    def _concerns(self, machine_id: str | None) -> bool:
        """Return True if it is to be told: the share, None, always is."""
        return self.chosen is None or machine_id is None or machine_id in self.chosen

    def _hand_over(self, flip: dict[str, Any]) -> None:
        if not self._concerns(flip["machineId"]):
            return
        said = flip_said(flip, Style(self.lang))
        told = {**flip, "text": f"{said.change}: {said.why}"}
        for delivery in self.deliveries:
            delivery.put(told)
        self.tell(told)
