"""A real browser: Debian's Chromium, driven by Playwright, with a user-data folder of its own and no way out."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page

CHROMIUM: Final = "/usr/bin/chromium"
_ARGUMENTS: Final = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run", "--disable-sync",
    "--disable-component-update", "--disable-dev-shm-usage",
]  # fmt: skip
DESK: Final = {"width": 1280, "height": 900}
PHONE: Final = {"width": 390, "height": 844}
#: A loaded machine takes its time over 500 machines.
PATIENCE_MS: Final = 60_000


def chromium() -> str | None:
    """Return the path of Chromium, or None."""
    return CHROMIUM if Path(CHROMIUM).exists() else shutil.which("chromium")


def why_not() -> str | None:
    """Return why there is no browser here, or None."""
    return None if chromium() else "no Chromium (Debian: chromium)"


@contextmanager
def browser() -> Iterator[Browser]:
    """One browser; each page of it has cookies and a cache of its own."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - where a browser is asked for

    path = chromium()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS, env=_environment())
        try:
            yield started
        finally:
            started.close()


def _environment() -> dict[str, str | float | bool]:
    return {name: value for name, value in os.environ.items() if name != "DBUS_SESSION_BUS_ADDRESS"}


@dataclass
class Watched:
    """A page, and what went wrong in it: script errors and console errors, and every request that was made."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def hear(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.errors.append(said.text)

    def dismiss(self, dialog: Dialog) -> None:
        self.errors.append(f"dialog: {dialog.message}")
        dialog.dismiss()


@contextmanager
def opened(
    browser: Browser, url: str, *, dark: bool = False, phone: bool = False, now_ms: int | None = None, **context: Any
) -> Iterator[Watched]:
    """Open one page; its clock stands at `now_ms` where that is given; `at` sets it on."""
    view = PHONE if phone else DESK
    scheme = "dark" if dark else "light"
    session = browser.new_context(viewport=view, color_scheme=scheme, **context)  # type: ignore[arg-type]  # a plain dict
    try:
        page = session.new_page()
        page.set_default_timeout(PATIENCE_MS)
        watched = Watched(page)
        page.on("pageerror", lambda error: watched.errors.append(str(error)))
        page.on("console", watched.hear)
        page.on("dialog", watched.dismiss)
        page.on("request", lambda request: watched.requests.append(request.url))
        if now_ms is not None:
            page.clock.set_fixed_time(now_ms / 1000)
        page.goto(url)
        yield watched
    finally:
        session.close()


def at(page: Page, now_ms: int) -> None:
    """Set the page's clock, and have the page look at it."""
    page.clock.set_fixed_time(now_ms / 1000)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def screenshot(  # noqa: PLR0913 - what is shown, and how
    browser: Browser,
    url: str,
    path: Path,
    *,
    dark: bool = False,
    phone: bool = False,
    now_ms: int | None = None,
    whole: bool = True,
) -> Path:
    """Take a picture of a page (the `whole` of it, else a screen) as PNG, at `now_ms` by its clock, at twice the size.

    The page is what `roosync-ops dashboard` wrote or what --serve shows; `url` is http: or file:.
    """
    with opened(browser, url, dark=dark, phone=phone, now_ms=now_ms, device_scale_factor=2) as watched:
        watched.page.screenshot(path=path, full_page=whole)
    return path
