"""A small stand-in for OpenSSH's client, on asyncssh, for computers that have none: it reaches the lab's machines.

It takes the words that `transport.ssh` says, notes in the log what OpenSSH would, and speaks its sentences. One command
a login; no configuration of the user's, no jump hosts, no agent.
"""

import asyncio
import os
import shlex
import sys
from dataclasses import dataclass, field
from getopt import getopt
from pathlib import Path
from string import ascii_letters
from typing import Final, NoReturn

import asyncssh

from roosync_ops.wire import local

_FAILED: Final = 255
_WITH_VALUE: Final = frozenset("FEoSO")
_PROGRAM: Final = "#!{python}\nimport sys\n\nfrom roosync_ops.lab.ssh_client import main\n\nsys.exit(main())\n"


def install(folder: Path) -> Path:
    """Write the program that is named as the inventory's `ssh_program`, and return where."""
    script = folder / "ssh-stand-in"
    local.write(str(script), _PROGRAM.format(python=sys.executable).encode(), 0o700)
    return script


@dataclass
class _Asked:
    """What the words say."""

    flags: dict[str, str]
    rest: list[str]
    options: dict[str, str] = field(default_factory=dict)

    def note(self, line: str) -> None:
        with Path(self.flags.get("-E", "/dev/stderr")).open("a", encoding="utf-8") as log:
            log.write(f"{line}\n")

    def fail(self, *lines: str) -> NoReturn:
        for line in lines:
            self.note(line)
        sys.exit(_FAILED)


def main() -> int:
    """Be `ssh` for one command. Its exit code is the command's, or 255."""
    asked = _read(sys.argv[1:])
    if "-G" in asked.flags:
        print("controlpath of-its-own")  # noqa: T201 - nothing is kept, so the caller keeps nothing either
        return 0
    return asyncio.run(_run(asked, asked.rest[0], asked.rest[1]))


def _read(words: list[str]) -> _Asked:
    given, rest = getopt(words, "".join(f"{one}:" if one in _WITH_VALUE else one for one in ascii_letters))
    asked = _Asked(dict(given), rest)
    for named in (value for flag, value in given if flag == "-o"):
        name, _, value = named.partition("=")
        asked.options[name.lower()] = _plain(value)
    for line in Path(asked.flags["-F"]).read_text(encoding="utf-8").splitlines():
        name, _, value = line.strip().partition(" ")
        asked.options.setdefault(name.lower(), _plain(value))
    return asked


def _plain(value: str) -> str:
    return " ".join(shlex.split(value)) if value.startswith('"') else value


async def _run(asked: _Asked, host: str, command: str) -> int:
    host, port = asked.options.get("hostname", host), int(asked.options.get("port", "22"))
    asked.note(f"debug1: Connecting to {host} [{host}] port {port}.")
    try:
        connection = await asyncssh.connect(
            host,
            port,
            username=asked.options.get("user", ()),
            client_keys=[asked.options["identityfile"]] if "identityfile" in asked.options else (),
            known_hosts=asked.options.get("userknownhostsfile"),
            config=None,
            agent_path=None,
        )
    except asyncssh.HostKeyNotVerifiable as error:
        asked.fail(f"No host key is known for [{host}]:{port} that it has: {error}", "Host key verification failed.")
    except asyncssh.PermissionDenied:
        asked.fail(f"{asked.options.get('user', '')}@{host}: Permission denied (publickey).")
    except (OSError, asyncssh.Error) as error:
        number = getattr(error, "errno", None)
        asked.fail(f"ssh: connect to host {host} port {port}: {os.strerror(number) if number else error}")
    asked.note("debug1: Connection established.")
    version = connection.get_extra_info("server_version")
    asked.note(f"debug1: Remote protocol version 2.0, remote software version {version}")
    asked.note(f'debug1: SSH2_MSG_NEWKEYS received\nAuthenticated to {host} ([{host}]:{port}) using "publickey".')
    async with connection:
        done = await connection.run(
            command,
            stdin=sys.stdin.buffer,
            stdout=sys.stdout.buffer,
            stderr=sys.stderr.buffer,
            encoding=None,
        )
    if done.exit_status is None:
        asked.fail(f"Connection to {host} closed by remote host.")
    asked.note("debug1: client_input_channel_req: channel 0 rtype exit-status reply 0")
    return done.exit_status
