"""What a Windows program prints becomes text, whatever code page it was in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.transport import output


@pytest.mark.parametrize("page", ["utf-8", "utf-8-sig", "cp850", "cp1252"])
@pytest.mark.parametrize("text", ["déjà démarré", "Élodie Dupont", "Le fichier spécifié est introuvable.", "plain"])
def test_french_is_read_in_whichever_code_page_it_came(page: str, text: str) -> None:
    assert output.text(text.encode(page)) == text


@given(st.binary())
def test_nothing_is_ever_too_strange_to_read(data: bytes) -> None:
    assert "\r\n" not in output.text(data) or b"\r\n" in data
    assert all("\n" not in line for line in output.lines(data))


@pytest.mark.parametrize(
    ("data", "lines"), [(b"", []), (b"\r\n", [""]), (b"a\r\nb", ["a", "b"]), (b"a\nb\r\n", ["a", "b"])]
)
def test_lines_end_in_either_way(data: bytes, lines: list[str]) -> None:
    assert output.lines(data) == lines


@pytest.mark.parametrize(("number", "name"), [("850", "cp850"), ("65001", "utf-8"), ("99999", None)])
def test_a_code_page_is_known_by_its_number_or_not_at_all(number: str, name: str | None) -> None:
    assert output.page(number) == name
