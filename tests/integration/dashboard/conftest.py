"""Pages on disk, and one browser for all tests of a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from roosync_ops.show.page import page
from roosync_ops.show.text import Style
from tests.capabilities import need
from tests.kits.browser import browser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from roosync_ops.judge.reports import Dashboard


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "chrome" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    need("browser")
    with browser() as started:
        yield started


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., str]:
    """Write the page of a dashboard to a file, and return where a browser finds it."""

    def write(board: Dashboard, lang: str = "en") -> str:
        path = tmp_path / f"page-{lang}.html"
        path.write_text(page(board, Style(lang)), encoding="utf-8")
        return path.as_uri()

    return write
