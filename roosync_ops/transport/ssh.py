"""A machine by the system's own OpenSSH client: what `ssh NAME` reaches, in the same way and with the same refusals.

What the inventory says becomes options; everything else is the user's configuration, which is read by ssh itself, for
every jump host too. The program is `ssh` from PATH, or what ROOSYNC_SSH or the inventory's `ssh_program` names.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from roosync_ops import process
from roosync_ops.fleet import Machine

from . import link, ssh_errors, ssh_files
from .link import Finished, Link, LinkError, Patience
from .posix_files import PosixLink
from .ssh_files import end_master, room

PROGRAM_VARIABLE: Final = "ROOSYNC_SSH"
#: A log beyond this is a server's that talks and talks.
_MAX_LOG_BYTES: Final = 1024 * 1024
#: How long a kept connection stays when it is neither used nor ended, in s.
_IDLE_S: Final = 60
_OWN_FAILURE: Final = 255
#: No program asks a person: not on a terminal, and not in a window.
_NO_QUESTIONS: Final = {"SSH_ASKPASS_REQUIRE": "never"}
#: What a person's own session has and a program's may not, as scp and sftp have it: no tunnels, no windows, no other
#: command there, and none here whose output would be taken for the machine's.
_NO_SESSION_OF_THE_USERS: Final = {
    "ClearAllForwardings": "yes",
    "ForwardX11": "no",
    "PermitLocalCommand": "no",
    "RemoteCommand": "none",
}
_NO_PROGRAM: Final = (
    "there is no ssh program here: install OpenSSH's client (Debian: openssh-client, Fedora: openssh-clients, "
    "Windows: the optional feature OpenSSH Client)"
)


class OpenSsh(PosixLink):
    """One machine, reached `through` another where that is given.

    With `keep`, the second command, or the first where there will be `more`, logs in for all that follow, where the
    client can.
    """

    def __init__(
        self, machine: Machine, patience: Patience, *, keep: bool = False, through: OpenSsh | None = None
    ) -> None:
        super().__init__()
        self._machine = machine
        self._through = through
        self.patience = patience
        self._keep = keep and sys.platform != "win32"
        #: Whether another command comes after the next one.
        self.more = False
        self._master: Path | None = None
        self.destination = machine.address
        self._words = [program(machine), *_inventory_words(machine)]
        #: What ssh noted during the last command.
        self.log = ssh_errors.Log("")

    def open(self) -> None:
        """Log in once for all that follows. What the user's own configuration says of multiplexing stands."""
        self.more = True
        if kept := self._kept():
            self._run([*kept, "-v", "-N", "--", self.destination], b"", sum(self.patience) + _IDLE_S)
        elif self._master is None:
            self.execute("exit")  # every shell knows it

    def _kept(self) -> list[str]:
        """Return what has the next command log in for all that follow; nothing where that was tried before."""
        keep, self._keep = self._keep, False
        if not keep or self._shares_by_itself():
            return []
        # A name of its own: where a socket is in the way ssh keeps no connection, and does not end either.
        self._master = room() / f"{secrets.token_hex(8)}.s"
        return ["-M", "-o", f"ControlPersist={_IDLE_S}"]

    def close(self) -> None:
        master, self._master = self._master, None
        if master is not None:
            end_master(master)

    def execute(self, line: str, stdin: bytes = b"", timeout_s: float | None = None) -> Finished:
        kept = self._kept() if self.more else []
        self.more = True
        return self._run([*kept, "-o", "LogLevel=DEBUG2", "--", self.destination, line], stdin, timeout_s)

    def words(self) -> list[str]:
        """Return the program and what is said to it of this machine, up to what it is to do."""
        kept = ["-o", f"ControlPath={self._master}"] if self._master is not None else []
        rules = ssh_files.configuration(self._words[0], self._machine, self.patience)
        by = ["-o", f"ProxyCommand={self._through.as_proxy()}"] if self._through is not None else []
        return [*self._words, *by, "-F", str(rules), *kept]

    def as_proxy(self) -> str:
        """Return the command that carries a connection to another machine through this one, as ProxyJump would."""
        words = [*(word.replace("%", "%%") for word in self.words()), "-W", "[%h]:%p", "--", self.destination]
        return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)

    def _shares_by_itself(self) -> bool:
        """Return True if the user's own configuration keeps a connection, as `ssh -G` has it."""
        try:
            done = process.run(
                [*self.words(), "-G", "--", self.destination],
                until=time.monotonic() + self.patience.login_s,
                max_out=process.MAX_ERR_BYTES,
                environment=os.environ | _NO_QUESTIONS,
            )
        except OSError:
            return False
        found = re.search(rb"^controlpath (.*)$", done.out.replace(b"\r", b""), re.MULTILINE)
        return done.code == 0 and found is not None and found[1] != b"none"

    def _run(self, words: list[str], stdin: bytes, timeout_s: float | None) -> Finished:
        log = room() / f"{secrets.token_hex(8)}.log"
        watch = _Login(log, self.patience)
        until = None if timeout_s is None else time.monotonic() + timeout_s
        words = [*self.words(), "-E", str(log), "-T", *words]
        try:
            environment = os.environ | _NO_QUESTIONS
            done = process.run(words, stdin, until=until, max_out=link.MAX_ANSWER, watch=watch, environment=environment)
        except FileNotFoundError:
            raise LinkError(link.NO_SSH_CLIENT, _NO_PROGRAM, ssh_errors.install()) from None
        except OSError as error:
            raise LinkError(link.NO_SSH_CLIENT, f"{self._words[0]} cannot be run: {error.strerror}") from None
        finally:
            self.log = watch.read()
            self.banner = self.log.banner or self.banner
            log.unlink(missing_ok=True)
            if self._master is not None and not self._master.exists():
                self._master = None
        return self._judged(done, watch, timeout_s)

    def _judged(self, done: process.Ended, watch: _Login, timeout_s: float | None) -> Finished:
        if done.too_much:
            said = f"more than {link.MAX_ANSWER >> 20} MiB, or {process.MAX_ERR_BYTES >> 20} MiB of errors"
            raise LinkError(link.TOO_MUCH, said, met=True, reached=True)
        if watch.problem is not None:
            raise watch.problem
        if done.code is None:
            if self.log.logged_in:
                raise TimeoutError(f"no answer within {timeout_s:g} s")
            raise ssh_errors.late(self.log, timeout_s or 0)
        if (done.code == _OWN_FAILURE or done.code < 0) and not self.log.remote_status:
            raise ssh_errors.worded(self.log, done.err.decode("utf-8", "replace"))
        return Finished(done.code, done.out, done.err)


