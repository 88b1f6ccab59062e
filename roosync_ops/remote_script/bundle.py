"""The agent as one file: a zipapp that any CPython 3.9+ runs, byte for byte the same wherever it is built.

Sources are stored, not deflated: zlib builds differ in what they emit, and the machine would load zlib to read them.
Docstrings, comments and what is for type checkers alone stay behind, their lines empty, and a level of indentation is
one space: nothing on the machine reads them, and tracebacks keep their line numbers.
"""

import ast
import hashlib
import io
import re
import tokenize
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from roosync_ops import __version__
from roosync_ops.wire import local

from .kept import AST_LOCK, digest, kept

#: The agent is pushed to machines that are nearly out of everything.
MAX_BYTES = 200_000

_PACKAGE = "roosync_ops"
_ROOMS = ("wire", "agent")
_BUILD_MODULE = f"{_PACKAGE}/agent/_build.py"
_MAIN = b"""\
import sys

from roosync_ops.agent.main import main

sys.exit(main())
"""
_SHEBANG = b"#!/usr/bin/env python3\n"
#: The oldest time a zip can hold; fixed, so that a checkout's age is no input.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_COMMENT = re.compile(rb"roosync-ops agent (\S{1,40}) ([0-9a-f]{16})")
#: Of sha256: enough to tell any two builds apart, short enough to ride in every heartbeat.
_BUILD_ID_DIGITS = 16
_LEVELS = {tokenize.INDENT: 1, tokenize.DEDENT: -1}
_TOKENS = {tokenize.OP, tokenize.NAME, tokenize.NUMBER, tokenize.STRING}
#: From CPython 3.12 an f-string is several tokens, from one of these to the other; no token has such a type before.
_F_START, _F_END = getattr(tokenize, "FSTRING_START", -1), getattr(tokenize, "FSTRING_END", -1)
#: A thousand times in an agent: one sign of it is enough, which no name of ours is.
_SELF, _SELF_SHORT = re.compile(r"\bself\b"), "I"
_F_STRING = re.compile(r"(?i)r?fr?['\"]")
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef)
#: A row from 1, and a column in bytes from 0.
_Place = tuple[int, int]


class BundleError(RuntimeError):
    """The agent cannot be built, or a file is not one of ours."""


@dataclass(frozen=True)
class Bundle:
    """One build of the agent."""

    version: str
    build_id: str
    sha256: str
    data: bytes = field(repr=False)

    @property
    def file_name(self) -> str:
        """The name of its own that it has on a machine: agent.builds reads it."""
        return f"agent-{self.build_id}.pyz"


def build(output: Path | None = None, *, cache: Path | None = None) -> Bundle:
    """Build the agent, kept in `cache` or the user's, and write it to `output` where one is named, executable.

    Raises BundleError when it would be too large, OSError when `output` cannot be written.
    """
    raw = _raw()
    data = kept("agent", {**raw, "by whom": Path(__file__).read_bytes()}, lambda: _built(raw), cache)
    if len(data) > MAX_BYTES:
        raise BundleError(f"the agent is {len(data)} bytes; at most {MAX_BYTES} are allowed")
    if output is not None:
        local.write(str(output), data, 0o755)
    return _told(data, output)


def _built(raw: Mapping[str, bytes]) -> bytes:
    with AST_LOCK:
        files = _stripped(raw)
    build_id = digest(files)[:_BUILD_ID_DIGITS]
    files[_BUILD_MODULE] = f'BUILD_ID = "{build_id}"\n'.encode()
    files["__main__.py"] = _MAIN
    return _archive(files, f"roosync-ops agent {__version__} {build_id}".encode())


def identify(path: Path) -> Bundle:
    """Tell which build a file is, from outside, without running it. Raises BundleError where it is none of ours."""
    try:
        return _told(path.read_bytes(), path)
    except (OSError, zipfile.BadZipFile) as error:
        raise BundleError(f"{path}: not an agent of roosync-ops: {error}") from None


def _told(data: bytes, path: Path | None) -> Bundle:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        match = _COMMENT.fullmatch(archive.comment)
    if match is None:
        raise BundleError(f"{path}: a zip archive, but not an agent of roosync-ops")
    version, build_id = (part.decode() for part in match.groups())
    return Bundle(version, build_id, hashlib.sha256(data).hexdigest(), data)


