"""Completion in the shells themselves, on a terminal: typer's protocol is one thing, a pressed Tab another."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.watch.kit import ON_TERMINAL
from tests.kits.hosts import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(roosync-ops --show-completion)"'),
    "zsh": (
        ["zsh", "-f", "-i"],
        'autoload -Uz compinit; compinit -u -d "$HOME/dump"; eval "$(roosync-ops --show-completion)"',
    ),
    "fish": (["fish", "--no-config", "-i"], "roosync-ops --show-completion | source"),
}
_INVENTORY = """from roosync_ops.fleet import machine
enroll = [machine("myia-po-2024", host="127.0.0.1"), machine("myia-web1", host="127.0.0.1")]
"""


class Typed:
    """A shell on a terminal of its own, in which somebody types."""

    def __init__(self, words: list[str], folder: Path) -> None:
        self.screen = ""
        self._ours, theirs = pty.openpty()
        program = folder / "roosync-ops"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -m roosync_ops "$@"\n')
        program.chmod(0o755)
        path = f"{folder}:{os.environ['PATH']}"
        self._shell = subprocess.Popen(
            [sys.executable, "-c", ON_TERMINAL, shutil.which(words[0]) or "", *words[1:]],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=folder,
            env={"HOME": str(folder), "PATH": path, "TERM": "xterm", "PYTHONPATH": str(Path(__file__).parents[3])},
            start_new_session=True,
        )
        os.close(theirs)

    def type(self, text: str, until: str) -> str:
        """Type, and return what the terminal shows of it, once `until` (a pattern) is there."""
        begun, end = len(self.screen), time.monotonic() + PATIENCE_S
        os.write(self._ours, text.encode())
        while not re.search(until, self.screen[begun:]):
            assert time.monotonic() < end, (text, until, self.screen)
            if select.select([self._ours], [], [], 0.2)[0]:
                self.screen += os.read(self._ours, 65_536).decode("utf-8", "replace")
        return self.screen[begun:]

    def end(self) -> None:
        os.killpg(self._shell.pid, signal.SIGKILL)
        self._shell.wait(PATIENCE_S)
        os.close(self._ours)


@pytest.fixture(params=_SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Typed]:
    words, begin = _SHELLS[request.param]
    if shutil.which(words[0]) is None:
        pytest.skip(f"no {words[0]} (Debian: {words[0]})")
    (tmp_path / "inventory.py").write_text(_INVENTORY)
    typed = Typed(words, tmp_path)
    typed.type(f"{begin}; echo rea''dy\r", "ready")
    yield typed
    typed.end()


def test_a_pressed_tab_completes_a_command_a_machine_and_an_option(shell: Typed) -> None:
    shell.type("roosync-ops valid\t", "validate")
    shell.type(" myia-w\t", "web1")
    shell.type(" --wai\t", "wait")
    shell.type(" \x15echo the''end\r", "theend")
