"""The README's pictures show what the product shows today."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from roosync_ops.lab.fleet import LabFleet
from tests.kits.browser import browser
from tests.kits.hosts import PATIENCE_S
from tests.pictures import lab as made
from tests.pictures.__main__ import FOLDER, WORDS
from tests.pictures.terminal import essence, lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def played() -> Iterator[LabFleet]:
    with LabFleet() as lab:
        made.play(lab)
        yield lab


@pytest.mark.parametrize("name", made.TERMINALS)
def test_a_picture_of_a_terminal_is_of_today(played: LabFleet, name: str) -> None:
    drawn = essence(lines_of((FOLDER / f"{name}.svg").read_text(encoding="utf-8")))
    _is_of_today(drawn, lambda: essence(lines_of(made.terminal(played, name))))


@pytest.mark.browser
def test_the_pictures_of_the_dashboard_are_of_today(played: LabFleet) -> None:
    with browser() as chrome:
        _is_of_today(
            WORDS.read_text(encoding="utf-8").splitlines(), lambda: made.words(chrome, *made.dashboard(played))
        )


def _is_of_today(drawn: list[str], look: Callable[[], list[str]]) -> None:
    end = time.monotonic() + PATIENCE_S
    while (now := look()) != drawn and time.monotonic() < end:
        time.sleep(1)
    assert drawn == now, "make them anew: python -m tests.pictures"


@pytest.mark.parametrize("picture", sorted(FOLDER.glob("*.svg")), ids=lambda path: path.name)
def test_a_picture_fetches_nothing(picture: Path) -> None:
    text = picture.read_text(encoding="utf-8")
    assert not [word for word in ("url(http", "href", "<script", "@import") if word in text]