def _stripped(raw: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return what goes into the agent: archive name to source, without docstrings and comments."""
    return {name: _bare(data, name) for name, data in sorted(raw.items())}


def _raw() -> dict[str, bytes]:
    """Return the sources, LF only. Caches and the build stamp are no input."""
    package = Path(str(resources.files(_PACKAGE)))
    found = [package / "__init__.py", *(file for room in _ROOMS for file in (package / room).rglob("[!.]*.py"))]
    files = {f"{_PACKAGE}/{file.relative_to(package).as_posix()}": file for file in found}
    alone = (_BUILD_MODULE, f"{_PACKAGE}/agent/__main__.py", "/__pycache__/")  # a source tree's
    kept = {name: file for name, file in files.items() if not any(each in name for each in alone)}
    return {name: file.read_bytes().replace(b"\r\n", b"\n") for name, file in kept.items()}


def _bare(source: bytes, name: str = "") -> bytes:
    """Return `source` without docstrings, comments and types; a space a level, none in a rest or beside a sign.

    Every line keeps its number, every string its text, every name but `self` its own. By where things stand: what `ast`
    would write differs between Pythons.
    """
    source = _cut(source, name)
    lines = [""] * (source.count(b"\n") + 1)
    level, before = 0, None
    for token in _tokens(source):
        row, column = token.start
        level += _LEVELS.get(token.type, 0)
        if token.type == tokenize.NEWLINE:
            before = None
        elif token.type in _TOKENS:
            if before is None:
                lines[row - 1] = " " * level
            elif before.end[0] == row and before.end[1] < column and not _may_touch(before, token.string):
                lines[row - 1] += " "
            is_text = token.type == tokenize.STRING and not _F_STRING.match(token.string)
            text, *more = (token.string if is_text else _SELF.sub(_SELF_SHORT, token.string)).split("\n")
            text = text.replace("_", "" if token.type == tokenize.NUMBER else "_")
            lines[row - 1] += text
            lines[row : row + len(more)] = more
            before = token
    text = "\n".join(lines)
    return (text.rstrip() + "\n" * text.endswith("\n")).encode("utf-8")


def _tokens(source: bytes) -> Iterator[tokenize.TokenInfo]:
    """Yield the tokens of `source`, an f-string as one, which not every Python takes apart."""
    lines, depth, begin = source.decode("utf-8").split("\n"), 0, (0, 0)
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        begin = token.start if not depth else begin
        depth += (token.type == _F_START) - (token.type == _F_END)
        if token.type == _F_END and not depth:
            rows = lines[begin[0] - 1 : token.end[0]]
            rows[-1] = rows[-1][: token.end[1]]
            rows[0] = rows[0][begin[1] :]
            yield tokenize.TokenInfo(tokenize.STRING, "\n".join(rows), begin, token.end, "")
        elif not depth:
            yield token


def _cut(source: bytes, name: str) -> bytes:
    """Return `source` without what the interpreter would hold as text for as long as it runs."""
    lines = source.split(b"\n")
    for (row, begin), (last, end), stays in sorted(_cuts(ast.parse(source), lines, name.split("/")[:-1]), reverse=True):
        rest = lines[last - 1][end:]
        lines[row - 1 : last] = [lines[row - 1][:begin] + stays + rest, *[b""] * (last - row)]
    return b"\n".join(lines)


def _cuts(tree: ast.Module, lines: list[bytes], here: list[str]) -> Iterator[tuple[_Place, _Place, bytes]]:
    """Yield where each thing that stays behind begins and ends, and what is to stand there.

    Docstrings, annotations, `if TYPE_CHECKING:` and what makes it false, imports for these alone; and an import of ours
    names its module from `here`, which is shorter.
    """
    for node in [*tree.body]:
        named = node.test if isinstance(node, ast.If) else node.targets[0] if isinstance(node, ast.Assign) else None
        if isinstance(named, ast.Name) and named.id == "TYPE_CHECKING":
            yield _begin(node), _end(node), b""
            tree.body.remove(node)
    for each in ast.walk(tree):
        if isinstance(each, _DOCUMENTED) and ast.get_docstring(each, clean=False) is not None:
            alone = len(each.body) == 1 and not isinstance(each, ast.Module)
            yield _begin(each.body[0]), _end(each.body[0]), b"pass" * alone
        if isinstance(each, ast.arg) and each.annotation is not None:
            yield (each.lineno, each.col_offset + len(each.arg.encode())), _end(each.annotation), b""
            each.annotation = None
        elif isinstance(each, ast.FunctionDef) and each.returns is not None:
            row, column = _begin(each.returns)
            yield (row, lines[row - 1].rindex(b" ->", 0, column)), _end(each.returns), b""
            each.returns = None
        elif isinstance(each, ast.AnnAssign) and each.value is not None:
            yield _end(each.target), _end(each.annotation), b""
            each.annotation = each.target
    used = {each.id for each in ast.walk(tree) if isinstance(each, ast.Name)}
    for each in ast.walk(tree):
        if isinstance(each, ast.ImportFrom):
            yield _begin(each), _end(each), _import(each, here, used)


def _begin(node: ast.stmt | ast.expr) -> _Place:
    return node.lineno, node.col_offset


def _end(node: ast.stmt | ast.expr) -> _Place:
    return node.end_lineno or 0, node.end_col_offset or 0


def _import(node: ast.ImportFrom, here: list[str], used: set[str]) -> bytes:
    there = (node.module or "").split(".")
    if node.level == 0 and there[0] == _PACKAGE:
        shared = sum(here[: n + 1] == there[: n + 1] for n in range(len(here)))
        node.level, node.module = len(here) - shared + 1, ".".join(there[shared:])
    node.names = [each for each in node.names if (each.asname or each.name) in used]
    return ast.unparse(node).encode() * bool(node.names)


def _may_touch(before: tokenize.TokenInfo, after: str) -> bool:
    """Return True if two tokens are read the same without a space: not where a word would go on."""
    both = before.string[-1] + after[0]
    return (before.type, after) != (tokenize.NUMBER, ".") and not all(sign.isalnum() or sign in "_\"'" for sign in both)


def _archive(files: dict[str, bytes], comment: bytes) -> bytes:
    buffer = io.BytesIO()
    buffer.write(_SHEBANG)  # so that the archive's offsets are those of the finished file
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.comment = comment
        for name, data in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = _UNIX
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, data)
    return buffer.getvalue()
