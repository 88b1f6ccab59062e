"""Machines that hang at a certain point of a connection, or drop it there: a forwarder before a real sshd.

At the greeting, at the keys, at the login, in the middle of the answer, in the middle of an upload.
"""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from tests.kits.sshd import Fleet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path

#: Before somebody is let in.
STAGES = ("greeting", "keys", "login")
#: After it.
LATER = ("answer", "upload")
#: More than a login takes, and less than what follows it in a test, in bytes.
LATE = 400_000
_NEW_KEYS = 21  # RFC 4253, section 12
_CHUNK = 65_536


@contextmanager
def hung_fleet(root: Path) -> Iterator[dict[str, dict[str, Any]]]:
    """Give the fields of `machine(...)` for one machine that hangs at each of STAGES. Files go to `root`."""
    with ExitStack() as stack:
        fleet = stack.enter_context(Fleet(root, ["m1"]))
        ports = {stage: stack.enter_context(cut_off(fleet["m1"].port, stage, drop=False)) for stage in STAGES}
        public = " ".join((root / "host_key.pub").read_text().split()[:2])
        fleet.known_hosts.write_text("".join(f"[127.0.0.1]:{port} {public}\n" for port in ports.values()))
        ssh = fleet.fields(fleet["m1"])["ssh"]
        yield {stage: {"host": "127.0.0.1", "port": port, "ssh": ssh} for stage, port in ports.items()}


@contextmanager
def hung_server() -> Iterator[int]:
    """Give a port where connections are taken, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as mute, cut_off(mute.getsockname()[1], "greeting", drop=False) as port:
        yield port


@contextmanager
def too_busy(port: int, count: int) -> Iterator[int]:
    """Give a port that leads to the sshd at `port` once `count` connections were closed without a word."""
    with cut_off(port, "never", drop=True, busy=count) as near:
        yield near


@contextmanager
def cut_off(port: int, stage: str, *, drop: bool, busy: int = 0) -> Iterator[int]:
    """Give a port that leads to the sshd at `port`, and whose connections hang, or end, at `stage`.

    The first `busy` ones end at once.
    """
    over, kept, threads = threading.Event(), [], []
    server = socket.create_server(("127.0.0.1", 0))

    def begin(work: Any, *arguments: Any) -> None:
        threads.append(threading.Thread(target=work, args=arguments, daemon=True))
        threads[-1].start()

    def carry(half: Any, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            if half(source.makefile("rb"), target, stage) and not drop:
                over.wait()
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def take() -> None:
        with suppress(OSError):
            _turn_away(server, busy)
            while True:
                near = server.accept()[0]
                far = socket.create_connection(("127.0.0.1", port))
                kept.extend([near, far])
                begin(carry, _down, far, near)
                begin(carry, _up, near, far)

    begin(take)
    try:
        yield int(server.getsockname()[1])
    finally:
        over.set()
        for one in (server, *kept):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(5)
        for one in (server, *kept):
            one.close()


def _turn_away(server: socket.socket, count: int) -> None:
    for _ in range(count):
        server.accept()[0].close()


def _down(source: BufferedReader, target: socket.socket, stage: str) -> bool:
    """Carry what sshd says; True at the stage."""
    if stage == "greeting":
        return True
    target.sendall(source.readline())
    if stage == "keys":
        return True
    kind = None
    while stage == "login" and kind != _NEW_KEYS:
        length = source.read(4)
        packet = source.read(int.from_bytes(length, "big"))
        if not packet:
            return False
        kind = packet[1]
        target.sendall(length + packet)
    return stage == "login" or _copied(source, target, cut=stage == "answer")


def _up(source: BufferedReader, target: socket.socket, stage: str) -> bool:
    return _copied(source, target, cut=stage == "upload")


def _copied(source: BufferedReader, target: socket.socket, *, cut: bool) -> bool:
    """Carry everything, or LATE bytes; True where these have been."""
    carried = 0
    while data := source.read1(_CHUNK):
        carried += len(data)
        if cut and carried > LATE:
            return True
        target.sendall(data)
    return False
