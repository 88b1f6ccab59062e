"""Texts made harmless, and measured as they will be drawn."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.show.columns import Column, lay_out
from roosync_ops.show.text import Style, cells, cut, duration, markdown_code, markdown_safe, pad, safe, whole, wrapped

texts = st.text(max_size=40)


@given(texts)
def test_whatever_the_text_it_becomes_printable(text: str) -> None:
    assert safe(text).isprintable()


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=40))
def test_what_is_harmless_stays_as_it_is(text: str) -> None:
    assert safe(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\x9b31m", r"\x9b31m"),
        ("a\u202eb", r"a\u202eb"),
        ("\ud800", r"\ud800"),
        ("a\nb\tc\0", r"a\x0ab\x09c\x00"),
        ("\U000e0041", r"\U000e0041"),
        ("a\u00a0b", "a b"),
        ("é漢✅", "é漢✅"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_as_its_escape(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(texts.map(safe), st.integers(1, 30))
def test_a_cut_text_fits_and_an_uncut_one_is_whole(text: str, width: int) -> None:
    short = cut(text, width)
    assert cells(short) <= width
    assert short == text or short.endswith("…")


@given(texts.map(safe))
def test_padding_fills_to_the_cell(text: str) -> None:
    assert cells(pad(text, 500)) == cells(pad(text, 500, right=True)) == 500


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("漢字", 4), ("é", 1), ("e\u0301", 1), ("✅", 2), ("", 0)])
def test_a_text_is_as_wide_as_a_terminal_draws_it(text: str, width: int) -> None:
    assert cells(text) == width


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0 s"),
        (-30, "0 s"),
        (999, "0 s"),
        (89_999, "1 min 29 s"),
        (-7_000, "-7 s"),
        (3_600_000, "1 h 00 min"),
        (90_000_000, "1 d 1 h"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units(ms: int, text: str) -> None:
    assert duration(ms) == text


def test_a_day_is_a_jour_in_french() -> None:
    assert duration(90_000_000, Style("fr")) == "1 j 1 h"


@pytest.mark.parametrize("text", ["| a |", "<script>", "`x`", "[a](b)", "# h", "@me", "![i](u)"])
def test_markdown_stays_text(text: str) -> None:
    shown = markdown_safe(text)
    assert "<" not in shown
    assert "|" not in shown.replace(r"\|", "")
    assert "`" not in shown.replace(r"\`", "")
    assert "[" not in shown.replace(r"\[", "")


@pytest.mark.parametrize("text", ["@me", "a@b.example", "#460", "o/r#460", "GH-460", "http://x", "www.x.example"])
def test_nothing_that_github_links_is_left_whole(text: str) -> None:
    """It looks at what is rendered: a backslash is gone by then."""
    rendered = html.unescape(markdown_safe(text).replace("\\", ""))
    assert rendered.replace("\u200b", "") == text
    assert not re.search(r"@\w|#\d|GH-\d|://|www\.", rendered)


@given(texts)
def test_a_code_span_holds_whatever_backticks_there_are(text: str) -> None:
    span = markdown_code(text)
    fence = len(span) - len(span.lstrip("`"))
    inner = span[fence:-fence]
    assert "`" * fence not in inner


@given(
    st.lists(st.tuples(texts.map(safe), texts.map(safe), texts.map(safe)), min_size=1, max_size=5), st.integers(4, 90)
)
def test_no_row_is_wider_than_the_terminal(rows: list[tuple[str, str, str]], width: int) -> None:
    columns = [
        Column(name, [row[number] for row in rows], number, elastic=name == "c") for number, name in enumerate("abc")
    ]
    assert all(cells(line) <= width for line in lay_out(columns, Style(width=width)))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_broken_in_a_command_or_in_a_path(width: int) -> None:
    path, command = "/home/lab/Mon Drive/Synchronisation/RooSync/.shared-state", "roosync-ops restart --limit web1"
    lines = wrapped(f"the share {path} cannot be written to by the agent; start it again: {whole(command)}", width, 2)
    assert any(path in line for line in lines)
    assert any(command in line for line in lines)
    assert all(cells(line) <= max(width, cells(path) + 2) for line in lines)
    assert len(lines) > 1