def link_to(machine: Machine, patience: Patience, *, keep: bool = False, through: OpenSsh | None = None) -> Link:
    """Return the way to a machine that its inventory names, or `through` another one; nothing is sent yet."""
    if machine.transport == "winrm":
        from .winrm import Winrm  # noqa: PLC0415 - most fleets have no such machine

        return Winrm(machine.machine_id, machine.entry()[1], patience.connect_s)
    if machine.system == "windows":
        from .sftp import WindowsSsh  # noqa: PLC0415 - as above

        return WindowsSsh(machine, patience, keep=keep, through=through)
    return OpenSsh(machine, patience, keep=keep, through=through)


class _Login:
    """Watches ssh's log, and ends a login whose next part does not come in its time."""

    def __init__(self, log: Path, patience: Patience) -> None:
        self._path, self._patience = log, patience
        self._seen: tuple[Any, ...] | None = None
        self._since = time.monotonic()
        self._in = False
        self.problem: LinkError | None = None

    def __call__(self) -> bool:
        """Return whether ssh may go on."""
        if self._in:
            return True
        log = self.read()
        if len(log.text) >= _MAX_LOG_BYTES:
            self.problem = LinkError(link.TOO_MUCH, "its SSH server says too much before the login", met=True)
            return False
        self._in = log.logged_in
        stage = (log.begun, log.address, log.established, log.greeted, log.keyed)
        if stage != self._seen:
            self._seen, self._since = stage, time.monotonic()
        limit = self._limit(log)
        if not self._in and time.monotonic() - self._since > limit and not self._goes_on(log):
            self.problem = ssh_errors.late(log, limit)
            return False
        return True

    def read(self) -> ssh_errors.Log:
        try:
            with self._path.open("rb") as file:
                return ssh_errors.Log(file.read(_MAX_LOG_BYTES).decode("utf-8", "replace").replace("\r", ""))
        except OSError:
            return ssh_errors.Log("")

    def _limit(self, log: ssh_errors.Log) -> float:
        if not log.begun:
            return self._patience.login_s
        if not log.established:
            return self._patience.connect_s
        if log.proxy is not None and not log.greeted:
            return self._patience.login_s + self._patience.greeting_s
        return self._patience.login_s if log.greeted else self._patience.greeting_s

    def _goes_on(self, log: ssh_errors.Log) -> bool:
        """A name with several addresses: ssh tries the next one when its own limit for this one is over."""
        if log.established or log.address is None:
            return False
        name, address, port = log.address
        if name == address or time.monotonic() - self._since > 2 * ssh_files.connect_timeout_s(self._patience):
            return False
        try:
            found = {info[4][0] for info in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)}
        except OSError:
            return False
        return len(found) > 1


def program(machine: Machine) -> str:
    """Return the ssh program that reaches this machine."""
    named = os.environ.get(PROGRAM_VARIABLE) or machine.ssh.get("ssh_program")
    return str(Path(named).expanduser()) if isinstance(named, str) and os.sep in named else str(named or "ssh")


def _inventory_words(machine: Machine) -> list[str]:
    """Return the options that the inventory's data of one machine are. They are for it alone, and for no jump host."""
    data = machine.ssh
    found: dict[str, object] = {"Port": machine.port, "User": machine.user}
    if (key := machine.ssh_file("ssh_key")) is not None:
        found |= {"IdentityFile": ssh_files.quoted(key), "IdentitiesOnly": "yes"}
    if data.get("ssh_allow_agent") is False:
        found["IdentityAgent"] = "none"
    if data.get("ssh_forward_agent") is True:
        found["ForwardAgent"] = "yes"
    if isinstance(data.get("ssh_connect_retries"), int):
        found["ConnectionAttempts"] = 1 + int(str(data["ssh_connect_retries"]))
    found |= _NO_SESSION_OF_THE_USERS
    return [word for name, value in found.items() if value for word in ("-o", f"{name}={value}")]
