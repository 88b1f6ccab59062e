"""What annotations are made of, without `typing`: nothing evaluates them, and a loop would hold it for months."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO, Any, NoReturn, TypeVar

    T = TypeVar("T")
    #: A JSON object.
    Json = dict[str, Any]
    #: What a verb answers, and the lines a person reads of it.
    Answer = tuple[Json, list[str]]
else:
    IO = Any = NoReturn = T = Json = Answer = object

__all__ = ["IO", "Answer", "Any", "Callable", "Generator", "Iterable", "Iterator", "Json", "Mapping", "NoReturn"]
__all__ += ["Sequence", "T"]
