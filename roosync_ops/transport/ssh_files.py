"""The files of ssh's work: its settings for one fleet, its logs, its kept connections."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import secrets
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .link import SSH_CONFIG, LinkError
from .ssh_room import room

if TYPE_CHECKING:
    from roosync_ops.fleet import Machine

    from .link import Patience

#: A machine that says nothing at all is asked whether it is there so often, in s; ssh gives it up after three times.
_ALIVE_S: Final = 15
#: What this process's logs are called.
_numbers = itertools.count()


def connect_timeout_s(patience: Patience) -> int:
    """Return ssh's own limit for one address, and for the greeting, in whole s: ours for one part are shorter."""
    return max(1, -int(-max(patience.connect_s, patience.login_s) // 1))


def quoted(path: str) -> str:
    """Return a path as ssh's configuration takes it, whatever blanks are in it. `%` begins a token there."""
    plain = path.replace("\\", "/" if os.name == "nt" else "\\\\").replace('"', '\\"').replace("%", "%%")
    return '"' + plain.replace("\n", " ") + '"'


def configuration(machine: Machine, patience: Patience) -> Path:
    """Return the file that ssh, and ssh on the way to a jump host, reads: the inventory's rules, then the user's own.

    Options of a command line do not reach jump hosts; a file does.
    """
    data = machine.ssh
    strict = data.get("ssh_strict_host_key_checking", "yes")
    lines = ["BatchMode yes", f"StrictHostKeyChecking {strict if isinstance(strict, str) else 'yes'}"]
    known = data.get("ssh_known_hosts_file")
    if isinstance(known, str):
        lines.append(f"UserKnownHostsFile {quoted(str(Path(known).expanduser()))}")
    named = data.get("ssh_config_file")
    own = [Path(named).expanduser().absolute()] if isinstance(named, str) else _usual()
    if not isinstance(named, str) and (refused := _refused_configuration()) is not None:
        raise LinkError(SSH_CONFIG, f"ssh refuses its configuration: bad owner or permissions on {refused}")
    lines += [f"Include {_as_pattern(path)}" for path in own]
    # What nobody has said until here; every value that came first stands.
    lines += ["Host *", f"  ConnectTimeout {connect_timeout_s(patience)}", f"  ServerAliveInterval {_ALIVE_S}"]
    lines += _of_this_home()
    text = "".join(f"{line}\n" for line in lines)
    path = room() / f"roosync-ssh-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    if not path.exists():
        part = path.with_suffix(f".{secrets.token_hex(4)}")
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    return path


def _usual() -> list[Path]:
    """Return what ssh reads by itself: the user's configuration, unless ssh would refuse it, and the system's."""
    system = Path(os.environ.get("PROGRAMDATA", "C:/ProgramData")) / "ssh" if os.name == "nt" else Path("/etc/ssh")
    return [Path.home() / ".ssh" / "config", system / "ssh_config"]


def _refused_configuration() -> Path | None:
    """Return the user's configuration where ssh itself would refuse it: somebody else can write to it."""
    path = Path.home() / ".ssh" / "config"
    try:
        found = path.stat()
    except OSError:
        return None
    if sys.platform == "win32":
        return None
    others = stat.S_IWOTH | (stat.S_IWGRP if found.st_gid != os.getgid() else 0)
    return None if found.st_uid in {0, os.getuid()} and not found.st_mode & others else path


def _as_pattern(path: Path) -> str:
    """Return the line's path: Include takes patterns, and this is none."""
    return quoted(re.sub(r"([*?[])", r"[\1]", str(path))).replace("%%", "%")


def _of_this_home() -> list[str]:
    """Return where known hosts are, where HOME is another than the one ssh looks up."""
    if sys.platform == "win32":
        return []
    import pwd  # noqa: PLC0415 - POSIX only

    home = Path.home()
    try:
        if home == Path(pwd.getpwuid(os.getuid()).pw_dir):
            return []
    except KeyError:
        pass
    return [
        "  UserKnownHostsFile "
        + " ".join(quoted(str(home / ".ssh" / name)) for name in ("known_hosts", "known_hosts2"))
    ]


def new_log() -> Path:
    """Return where one ssh writes its log."""
    return room() / f"{os.getpid()}-{next(_numbers)}.log"
