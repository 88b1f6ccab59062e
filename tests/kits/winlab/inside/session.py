"""Runs one Windows command for sshd (its ForceCommand) or for the console, between pipes, and ends when it ends.

    session.py ssh          the command is in SSH_ORIGINAL_COMMAND, as sshd gives it
    session.py console      the command line is in WINLAB_LINE

sshd gives sockets, on which a Windows Python dies; and detached children keep their copies of the pipes, so the end of
a command is the end of its main process, never the end of its output. A client that goes takes the command with it.

It is started for each command of each test, thousands of times: what it would import beyond these took two thirds of
its time.
"""
# ruff: noqa: PTH108, PTH123, SIM105 - pathlib and contextlib are such imports

from __future__ import annotations

import os
import select
import sys
from _thread import start_new_thread

_KIT = "/srv/kit"
_DRIVE_C = "/srv/prefix/drive_c"
_CODES = f"{_DRIVE_C}/winlab/codes"
_WINE = "/usr/lib/wine/wine64"
_SFTP = "winlab-sftp"
_CHUNK = 65536
_KILL, _PIPE = 9, 13
#: An exit status has eight bits here; a code beyond them is still a failure.
_HIGHEST = 255


def main(kind: str) -> int:
    with open(f"{_KIT}/environment", encoding="utf-8") as lines:
        environment = dict(line.rstrip("\n").split("=", 1) for line in lines)
    for name in ("SSH_CLIENT", "SSH_CONNECTION", "WINLAB_LINE"):
        if name in os.environ:
            environment[name] = os.environ[name]
    # an administrator's SSH session has the elevated token; a console has the ordinary one unless it is said otherwise
    environment["WINLAB_TOKEN"] = os.environ.get("WINLAB_TOKEN", "elevated" if kind == "ssh" else "ordinary")
    command = os.environ.get("SSH_ORIGINAL_COMMAND", "")
    if kind == "ssh" and command == _SFTP:
        return _conduct(environment, r"C:\winlab\python\python.exe", "-I", "-S", "-c", _SERVE_SFTP)
    if kind == "ssh":
        environment["WINLAB_CMD"] = command
    code = f"{_CODES}/{os.getpid()}"
    environment["WINLAB_CODE"] = rf"C:\winlab\codes\{os.getpid()}"
    unix = _conduct(environment, r"C:\winlab\shell.exe")
    try:
        with open(code, encoding="ascii") as said:
            return min(int(said.read()), _HIGHEST)
    except (OSError, ValueError):  # it never came to write it
        return unix or _HIGHEST
    finally:
        try:
            os.unlink(code)
        except FileNotFoundError:
            pass


#: As a module it is compiled once for a host, and not for each transfer.
_SERVE_SFTP = r"import sys; sys.path.append(r'C:\winlab'); import sftp; sftp.main()"


def _conduct(environment: dict[str, str], *argv: str) -> int:
    """Run a Windows program and pass everything on until it ends. Returns its Unix exit status."""
    os.chdir(_DRIVE_C)
    (stdin, fed), (heard, out), (blamed, err) = (os.pipe() for _ in range(3))
    places = [(os.POSIX_SPAWN_DUP2, ours, number) for number, ours in enumerate((stdin, out, err))]
    pid = os.posix_spawn(_WINE, ("wine64", *argv), environment, file_actions=places, setsigdef=[_PIPE])
    for theirs in (stdin, out, err):
        os.close(theirs)
    start_new_thread(_feed, (fed,))
    routes = {heard: 1, blamed: 2}
    poll, ended = select.poll(), os.pidfd_open(pid)
    for source in (*routes, ended):
        poll.register(source, select.POLLIN)
    poll.register(1, 0)  # hang-up and error only: the client went
    while (ready := {number for number, _ in poll.poll()}) and ended not in ready:
        for source in ready:
            if source == 1:
                os.kill(pid, _KILL)
            if source == 1 or not _copy(source, routes[source]):
                poll.unregister(source)
    for source, target in routes.items():
        os.set_blocking(source, False)
        while _copy(source, target):
            pass
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _feed(stdin: int) -> None:
    while _copy(0, stdin):
        pass
    os.close(stdin)


def _copy(source: int, target: int) -> bool:
    """Pass on what is there. Returns False where nothing more will come, or nobody takes it."""
    try:
        data = memoryview(os.read(source, _CHUNK))
        more = bool(data)
        while data:
            data = data[os.write(target, data) :]
    except OSError:
        return False
    return more


if __name__ == "__main__":
    os._exit(main(sys.argv[1]))  # no client waits for an interpreter's end, and SIGPIPE is ignored from its start
