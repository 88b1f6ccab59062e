"""The document in what a machine printed: unpacked, and bounded where bytes on the way bound nothing."""

import binascii
import json
import zlib
from typing import Any, Final

from .on_common import MARKER, PRESSED

#: A pressed answer has at most so many bytes when it no longer is, and every answer so many values.
MAX_BYTES: Final = 100_663_296
MAX_VALUES: Final = 8_000_000
#: What stands in the place of an answer where there is nobody to give one, to its code.
_SILENCES = {"no-python": "NO_PYTHON", "not-windows": "WRONG_SYSTEM", "too-much": "TOO_MUCH"}
_MAX_SAID = 600


class SilenceError(Exception):
    """A machine that gave no answer we can use. `code` is for programs."""

    def __init__(self, code: str, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(reason)

    def to_json(self) -> Any:
        """As an answer's."""
        return {"code": self.code, "reason": self.reason}


def document_in(lines: list[str]) -> str:
    """Return the JSON behind the marker; whatever else a login shell prints is no answer. Raises SilenceError."""
    marked = [line.partition(MARKER)[2] for line in lines if MARKER in line]
    if not marked:
        said = " ".join(" ".join(lines).split())[-200:]
        raise SilenceError("NO_ANSWER", f"it said {said!r}" if said else "it said nothing")
    said = marked[-1]
    try:
        value = json.loads(_bounded(said))
        if isinstance(value, dict) and isinstance(value.get(PRESSED), str):
            said = _unpacked(value[PRESSED])
            value = json.loads(_bounded(said))
    except (ValueError, RecursionError) as error:
        raise SilenceError("NOT_UNDERSTOOD", f"its answer is not JSON: {error!s:.120}") from None
    if isinstance(value, dict) and value.get("error") is not None:
        error_text = str(value["error"])
        code = _SILENCES.get(error_text, "PROBE_FAILED")
        raise SilenceError(code, str(value.get("said") or error_text)[:_MAX_SAID])
    return said


def _unpacked(text: str) -> str:
    """Return what was pressed. Raises SilenceError where it is too long, ValueError where it is none."""
    press = zlib.decompressobj()
    try:
        raw = press.decompress(binascii.a2b_base64(text), MAX_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not press.eof:
        raise SilenceError("TOO_MUCH", f"cut short, or more than {MAX_BYTES >> 20} MiB")
    return raw.decode("ascii")


def _bounded(text: str) -> str:
    """Raise SilenceError where `text` holds more values than a machine has to tell: `[],` is 3 bytes there, 64 here."""
    if sum(map(text.count, "[{,")) > MAX_VALUES:
        raise SilenceError("TOO_MUCH", f"more than {MAX_VALUES} values")
    return text
