"""What a Windows program printed, as text: UTF-8 where it is that, else the code page it is most likely in."""

import codecs
from collections.abc import Sequence
from typing import Final

#: Western Europe's OEM (cmd.exe and its tools) and ANSI (all other programs) code pages, where a machine does not say.
DEFAULT_PAGES: Final = ("cp850", "cp1252")


def text(data: bytes, pages: Sequence[str] = DEFAULT_PAGES) -> str:
    """Return `data` as text. Never fails: what no code page can read becomes U+FFFD."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return max((data.decode(page, "replace") for page in pages), key=_likelihood)


def lines(data: bytes, pages: Sequence[str] = DEFAULT_PAGES) -> list[str]:
    """Return the lines of `data`, without CRLF or LF; the last need not end."""
    found = text(data, pages).replace("\r\n", "\n").split("\n")
    return found[:-1] if found[-1] == "" else found


def page(number: str) -> str | None:
    """Return Python's name of a Windows code page by its number, as the registry has it; None where it has none."""
    name = "utf-8" if number == "65001" else f"cp{number}"
    try:
        return codecs.lookup(name).name
    except LookupError:
        return None


def _likelihood(reading: str) -> int:
    """Words are made of letters, most of them small: box drawings and signs are another code page's letters."""
    odd = [char for char in reading if not char.isascii()]
    return sum(char.isalpha() + 2 * char.islower() - 4 * (char == "\ufffd") for char in odd)
