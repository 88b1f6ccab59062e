"""One endpoint as a process of its own: a JSON document on stdin says what it is, its end is the end of stdin."""

from __future__ import annotations

import json
import os
import ssl
import sys
import threading
from pathlib import Path
from typing import Any

from .server import Options, Server
from .shells import Machine, Posix, Shells, Wine


def main() -> None:
    told: dict[str, Any] = json.loads(sys.stdin.readline())
    os.environ["NTLM_USER_FILE"] = told["ntlm"]  # pyspnego's acceptor reads its accounts there
    wine = told["wine"]
    machine: Machine = Posix() if wine is None else Wine(wine["environment"], wine["enter"], Path(wine["driveC"]))
    shells = Shells(machine, told["idle"])
    options = Options(
        told["user"],
        told["password"],
        told["plaintext"],
        Path(told["serverDer"]).read_bytes(),
        Path(told["transcript"]),
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(told["server"], told["serverKey"])
    context.load_verify_locations(told["authority"])
    context.verify_mode = ssl.CERT_OPTIONAL
    servers = [Server(options, shells, None), Server(options, shells, context)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(json.dumps([server.server_address[1] for server in servers]) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    for server in servers:
        server.closing.set()
        server.shutdown()
    shells.close()


main()
