"""What the kits' hosts have in common: running programs, waiting for things to happen, SSH's keys and configuration."""

from __future__ import annotations

import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

T = TypeVar("T")
#: What a kit's SSH server is configured with: without sntrup761, OpenSSH's default since 9.0, a login takes a third of
#: the processor (0.06 s for both sides, for 0.18 s). What our programs do is the same, whatever a key came from.
QUICK_KEYS = "KexAlgorithms -sntrup761*\n"
#: How long anything that is to happen may take, in s: a machine with twenty processes for each core is slow, not wrong.
PATIENCE_S = 90.0

_REST_S = 2.0


class CommandError(RuntimeError):
    """A program failed; the message carries what it said."""


class HostDownError(RuntimeError):
    """The host is off."""


def sh(
    *argv: str,
    timeout: float = 300,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input: str | None = None,  # noqa: A002 - as subprocess calls it
) -> str:
    """Run a program to its end and return its standard output. Raises CommandError with its last words."""
    done = subprocess.run(
        argv,
        input=input or "",
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout,
        cwd=cwd,
        env=env,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:] or "nothing said"
        raise CommandError(f"{' '.join(argv)} exited {done.returncode}: {said}")
    return done.stdout


def wait_for(what: str, look: Callable[[], T | None], seconds: float = PATIENCE_S, every: float = 0.03) -> T:
    """Return the first truthy answer of `look`. Raises TimeoutError naming `what` after `seconds`.

    A look that takes its time (a command, a login) leaves the processor alone for twice as long, up to 2 s.
    """
    end = time.monotonic() + seconds
    began = time.monotonic()
    while not (answer := look()):
        ended = time.monotonic()
        if ended > end:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(max(every, min(2 * (ended - began), _REST_S)))
        began = time.monotonic()
    return answer


@contextmanager
def child_process(argv: Sequence[str | Path], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """A process for the length of a block: where it has not ended by then, or the block failed, it is killed."""
    with subprocess.Popen(argv, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def free_ports(count: int) -> list[int]:
    """Return loopback ports nobody listens on just now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def new_key(path: Path, comment: str = "kit", passphrase: str = "") -> str:
    """Make a key pair; returns the public key as known_hosts holds it: its type and its bytes."""
    sh("ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", comment, "-f", str(path))
    return " ".join(path.with_suffix(".pub").read_text("ascii").split()[:2])


class _Host(Protocol):
    name: str

    def power_cut(self) -> None: ...
    def mend(self) -> None: ...


H = TypeVar("H", bound=_Host)


class Hosts(Generic[H]):
    """The hosts of a fleet by name, and what logs in on them: a key, their own keys, and a client's configuration."""

    def __init__(self) -> None:
        self.hosts: dict[str, H] = {}
        self.folder = Path()

    def __getitem__(self, name: str) -> H:
        return self.hosts[name]

    def __iter__(self) -> Iterator[H]:
        return iter(self.hosts.values())

    def mend(self) -> None:
        """End every fault and switch on what is off, so that a test that failed half-way spoils no other."""
        self.each(lambda host: host.mend())

    @property
    def key(self) -> Path:
        """The private key that logs in on every host."""
        return self.folder / "id_ed25519"

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    @property
    def ssh_config(self) -> Path:
        """A configuration in which every host answers to its name, its key known and strictly checked."""
        return self.folder / "ssh_config"

    def configure_ssh(self, known: Iterable[str], blocks: Iterable[str], login: str) -> None:
        """Write known_hosts, a line for each host, and ssh_config: the hosts' own blocks, and the `login` to all."""
        self.known_hosts.write_text("".join(known), encoding="ascii")
        self.ssh_config.write_text(
            f"{''.join(blocks)}Host *\n{login}  IdentityFile {self.key}\n  IdentitiesOnly yes\n"
            f"  UserKnownHostsFile {self.known_hosts}\n  StrictHostKeyChecking yes\n  BatchMode yes\n"
            "  LogLevel ERROR\n",
            encoding="utf-8",
        )

    def each(self, do: Callable[[H], object]) -> None:
        """Do it on every host at once."""
        with ThreadPoolExecutor(max(len(self.hosts), 1)) as pool:
            list(pool.map(do, self.hosts.values()))
