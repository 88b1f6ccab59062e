"""The agent speaks French to whoever reads its messages; what programs read of them is in words of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from roosync_ops.agent import share
from roosync_ops.agent.errors import ShareTroubleError, answer_to
from roosync_ops.agent.share import FolderShare
from roosync_ops.agent.verbs import guard
from roosync_ops.wire.deadline import BoundedShare, ShareHungError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any


class _Hangs(BoundedShare):
    """A share in which every touch is too late."""

    def call(self, _: Callable[[], Any], doing: str, *__: Any) -> Any:
        raise ShareHungError(doing, 5, 0)


TOUCHES: dict[str, Callable[[FolderShare], Any]] = {
    "probe": FolderShare.probe,
    "own": FolderShare.read_own,
    "publish": lambda one: one.publish(b"{}"),
    "all": lambda one: one.read_all(0),
    "find": lambda one: one.find_record(lambda _: False, share.bounds_from("")),
    "view": lambda one: one.write_view(b"{}"),
    "copy": lambda one: one.copy("m.json", 0),
}


@pytest.mark.parametrize("touch", TOUCHES.values(), ids=TOUCHES)
def test_what_a_share_that_hangs_was_asked_is_said_in_french(
    tmp_path: Path, touch: Callable[[FolderShare], Any]
) -> None:
    with pytest.raises(ShareTroubleError) as caught:
        touch(FolderShare(str(tmp_path), "m", _Hangs()))
    what = caught.value.reason.rpartition("(")[2].partition(")")[0]
    assert what.split()[0] in ("écriture", "lecture", "copie"), caught.value.reason


def test_a_build_that_was_left_again_is_told_in_french_with_the_operators_words_beside_it() -> None:
    told = answer_to("restart", guard._told("ne démarre pas", "does not come up", "x"))
    assert told.message == "Erreur lors de l'action restart: le nouvel agent ne démarre pas: x"
    assert (told.extra["cause"], told.extra["detail"]) == ("ROLLED_BACK", "the new build does not come up: x")
