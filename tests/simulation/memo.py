"""What the shipped readers make of the same bytes is worked out once: seven replicas show each beat to many eyes."""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from copy import copy
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from unittest import mock

from roosync_ops.agent import beat, publisher, share
from roosync_ops.wire import folder, merge, record, text, times, view

from . import truth

if TYPE_CHECKING:
    from collections.abc import Iterator

#: So many of the last files are remembered: all that seven replicas show at a time, many times over.
_MOST: Final = 4096
_TIMES: Final = 32_768


class Memo:
    """text.load and record.parse, which are pure functions. Nothing that reads here changes what they return."""

    def __init__(self) -> None:
        self._loaded: dict[bytes, tuple[dict[str, Any], bool]] = {}
        self._parsed: dict[tuple[int, str], tuple[dict[str, Any], record.Record, list[tuple[str, str]]]] = {}

    def load(self, raw: bytes) -> tuple[dict[str, Any], bool]:
        known = self._loaded.get(raw)
        if known is None:
            if len(self._loaded) > _MOST:
                self._loaded.clear()
            known = self._loaded[raw] = text.load(raw)
        return known

    def parse(self, data: dict[str, Any], machine_id: str) -> tuple[record.Record, list[tuple[str, str]]]:
        known = self._parsed.get((id(data), machine_id))
        if known is None or known[0] is not data:  # another object may come to have that id
            if len(self._parsed) > _MOST:
                self._parsed.clear()
            known = data, *record.parse(data, machine_id)
            self._parsed[id(data), machine_id] = known
        return copy(known[1]), known[2]  # a reader with little room keeps less of what it is given


def _plain(value: dict[str, Any], *, ensure_ascii: bool) -> bytes:
    """Write the same JSON without its indentation, which takes the interpreter five times as long."""
    return json.dumps(value, ensure_ascii=ensure_ascii, allow_nan=False).encode()


def _indented(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode()


@contextmanager
def remembered() -> Iterator[None]:
    """Let what reads the share and what writes times use a memo: a history is a week of times at each beat."""
    memo = Memo()
    from_iso, to_iso = lru_cache(_TIMES)(times.from_iso), lru_cache(_TIMES)(times.to_iso)
    with ExitStack() as stack:
        for module, name in ((folder, "load"), (share, "load"), (merge, "parse"), (share, "parse")):
            stack.enter_context(mock.patch.object(module, name, getattr(memo, name)))
        stack.enter_context(mock.patch.object(record, "_dump", _plain))
        stack.enter_context(mock.patch.object(view, "dump", _indented))  # a view is put together from its texts
        for module in (times, record, truth):
            stack.enter_context(mock.patch.object(module, "from_iso", from_iso))
        for module in (beat, publisher, view):
            stack.enter_context(mock.patch.object(module, "to_iso", to_iso))
        yield
