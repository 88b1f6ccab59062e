"""Reading an inventory file: once, by one set of rules, for every command; and adding a line to one.

The rules are pyinfra's own (pyinfra_cli.inventory), so that `pyinfra inventory.py deploys/rollout.py` acts on the same
machines: the file is UTF-8; a public name that holds a list of names and (name, data) pairs is a group, and so is a
pair of such a list and data for all of it; group_data/GROUP.py, in the current folder or beside the file, holds more
data. Where pyinfra would guess or warn, the inventory is refused. Two slips that it stumbles over have one meaning, and
are taken for that: the byte-order mark that Windows' editors write, and a comma after a group's list.
"""

import ast
import codecs
import contextlib
import difflib
import io
import itertools
import json
import os
import re
import sys
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType
from typing import Any, Final

from roosync_ops.wire.deadline import BoundedShare, ShareHungError

from .fleet import Fleet, fleet_of, group_of
from .machine import FleetError

#: A line is some 100 bytes, and 10,000 machines are a large fleet.
MAX_BYTES: Final = 16 * 1024 * 1024
#: How long a file may run, in s: one that waits for ever would have every command do so.
LIMIT_S: Final = 60
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_SAVE: Final = "an inventory is UTF-8: save it so"
_COMMENT: Final = re.compile(rb"#[^\n]*")
#: Where a machine goes that is expected online, or off, where no group is named.
USUAL: Final = {"online": "enroll", "offline": "off"}


def load_inventory(path: Path) -> Fleet:
    """Run an inventory file and return its fleet, of one machine at least.

    Raises FleetError for whatever is wrong: one sentence with the file and the line. The file is Python and is trusted
    like any deploy; what it prints is dropped, since stdout is for data.
    """
    with _as_pyinfra_runs_it():
        source = _source(path)
        names = _run(path, source)
        data = _group_data(path)
    # The line where each name of the file gets its last value.
    stored = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name))
    lines = {node.id: node.lineno for node in stored if isinstance(node.ctx, ast.Store)}
    groups = {}
    for name, value in names.items():
        with _told(path, lines.get(name)):
            if not name.startswith("_") and (group := group_of(name, value)) is not None:
                groups[name] = group
    line = min((lines[name] for name in groups if name in lines), default=1)
    with _told(path, line if len(groups) == 1 else None):
        fleet = fleet_of(groups, data)
    if not fleet:
        raise _wrong(path, line, "no machine is listed", "roosync-ops machines add --help")
    return fleet


def _wrong(path: Path, line: int | None, said: str, hint: str = "roosync-ops machines check") -> FleetError:
    return FleetError(f"{path}: {said}" if line is None else f"{path}: line {line}: {said}", hint)


@contextlib.contextmanager
def _told(path: Path, line: int | None) -> Iterator[None]:
    try:
        yield
    except FleetError as error:
        raise _wrong(path, line, str(error), error.hint) from None


@contextlib.contextmanager
def _as_pyinfra_runs_it() -> Iterator[None]:
    """Have modules of the current folder importable, as `pyinfra` has, what is printed dropped, and nothing to read.

    Programs that the file runs print, too; what it does to this process's standard output or folder is undone; and
    standard input, which site's exit() closes, may be an assistant's protocol.
    """
    here, kept, given = str(Path.cwd()), os.dup(1), sys.stdin
    sys.path.append(here)
    sys.stdin = io.StringIO()
    try:
        with Path(os.devnull).open("w") as nothing, contextlib.redirect_stdout(nothing), contextlib.chdir(here):
            os.dup2(nothing.fileno(), 1)
            yield
    finally:
        sys.stdin = given
        os.dup2(kept, 1)
        os.close(kept)
        with contextlib.suppress(ValueError):
            sys.path.remove(here)


