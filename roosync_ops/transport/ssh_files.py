"""The files of ssh's work, in a private folder (mode 0700) that is gone with this process: settings, logs, sockets."""

import atexit
import functools
import hashlib
import math
import os
import re
import shutil
import socket
import stat
import struct
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from roosync_ops import process
from roosync_ops.fleet import Machine
from roosync_ops.wire import local

from .link import SSH_CONFIG, LinkError, Patience

#: A worker takes its parent's, which outlives it.
ROOM_VARIABLE: Final = "ROOSYNC_SSH_ROOM"
#: A socket's whole path is at most 104 bytes on some systems, of which ssh wants 17 for itself while it makes one.
_MAX_PATH: Final = 50
#: What `ssh -O exit` says, without a process for it: hello of version 4, and terminate (OpenSSH's PROTOCOL.mux).
_GOOD_BYE: Final = struct.pack(">6I", 8, 1, 4, 8, 0x1000_0005, 0)
#: How long a good-bye may take, in s.
_END_S: Final = 3.0
_lock = threading.Lock()
#: A machine that says nothing at all is asked whether it is there so often, in s; ssh gives it up after three times.
_ALIVE_S: Final = 15
_MAX_VERSION: Final = 4096
_SESSION_TYPE_SINCE: Final = (8, 7)


def room() -> Path:
    """Return the folder, made at the first call."""
    with _lock:
        return _made()


@functools.cache
def _made() -> Path:
    given = os.environ.get(ROOM_VARIABLE)
    if given and Path(given).is_dir():
        return Path(given)
    base = tempfile.gettempdir()
    if len(base) > _MAX_PATH and os.name == "posix":
        base = "/tmp"  # noqa: S108 - the folder in it is made by mkdtemp, for this user alone
    folder = Path(tempfile.mkdtemp(prefix="roosync-ssh-", dir=base))
    atexit.register(_end, folder)
    return folder


def close() -> None:
    """Leave nothing, where a program ends without its interpreter's own end."""
    if _made.cache_info().currsize and not os.environ.get(ROOM_VARIABLE):
        _end(_made())


def _end(folder: Path) -> None:
    """Log out of each kept connection, a worker's too, and leave nothing."""
    for path in folder.glob("*.s"):
        end_master(path)
    shutil.rmtree(folder, ignore_errors=True)


def end_master(path: Path) -> None:
    """Log out of a kept connection; whatever goes wrong, it ends by itself when it was idle for a while."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as master:
        master.settimeout(_END_S)
        master.connect(str(path))
        master.sendall(_GOOD_BYE)
        while master.recv(_MAX_VERSION):  # it greets too, and closes when it is over
            pass


def connect_timeout_s(patience: Patience) -> int:
    """Return ssh's own limit for one address, and for the greeting, in whole s: ours for one part are shorter."""
    return max(1, math.ceil(max(patience.connect_s, patience.login_s)))


def quoted(path: str) -> str:
    """Return a path as ssh's configuration takes it, whatever blanks are in it. `%` begins a token there."""
    plain = path.replace("\\", "/" if os.name == "nt" else "\\\\").replace('"', '\\"').replace("%", "%%")
    return '"' + plain.replace("\n", " ") + '"'


#: How long ssh may take to say its version, in s: what it said is kept for as long as we run.
_VERSION_S: Final = 30.0


@functools.cache
def no_session_of_the_users(program: str) -> tuple[str, ...]:
    """Return the lines that take a person's own kind of session back; ssh before 8.7 knows and takes none of them."""
    try:
        said = process.run([program, "-V"], until=time.monotonic() + _VERSION_S, max_out=_MAX_VERSION).err
    except OSError:
        return ()
    version = re.search(rb"OpenSSH\D*(\d+)\.(\d+)", said)
    known = version is not None and tuple(map(int, version.groups())) >= _SESSION_TYPE_SINCE
    return ("SessionType default", "StdinNull no", "ForkAfterAuthentication no") if known else ()


def configuration(program: str, machine: Machine, patience: Patience) -> Path:
    """Return the file that ssh, and ssh on the way to a jump host, reads: the inventory's rules, then the user's own.

    Options of a command line do not reach jump hosts; a file does.
    """
    strict = machine.ssh.get("ssh_strict_host_key_checking", "yes")
    lines = ["BatchMode yes", f"StrictHostKeyChecking {strict if isinstance(strict, str) else 'yes'}"]
    lines += no_session_of_the_users(program)
    if (known := machine.ssh_file("ssh_known_hosts_file")) is not None:
        lines.append(f"UserKnownHostsFile {quoted(known)}")
    if (named := machine.ssh_file("ssh_config_file")) is not None:
        own = [Path(named).absolute()]
    elif (refused := _refused_configuration()) is not None:
        raise LinkError(SSH_CONFIG, f"ssh refuses its configuration: bad owner or permissions on {refused}")
    else:  # what ssh reads by itself: the user's and the system's
        system = Path(os.environ.get("PROGRAMDATA", "C:/ProgramData")) / "ssh" if os.name == "nt" else Path("/etc/ssh")
        own = [Path.home() / ".ssh" / "config", system / "ssh_config"]
    # Include takes patterns, and these are none.
    plain = [quoted(re.sub(r"([*?[])", r"[\1]", str(path))).replace("%%", "%") for path in own]
    lines += [f"Include {path}" for path in plain]
    # What was not said until here; every value that came first stands.
    lines += ["Host *", f"  ConnectTimeout {connect_timeout_s(patience)}", f"  ServerAliveInterval {_ALIVE_S}"]
    lines += _of_this_home()
    text = "".join(f"{line}\n" for line in lines)
    path = room() / f"roosync-ssh-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    if not path.exists():
        local.write(str(path), text.encode())
    return path


def _refused_configuration() -> Path | None:
    """Return the user's configuration where ssh itself would refuse it: another user can write to it."""
    path = Path.home() / ".ssh" / "config"
    try:
        found = path.stat()
    except OSError:
        return None
    if sys.platform == "win32":
        return None
    others = stat.S_IWOTH | (stat.S_IWGRP if found.st_gid != os.getgid() else 0)
    return None if found.st_uid in {0, os.getuid()} and not found.st_mode & others else path


def _of_this_home() -> list[str]:
    """Return where known hosts are, where HOME is another than the one ssh looks up."""
    if sys.platform == "win32":
        return []
    import pwd  # noqa: PLC0415 - POSIX only

    home = Path.home()
    with suppress(KeyError):
        if home == Path(pwd.getpwuid(os.getuid()).pw_dir):
            return []
    names = (quoted(str(home / ".ssh" / name)) for name in ("known_hosts", "known_hosts2"))
    return [f"  UserKnownHostsFile {' '.join(names)}"]
