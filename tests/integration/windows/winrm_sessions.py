"""Sessions by WinRM with the tests' own endpoint, and what of a password they show."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from roosync_ops.transport import winrm_access
from tests.kits.wsman import USER, Endpoint

pytest.importorskip("pypsrp", reason="no pypsrp (the extra winrm)")

from roosync_ops.transport.winrm_session import WinrmShell

#: What no packet may show: a word of the command.
COMMAND = "echo unmistakable"


def data(endpoint: Endpoint, transport: str, **more: Any) -> dict[str, Any]:
    port = endpoint.https if transport == "https" else endpoint.http
    known = {"winrm_ca": str(endpoint.files.authority)} if transport == "https" else {}
    return (
        {"winrm_hostname": "127.0.0.1", "winrm_user": USER, "winrm_transport": transport, "winrm_port": port}
        | known
        | more
    )


def session(endpoint: Endpoint, transport: str = "http", **more: Any) -> WinrmShell:
    return WinrmShell(winrm_access.of("m", data(endpoint, transport, **more)), connect_timeout=10)


def said(session: WinrmShell) -> bytes:
    try:
        session.open()
        return session.run(COMMAND).out
    finally:
        session.close()


def shows(text: str, endpoint: Endpoint) -> bool:
    """Tell whether a text holds the password, plain or as a login's header would carry it."""
    pair = f"{USER}:{endpoint.password}".encode()
    return endpoint.password in text or base64.b64encode(pair).decode()[:-4] in text
