"""The page, as text: it needs nothing else, and nothing a machine says becomes markup."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.judge import history as h
from roosync_ops.show.page import page
from roosync_ops.show.page.html import MOST, el, text
from roosync_ops.show.page.parts import strip_said
from roosync_ops.show.text import PLAIN, Style
from tests.kits import boards

if TYPE_CHECKING:
    from roosync_ops.judge.reports import Dashboard

LANGS = ("en", "fr")


class Reader(HTMLParser):
    """Collects the elements and what would leave the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    handle_startendtag = handle_starttag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("board", [boards.six(), boards.troubled(), boards.hostile(3), boards.many(30)])
def test_a_page_asks_nobody_for_anything(board: Dashboard, lang: str) -> None:
    seen = Reader(page(board, Style(lang)))
    links = [value for _, name, value in seen.attributes if name in ("src", "href", "action", "style", "srcset")]
    assert set(links) == {"data:,", "#machines"}
    assert not [name for _, name, _ in seen.attributes if name.startswith("on")]
    assert not {"img", "iframe", "object", "embed", "form", "base"} & set(seen.tags)
    assert seen.tags.count("script") == seen.tags.count("style") == 1


def test_the_policy_allows_this_very_script_and_style_and_nothing_else() -> None:
    text = page(boards.six())
    for tag, word in (("script", "script-src"), ("style", "style-src")):
        found = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert found is not None
        digest = base64.b64encode(hashlib.sha256(found.group(1).encode()).digest()).decode()
        assert f"{word} &#x27;sha256-{digest}&#x27;;" in text
    assert "default-src &#x27;none&#x27;" in text
    assert "connect-src &#x27;none&#x27;" in text
    assert "unsafe" not in text


@given(st.text())
def test_any_text_is_shown_as_itself_or_as_escapes(value: str) -> None:
    seen = Reader(f"<p>{text(value)}</p>")
    assert seen.tags == ["p"]
    shown = "".join(seen.words)
    assert shown.isprintable()
    if value.isprintable():
        assert shown == (value if len(value) <= MOST else value[:MOST] + "…")


@given(st.text())
def test_an_attribute_holds_whatever_it_is_given(value: str) -> None:
    seen = Reader(el("p", title=value))
    assert [name for _, name, _ in seen.attributes] == ["title"]
    assert seen.tags == ["p"]


def test_a_page_says_that_it_is_not_current_until_its_script_knows_better() -> None:
    text = page(boards.six())
    assert '<html lang="en" class="stale">' in text
    seen = Reader(text)
    assert "was " in seen.words
    assert any(word.startswith("This is the fleet as it was at 2026-02-12 10:15:30Z") for word in seen.words)


@pytest.mark.parametrize("lang", LANGS)
def test_every_table_is_named_and_every_row_has_a_header(lang: str) -> None:
    seen = Reader(page(boards.troubled(), Style(lang)))
    assert ("html", "lang", lang) in seen.attributes
    tables = seen.tags.count("table")
    assert tables == seen.tags.count("caption") == sum(name == "tabindex" for _, name, _ in seen.attributes)
    rows = seen.tags.count("tr")
    headers = [value for tag, name, value in seen.attributes if tag == "th" and name == "scope"]
    assert headers.count("row") == rows - tables
    assert not [
        tag for tag, name, value in seen.attributes if tag == "th" and name == "scope" and value not in ("row", "col")
    ]


def test_a_strip_says_in_words_what_it_shows() -> None:
    past = next(one for one in boards.six().pasts if one.machine_id == "myia-po-2023")
    text = strip_said(past, PLAIN)
    assert text == "myia-po-2023, last seven days: up 6 d 19 h, off 4 h 30 min, outages: 2."
    kinds = {span.kind for one in boards.six().pasts for span in one.spans}
    assert kinds == set(h.KINDS)


def test_what_is_not_as_expected_comes_first_in_a_large_fleet() -> None:
    text = page(boards.many(60))
    first = text.index("node-003")
    assert first < text.index("node-000")


def test_the_script_and_the_style_are_part_of_the_package() -> None:
    folder = files("roosync_ops.show.page")
    assert folder.joinpath("page.js").is_file()
    assert folder.joinpath("page.css").is_file()
