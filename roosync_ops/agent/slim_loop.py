"""Keeping the loop small: no site packages in it, and no trace of a compiler having run in it.

Compiling the agent's sources needs a megabyte or more that the allocator, fragmented, does not give back for as long
as the process lives. So a child compiles them and hands the bytecode over; nothing is cached on disk to go stale.
"""

from __future__ import annotations

import marshal
import os
import sys

from . import Once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType, ModuleType
    from typing import Any, NoReturn
    from zipimport import zipimporter

    Codes = dict[str, tuple[bool, CodeType]]

#: What the loop is made of: these, and of our own what they import.
_LOOP = ("roosync_ops.agent.answer", "roosync_ops.agent.flags", "roosync_ops.agent.verbs.run")
#: To glibc: one arena, so that what the reading thread had is the others' again; a view's bytes, and what lies free at
#: the heap's end, go back to the system at once. 700 kB of 200 machines.
_FRUGAL = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "16384",
    "MALLOC_TRIM_THRESHOLD_": "16384",
    "MALLOC_TOP_PAD_": "4096",
}
#: To Python: no tables of a locale, 150 kB; texts are UTF-8 in both.
_LOCALE = {"LC_ALL": "C"}
_Spec: Any = type(sys.__spec__)


def isolate(words: Sequence[str]) -> None:
    """Become the same command, the same process, without site packages and runpy. Returns where that cannot be."""
    if sys.platform == "win32" or sys.argv[0] == "-c":
        return  # Windows has no exec: it would be another process; and what bare_command starts is as bare as can be
    from .permanence.launch import bare_command  # noqa: PLC0415 - gone with this image

    command = bare_command(list(words))
    _claim_ahead(words)
    frugal = {**_FRUGAL, **(_LOCALE if sys.getfilesystemencoding() == "utf-8" else {})}
    try:  # noqa: SIM105 - contextlib is memory held for months
        os.execve(command[0], command, {**os.environ, **frugal})  # noqa: S606 - this same agent
    except OSError:
        pass  # larger, and otherwise the same


def _claim_ahead(words: Sequence[str]) -> None:
    """Take the machine's one place now: what that loads, 250 kB, is gone with this image. Errors are the next one's."""
    from .config import config_of  # noqa: PLC0415 - as above
    from .errors import AgentError, ProblemError  # noqa: PLC0415 - as above
    from .flags import parse  # noqa: PLC0415 - as above
    from .lock import hand_over  # noqa: PLC0415 - gone with this image

    try:  # noqa: SIM105 - contextlib is memory held for months, where there is no exec
        hand_over(config_of(parse(list(words))).instance)
    except (AgentError, ProblemError):
        pass


def compiled() -> bytes:
    """Have the loop's modules compiled by a child, and return them; nothing where that fails."""
    if not hasattr(os, "fork"):
        return b""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _compile(writing)
    os.close(writing)
    with open(reading, "rb") as pipe:
        codes = pipe.read()
    os.waitpid(child, 0)
    return codes


def preload(codes: list[bytes]) -> None:
    """Load the loop's modules from what `compiled` gave when they are imported; what is not there is compiled.

    It is taken out of `codes`: the loop's process is not to hold it for months.
    """
    try:  # noqa: SIM105 - contextlib is memory held for months
        sys.meta_path.insert(0, _Compiled(marshal.loads(codes.pop())))  # noqa: S302 - from our own child, by a pipe
    except (EOFError, ValueError, TypeError):
        pass  # a child that failed


class _Compiled:
    """Finds and loads modules whose bytecode is at hand; each is given away once."""

    def __init__(self, codes: Codes) -> None:
        self._codes = codes

    def find_spec(self, name: str, path: Sequence[str] | None = None, _target: object = None) -> ModuleSpec | None:
        if name not in self._codes:
            return None
        is_package = self._codes[name][0]
        spec: ModuleSpec = _Spec(name, self, is_package=is_package)
        if is_package and path:
            # What was not handed over is found where its package lies.
            spec.submodule_search_locations = [os.path.join(path[0], name.rpartition(".")[2])]
        return spec

    def create_module(self, _spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(self._codes.pop(module.__name__)[1], module.__dict__)  # noqa: S102 - our own code, compiled by our child


def _compile(writing: int) -> NoReturn:
    """In the child: import the loop, send the code of each module that this took, and end."""
    try:
        before, seen, get_code = set(sys.modules), {}, Once.get_code

        def noted(loader: zipimporter, name: str) -> CodeType:
            seen[name] = get_code(loader, name)
            return seen[name]

        Once.get_code = noted  # type: ignore[assignment]  # in this child alone
        for name in _LOOP:
            __import__(name)
        codes = {}
        for name in [name for name in sys.modules if name.startswith("roosync_ops.") and name not in before]:
            module = sys.modules[name]
            code = seen.get(name) or module.__loader__.get_code(name)  # type: ignore[union-attr]  # a zipimporter or a source loader: both have it
            codes[name] = hasattr(module, "__path__"), code
        with open(writing, "wb") as pipe:
            marshal.dump(codes, pipe)
    finally:
        os._exit(0)
