"""Where a WinRM password is asked for, and what is said without the extra: in a process of its own."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys

from roosync_ops import extras
from roosync_ops.transport import winrm_access

WORD = "Zürich & <7> %41"
PROMPT = "from roosync_ops.transport import winrm_access as s; print(len(s.find('me', None, prompt=True)))"


def test_a_password_is_asked_for_on_the_terminal_and_not_shown_there() -> None:
    process, terminal = pty.fork()
    if process == 0:
        os.environ.pop(winrm_access.PASSWORD, None)
        os.execv(sys.executable, [sys.executable, "-c", PROMPT])  # noqa: S606 - what a fork is for
    shown = b""
    asked = False
    with os.fdopen(terminal, "r+b", buffering=0) as screen, contextlib.suppress(OSError):
        while piece := screen.read(1024):  # its end is an error on Linux
            shown += piece
            if b"WinRM password of me:" in shown and not asked:
                asked = True
                screen.write(WORD.encode() + b"\n")
    assert os.waitpid(process, 0)[1] == 0
    assert str(len(WORD)).encode() in shown
    assert b"rich" not in shown


def test_where_there_is_no_terminal_nothing_is_read_from_stdin() -> None:
    environment = {name: value for name, value in os.environ.items() if name != winrm_access.PASSWORD}
    done = subprocess.run(
        [sys.executable, "-c", PROMPT],
        env=environment,
        input="go\n",
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )
    assert done.returncode == 1
    assert "no terminal" in done.stderr


WITHOUT = """
import sys
sys.modules["pypsrp"] = sys.modules["requests"] = None
from roosync_ops.pyinfra_ops.winrm import WinrmConnector
from roosync_ops.transport import winrm
try:
    winrm.Winrm('m', {}, 10).open()
except winrm.LinkError as error:
    print(error)
"""


def test_without_the_extra_pyinfra_still_loads_the_connector_which_says_what_to_install() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=True)
    assert done.stdout == f"WinRM needs pypsrp: {extras.install('winrm')}\n"
