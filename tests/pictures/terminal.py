"""What a command printed on a terminal, as an SVG that needs no network, and the words in such a picture."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import struct
import subprocess
import termios
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

#: rich's own picture fetches its font from a server; whoever has none of these sees their own monospace.
_FONT_FACE: Final = re.compile(r"@font-face \{.*?\}", re.DOTALL)
_FONTS: Final = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_SVG: Final = "{http://www.w3.org/2000/svg}"
_WAIT_S: Final = 120.0


def typed(columns: int, argv: Sequence[str], shown: str, cwd: Path, env: Mapping[str, str]) -> str:
    """Return what a person sees who types `shown`, which runs `argv`, on a terminal so wide: with its colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {**env, "TERM": "xterm-256color"}
    with subprocess.Popen(argv, stdout=theirs, stderr=subprocess.PIPE, cwd=cwd, env=environment) as process:
        os.close(theirs)
        seen = _all(ours)
        said = process.stderr.read() if process.stderr is not None else b""
    os.close(ours)
    if not seen:
        raise RuntimeError(f"{shown}: exit {process.returncode}: {said.decode(errors='replace')}")
    return f"$ {shown}\n{seen.decode().replace(chr(13), '')}"


def _all(ours: int) -> bytes:
    seen = b""
    while select.select([ours], [], [], _WAIT_S)[0]:
        try:
            piece = os.read(ours, 65_536)
        except OSError:  # EIO: nobody has the other end open any more
            break
        if not piece:
            break
        seen += piece
    return seen


def svg(text: str, columns: int, title: str) -> str:
    """Return a picture of `text`, whose colours are ANSI's."""
    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(text), soft_wrap=True)
    drawn = console.export_svg(title=title, unique_id="roosync-ops")
    bare = _FONT_FACE.sub("", drawn).replace("Fira Code, monospace", _FONTS)
    return "".join(f"{line.rstrip()}\n" for line in bare.splitlines() if line.strip())


def lines_of(picture: str) -> list[str]:
    """Return the lines that a picture made by `svg` shows, without its title."""
    rows: dict[float, list[tuple[float, str]]] = {}
    for text in ET.fromstring(picture).iter(f"{_SVG}text"):  # noqa: S314 - a file of this repository
        if "clip-path" in text.attrib:
            words = (text.text or "").replace("\N{NO-BREAK SPACE}", " ")
            rows.setdefault(float(text.attrib["y"]), []).append((float(text.attrib["x"]), words))
    return ["".join(words for _, words in sorted(parts)).rstrip() for _, parts in sorted(rows.items())]


def essence(lines: Sequence[str]) -> list[str]:
    """Return what does not change from one run to the next: no number, no blank, no empty line."""
    return [bare for line in lines if (bare := re.sub(r"[\d\s]+", "", line))]
