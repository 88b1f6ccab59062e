"""Runs one Windows command for sshd (its ForceCommand) or for the console, between pipes, and ends when it ends.

    session.py ssh          the command is in SSH_ORIGINAL_COMMAND, as sshd gives it
    session.py console      the command line is in WINLAB_LINE

sshd gives sockets, on which a Windows Python dies; and detached children keep their copies of the pipes, so the end of
a command is the end of its main process, never the end of its output. A client that goes takes the command with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path

_KIT = Path("/srv/kit")
_DRIVE_C = Path("/srv/prefix/drive_c")
_CODES = _DRIVE_C / "winlab" / "codes"
_SFTP = "winlab-sftp"
_CHUNK = 65536
#: An exit status has eight bits here; a code beyond them is still a failure.
_HIGHEST = 255


def main(kind: str) -> int:
    environment = json.loads((_KIT / "environment.json").read_text("utf-8"))
    for name in ("SSH_CLIENT", "SSH_CONNECTION", "WINLAB_LINE"):
        if name in os.environ:
            environment[name] = os.environ[name]
    # an administrator's SSH session has the elevated token; a console has the ordinary one unless it is said otherwise
    environment["WINLAB_TOKEN"] = os.environ.get("WINLAB_TOKEN", "elevated" if kind == "ssh" else "ordinary")
    command = os.environ.get("SSH_ORIGINAL_COMMAND", "")
    if kind == "ssh" and command == _SFTP:
        return _conduct(_start(environment, r"C:\winlab\python\python.exe", "-I", "-S", r"C:\winlab\sftp.py"))
    if kind == "ssh":
        environment["WINLAB_CMD"] = command
    code = _CODES / str(os.getpid())
    environment["WINLAB_CODE"] = rf"C:\winlab\codes\{code.name}"
    unix = _conduct(_start(environment, r"C:\winlab\shell.exe"))
    try:
        return min(int(code.read_text("ascii")), _HIGHEST)
    except (OSError, ValueError):  # it never came to write it
        return unix or _HIGHEST
    finally:
        code.unlink(missing_ok=True)


def _start(environment: dict[str, str], *argv: str) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    # unbuffered: what is read is passed on at once
    return subprocess.Popen(
        ("wine64", *argv), env=environment, cwd=_DRIVE_C, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0
    )


def _conduct(process: subprocess.Popen[bytes]) -> int:
    """Pass everything on until the process ends. Returns its Unix exit status."""
    assert process.stdin
    assert process.stdout
    assert process.stderr
    threading.Thread(target=_feed, args=(process.stdin.fileno(),), daemon=True).start()
    routes = {process.stdout.fileno(): 1, process.stderr.fileno(): 2}
    poll, ended = select.poll(), os.pidfd_open(process.pid)
    for source in (*routes, ended):
        poll.register(source, select.POLLIN)
    poll.register(1, 0)  # hang-up and error only: the client went
    while (ready := {number for number, _ in poll.poll()}) and ended not in ready:
        for source in ready:
            if source == 1:
                process.kill()
            if source == 1 or not _copy(source, routes[source]):
                poll.unregister(source)
    for source, target in routes.items():
        os.set_blocking(source, False)
        while _copy(source, target):
            pass
    return process.wait()


def _feed(stdin: int) -> None:
    while _copy(0, stdin):
        pass
    os.close(stdin)


def _copy(source: int, target: int) -> bool:
    """Pass on what is there. Returns False where nothing more will come, or nobody takes it."""
    with contextlib.suppress(OSError):
        data = memoryview(os.read(source, _CHUNK))
        more = bool(data)
        while data:
            data = data[os.write(target, data) :]
        return more
    return False


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    os._exit(main(sys.argv[1]))
