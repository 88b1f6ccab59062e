"""What bounds a machine's answer where bytes on the way do not: what it is when unpacked, and what is made of it."""

from __future__ import annotations

import binascii
import zlib
from typing import Final

#: A pressed answer has at most so many bytes when it no longer is, and every answer so many values.
MAX_BYTES: Final = 100_663_296
MAX_VALUES: Final = 8_000_000


class TooMuchError(Exception):
    """An answer that is longer, or holds more, than any machine has to tell."""


def unpacked(text: str) -> str:
    """Return what was pressed. Raises TooMuchError where it is too long, ValueError where it is none."""
    press = zlib.decompressobj()
    try:
        raw = press.decompress(binascii.a2b_base64(text), MAX_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not press.eof:
        raise TooMuchError(f"cut short, or more than {MAX_BYTES >> 20} MiB")
    return raw.decode("ascii")


def bounded(text: str) -> str:
    """Raise TooMuchError where `text` holds more values than a machine has to tell: `[],` is 3 bytes there, 64 here."""
    if sum(map(text.count, "[{,")) > MAX_VALUES:
        raise TooMuchError(f"more than {MAX_VALUES} values")
    return text
