"""A file's bytes as JSON: whole, or a member at a time, so that a view of hundreds of machines is never held whole."""

from __future__ import annotations

import json
import re

from . import findings as f
from .typed import Any, Iterator, Json

_SPACE = re.compile(r"[ \t\n\r]*")


class NotUnderstoodError(ValueError):
    """A file's bytes or an object that holds no record. `kind` is one of wire.findings."""

    def __init__(self, kind: str, detail: str) -> None:
        self.kind = kind
        self.detail = detail
        super().__init__(f"{kind}: {detail}")


class Members:
    """A file's JSON, read from its begin to its `end`. Raises NotUnderstoodError from where it is none.

    `bom` tells whether it began with a byte-order mark.
    """

    def __init__(self, raw: bytes) -> None:
        self._text, self.bom = _text_in(raw)
        self._at = 0

    def __iter__(self) -> Iterator[str]:
        """Yield each key of the object that is next; its value is to be taken before the next one."""
        if not self.is_next("{"):
            raise NotUnderstoodError(f.NOT_AN_OBJECT, f"a JSON {type(self.value()).__name__}, not an object")
        self._at += 1
        more = not self.is_next("}")
        while more:
            key = self.value()
            if not isinstance(key, str) or not self.is_next(":"):
                raise self._broken("no name")
            self._at += 1
            yield key
            more = self.is_next(",")
            self._at += more
        if not self.is_next("}"):
            raise self._broken("no }")
        self._at += 1

    def value(self) -> Any:
        """Return the value that is next, whole."""
        self.is_next("")
        try:
            value, self._at = _DECODER.raw_decode(self._text, self._at)
        except (ValueError, RecursionError) as error:
            raise self._broken(f"{error!s:.120}") from None
        return value

    def is_next(self, sign: str) -> bool:
        """Skip what is blank; True where `sign` is what follows."""
        self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]  # nothing at all matches too
        return self._text.startswith(sign, self._at)

    def end(self) -> None:
        self.is_next("")
        if self._at < len(self._text):
            raise self._broken("more behind it")

    def _broken(self, why: str) -> NotUnderstoodError:
        return NotUnderstoodError(f.TRUNCATED, f"not JSON at {self._at} of {len(self._text)}: {why}")


def load(raw: bytes) -> tuple[Json, bool]:
    """Parse a file's bytes to a JSON object; also tell whether it began with a byte-order mark.

    Raises NotUnderstoodError (empty, UTF-16, not UTF-8, not JSON, not an object); never anything else.
    """
    members = Members(raw)
    if not members.is_next("{"):
        next(iter(members))
    value: Json = members.value()
    members.end()
    return value, members.bom


def _text_in(raw: bytes) -> tuple[str, bool]:
    if not raw.strip(b"\x00 \t\r\n"):
        raise NotUnderstoodError(f.EMPTY, f"{len(raw)} bytes, nothing in them")
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in raw[:2]:
        raise NotUnderstoodError(f.UTF16, "UTF-16 text; heartbeat files are UTF-8")
    bom = raw.startswith(b"\xef\xbb\xbf")
    try:
        return raw[3 * bom :].decode("utf-8"), bom
    except UnicodeDecodeError as error:
        raise NotUnderstoodError(f.NOT_UTF8, f"byte {error.start} is not UTF-8") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> Any:
    """1e999 is legal JSON and no number we could write again: null, as JavaScript's JSON.stringify makes of it."""
    number = float(text)
    return number if number - number == 0 else None


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