def _source(path: Path) -> str:
    """Return the file's text. A pipe or a device would be waited for, or have no end: neither is opened to be read."""
    if not path.is_file():
        there = os.path.lexists(path)  # which init would not overwrite
        said = f"{'not a regular file' if there else 'no such inventory file'}; name one with --inventory FILE"
        raise _wrong(path, None, said, *([] if there else ["roosync-ops init"]))
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _wrong(path, None, f"cannot be read: {error.strerror or error}") from None
    if len(data) > MAX_BYTES:
        raise _wrong(path, None, f"more than {MAX_BYTES} bytes: no inventory is as large")
    if data.startswith(_UTF16):
        raise _wrong(path, 1, f"it is UTF-16, and {_SAVE}")
    if b"\0" in data:
        raise _wrong(path, data[: data.index(b"\0")].count(b"\n") + 1, f"it holds a NUL byte; if it is UTF-16, {_SAVE}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _wrong(path, line, f"byte 0x{data[error.start]:02x} is no UTF-8, and {_SAVE}") from None


def _run(path: Path, source: str) -> dict[str, Any]:
    """Return what the names of a file hold when it has run; whatever it raises is a FleetError with its line."""
    names: dict[str, Any] = {"__file__": str(path)}
    try:
        code = compile(source, str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        raise _wrong(path, error.lineno or 1, error.msg) from None
    except (ValueError, MemoryError, RecursionError) as error:
        raise _wrong(path, 1, f"{type(error).__name__}: {error}") from None
    try:
        seconds = itertools.count(1)  # one at a time: on Windows a wait for a lock hears no Ctrl-C until its end
        BoundedShare(1).call(lambda: _exec(code, names), path.name, lambda: min(next(seconds), LIMIT_S))
    except KeyboardInterrupt:
        raise
    except ShareHungError:
        raise _wrong(path, None, f"it has not ended within {LIMIT_S} s: does it wait for something?") from None
    except SystemExit as error:
        raise _wrong(path, _line_of(error, path), f"it exits ({error.code!r:.80}) before it has listed all") from None
    except BaseException as error:  # noqa: BLE001 - a user's file can raise anything
        said = str(error) if isinstance(error, FleetError) else traceback.format_exception_only(error)[-1].strip()
        raise _wrong(path, _line_of(error, path), said) from None
    return names


def _exec(code: CodeType, names: dict[str, Any]) -> None:
    # os._exit would end this process as if all were well; a copy of it that the file made ends, and says nothing.
    own, end = os.getpid(), os._exit
    os._exit = lambda status: sys.exit(status) if os.getpid() == own else end(status)
    try:
        exec(code, names)  # noqa: S102 - an inventory is Python
    finally:
        os._exit = end
        if os.getpid() != own:
            end(0)


def _line_of(error: BaseException, path: Path) -> int | None:
    """Return the line of the file where it went wrong, the innermost."""
    trace = traceback.walk_tb(error.__traceback__)
    return [None, *(line for frame, line in trace if frame.f_code.co_filename == str(path))][-1]


def _group_data(path: Path) -> dict[str, dict[str, Any]]:
    """Return what group_data/*.py holds, by group; what is beside the file holds before what is in this folder."""
    found: dict[str, dict[str, Any]] = {}
    for folder in dict.fromkeys((Path.cwd() / "group_data", path.resolve().parent / "group_data")):
        for file in sorted(folder.glob("*.py")):
            names = _run(file, _source(file)).items()
            found.setdefault(file.stem, {}).update({name: value for name, value in names if not name.startswith("__")})
    return found


def line_of(name: str, fields: Mapping[str, Any]) -> str:
    """Return the line that defines a machine, as a person would write it."""
    texts = ((key, isinstance(value, str), value) for key, value in fields.items())
    literals = (f"{key}={json.dumps(value, ensure_ascii=False) if text else repr(value)}" for key, text, value in texts)
    return f"machine({', '.join([json.dumps(name), *literals])})"


def with_machine(source: bytes, group: str, line: str) -> bytes:
    """Return an inventory's source with `line` at the end of the list of `group`. Raises FleetError where it cannot."""
    mark = codecs.BOM_UTF8 if source.startswith(codecs.BOM_UTF8) else b""
    text = source.removeprefix(mark)
    lists = _lists(text)
    if group not in lists:
        close = difflib.get_close_matches(group, lists, 1)
        said = f"; did you mean {close[0]}?" if close else f"; there are {', '.join(lists) or 'none'}"
        raise FleetError(f"{group!s:.80}: no group whose list is written out in the inventory{said}")
    ends = b"\r\n" if b"\r\n" in text else b"\n"
    lines = text.splitlines(keepends=True)
    found = lists[group]
    close_at = _offset(lines, found.end_lineno or 1, found.end_col_offset or 1) - 1
    last = found.elts[-1] if found.elts else None
    open_at = _offset(lines, found.lineno, found.col_offset) + 1
    from_at = open_at if last is None else _offset(lines, last.end_lineno or 1, last.end_col_offset or 0)
    between = text[from_at:close_at]
    comma = b"," if last is not None and b"," not in _COMMENT.sub(b"", between) else b""
    kept = between.rstrip(b" \t\r\n")
    return mark + text[:from_at] + comma + kept + ends + b"    " + line.encode() + b"," + ends + text[close_at:]


def line_with(source: bytes, name: str) -> int | None:
    """Return the line of an inventory's source in which a list has machine(`name`), None where none has."""
    lists = _lists(source.removeprefix(codecs.BOM_UTF8)).values()
    calls = (node for found in lists for node in found.elts if isinstance(node, ast.Call) and node.args)
    return next((node.lineno for node in calls if getattr(node.args[0], "value", None) == name), None)


def _lists(text: bytes) -> dict[str, ast.List]:
    """Return the public names of a file that hold a list written out, or such a list with data."""
    found = {}
    for node in ast.parse(text).body:
        value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if isinstance(value, ast.Tuple) and value.elts:
            value = value.elts[0]
        if isinstance(value, ast.List) and isinstance(targets[0], ast.Name) and not targets[0].id.startswith("_"):
            found[targets[0].id] = value
    return found


def _offset(lines: list[bytes], line: int, column: int) -> int:
    """Return where a place of the syntax tree is, in bytes: its lines begin at 1, its columns are UTF-8's."""
    return sum(map(len, lines[: line - 1])) + column
