"""The page in a real browser: it works alone, everybody can read it, and it never looks current when it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from roosync_ops.show.matrix import short
from roosync_ops.show.text import Style, duration
from tests.kits import boards
from tests.kits.browser import at, opened, screenshot
from tests.kits.hostile import OBEYED, TEXTS
from tests.kits.shares import NOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from roosync_ops.judge.reports import Dashboard

    Written = Callable[..., str]

HOUR_MS = 3_600_000


def is_stale(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.classList.contains('stale')"))


def banner(page: Page) -> str:
    return str(page.evaluate("document.getElementById('banner').innerText")).replace("\n", " ")


def complaints(page: Page) -> list[str]:
    """Return the serious and critical findings of axe, each with where it is."""
    found: dict[str, Any] = Axe().run(page).response
    return [
        f"{one['id']}: {[node['target'] for node in one['nodes']][:3]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("look", ["light", "dark", "phone", "dark phone", "stale"])
def test_everybody_can_read_it(chrome: Browser, written: Written, look: str, lang: str) -> None:
    late = HOUR_MS if look == "stale" else 5_000
    url = written(boards.troubled(), lang)
    with opened(chrome, url, dark="dark" in look, phone="phone" in look, now_ms=NOW + late) as seen:
        assert complaints(seen.page) == []
        assert seen.errors == []
        assert seen.requests == [url]
        assert is_stale(seen.page) == (look == "stale")
        wide = seen.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1]


def test_ages_count_on_and_two_beats_later_it_says_that_it_is_not_current(chrome: Browser, written: Written) -> None:
    with opened(chrome, written(boards.six()), now_ms=NOW + 1_000) as seen:
        page = seen.page
        age = page.locator("#machines tbody tr:first-child .age")
        at(page, NOW + 20_500)
        assert age.inner_text() == "32 s"
        assert page.locator("#banner").is_hidden()
        assert page.title() == "4/6 machines online (66%) · roosync-ops"
        at(page, NOW + 80_500)
        assert age.inner_text() == "1 min 32 s"
        assert is_stale(page)
        assert "Not current" in banner(page)
        assert "(1 min 20 s ago)" in banner(page)
        assert page.title() == "4/6 machines online (66%) at 2026-02-12 10:15:30Z · roosync-ops"
        assert "was online" in page.locator("#machines tbody tr:first-child").inner_text()
        assert "This is the fleet as it was" in page.locator("#said").inner_text()
        at(page, NOW + 80_500 + 3 * HOUR_MS)
        assert "(3 h 01 min ago)" in banner(page)


def test_opened_hours_later_it_never_looks_current(chrome: Browser, written: Written) -> None:
    with opened(chrome, written(boards.six(), "fr"), now_ms=NOW + 30 * HOUR_MS) as seen:
        assert is_stale(seen.page)
        assert "Pas à jour" in banner(seen.page)
        assert "1 j 6 h" in banner(seen.page)
        assert "4/6 machines online (66%) à 2026-02-12 10:15:30Z" in seen.page.locator("h1").inner_text()


def test_without_its_script_it_does_not_look_current(chrome: Browser, written: Written) -> None:
    with opened(chrome, written(boards.six()), java_script_enabled=False) as seen:
        assert seen.page.locator("#banner").is_visible()
        assert "was online" in seen.page.locator("#machines tbody tr:first-child").inner_text()


def test_under_a_clock_that_is_behind_no_age_is_believed(chrome: Browser, written: Written) -> None:
    with opened(chrome, written(boards.six()), now_ms=NOW - HOUR_MS) as seen:
        assert is_stale(seen.page)
        assert "clock is behind" in banner(seen.page)


@pytest.mark.parametrize("phone", [False, True])
def test_hostile_texts_are_shown_as_text(chrome: Browser, written: Written, phone: bool) -> None:
    url = written(boards.hostile(8))
    with opened(chrome, url, phone=phone, now_ms=NOW) as seen:
        page = seen.page
        assert page.evaluate("window.owned") is None
        assert page.evaluate("document.querySelectorAll('script, img, b, iframe').length") == 1
        assert "<img src=x onerror=" in page.inner_text("main")
        assert "\u202e" not in page.inner_text("body")
        assert seen.errors == []
        assert seen.requests == [url]
        wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1]


@pytest.mark.parametrize("kind", TEXTS)
def test_no_text_of_a_machine_is_run_fetched_or_obeyed_by_a_browser(
    chrome: Browser, written: Written, kind: str
) -> None:
    url = written(boards.hostile(6, text=TEXTS[kind], found=3))
    with opened(chrome, url, now_ms=NOW) as seen:
        page = seen.page
        assert page.evaluate("window.owned") is None
        assert page.evaluate("document.querySelectorAll('script, img, b, iframe, object').length") == 1
        assert not OBEYED.search(page.inner_text("body").replace("\t", ""))  # a tab is what parts two cells
        assert seen.errors == []
        assert seen.requests == [url]


def test_five_hundred_machines_are_all_there(chrome: Browser, written: Written) -> None:
    with opened(chrome, written(boards.many(500)), now_ms=NOW) as seen:
        assert seen.page.locator("#machines tbody tr").count() == 500
        assert seen.page.locator("#week tbody tr svg").count() == 500
        assert "node-003" in seen.page.locator("#machines tbody tr:first-child").inner_text()
        assert seen.errors == []


def test_the_keyboard_reaches_what_scrolls_and_what_opens(chrome: Browser, written: Written) -> None:
    with opened(chrome, written(boards.many(30)), phone=True, now_ms=NOW) as seen:
        page = seen.page
        reached = []
        for _ in range(12):
            page.keyboard.press("Tab")
            reached.append(page.evaluate("document.activeElement.id || document.activeElement.tagName"))
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert reached[-1] == "BODY" or outline != "none"
        assert reached[0] == "A"
        assert {"machines-table", "week-table", "SUMMARY"} <= set(reached)
        page.locator("#agents summary").focus()
        page.keyboard.press("Enter")
        assert page.locator("#agents table").is_visible()


def test_the_page_counts_as_the_table_does(chrome: Browser, written: Written) -> None:
    ages = [
        0,
        999,
        59_999,
        60_000,
        119_999,
        3_599_999,
        3_600_000,
        7_199_999,
        86_399_999,
        86_400_000,
        172_800_000,
        -4_000,
    ]
    board: Dashboard = boards.six()
    for lang in ("en", "fr"):
        with opened(chrome, written(board, lang), now_ms=NOW) as seen:
            told = seen.page.evaluate(
                """async (ages) => {
                  const page = document.getElementById("page");
                  page.dataset.checked = Date.now();
                  const made = ages.flatMap((age) => [false, true].map((short) => {
                    const one = document.createElement("span");
                    one.dataset.age = age;
                    if (short) one.dataset.short = "";
                    return page.appendChild(one);
                  }));
                  document.dispatchEvent(new Event("visibilitychange"));
                  return made.map((one) => one.textContent);
                }""",
                ages,
            )
            assert told == [text for age in ages for text in (duration(age, Style(lang)), short(age, Style(lang)))]


def test_a_picture_of_it_can_be_taken(chrome: Browser, written: Written, tmp_path: Path) -> None:
    path = screenshot(chrome, written(boards.six()), tmp_path / "page.png", dark=True, now_ms=NOW)
    assert path.read_bytes().startswith(b"\x89PNG")
