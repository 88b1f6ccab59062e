"""The envelopes of the WinRS subset of WS-Management ([MS-WSMV]): read requests, write responses and faults."""

from __future__ import annotations

import re
import uuid
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape, quoteattr

SHELL: Final = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
CMD: Final = f"{SHELL}/cmd"
TRANSFER: Final = "http://schemas.xmlsoap.org/ws/2004/09/transfer"

NAMES: Final = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "f": "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault",
    "rsp": SHELL,
    "x": TRANSFER,
}

#: [MS-WSMV] 2.2.4.43 and winerror.h: codes that Windows gives in a WSManFault.
TIMED_OUT: Final = 2150858793
NO_SUCH_SHELL: Final = 2150858843
BAD_REQUEST: Final = 2150858817
TOO_LARGE: Final = 2150858819
ACCESS_DENIED: Final = 5

#: What Windows Server 2008 R2 takes at most; newer ones take 500 kB.
MAX_ENVELOPE: Final = 153_600


class Fault(Exception):  # noqa: N818 - SOAP's own word
    """What a request is answered with instead: a WSManFault of `code`."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True)
class Request:
    """One request. `timeout_s` is its OperationTimeout."""

    action: str
    message_id: str
    resource: str
    timeout_s: float
    shell_id: str | None
    body: ET.Element
    options: dict[str, str] = field(default_factory=dict)

    def text(self, path: str) -> str | None:
        """Return the text of the element of the body at `path`."""
        return self.body.findtext(path, namespaces=NAMES)

    def element(self, path: str) -> ET.Element:
        found = self.body.find(path, NAMES)
        if found is None:
            raise Fault(BAD_REQUEST, f"the body has no {path}")
        return found


def parse(data: bytes) -> Request:
    """Read one envelope. Raises Fault where Windows would."""
    if len(data) > MAX_ENVELOPE:
        raise Fault(TOO_LARGE, f"an envelope of {len(data)} bytes")
    try:
        envelope = ET.fromstring(data)  # noqa: S314 - from the tests' own client
    except ET.ParseError as error:
        raise Fault(BAD_REQUEST, f"no XML: {error}") from None
    header, body = envelope.find("s:Header", NAMES), envelope.find("s:Body", NAMES)
    if header is None or body is None:
        raise Fault(BAD_REQUEST, "no header or no body")
    return Request(
        action=header.findtext("a:Action", "", NAMES),
        message_id=header.findtext("a:MessageID", "", NAMES),
        resource=header.findtext("w:ResourceURI", "", NAMES),
        timeout_s=_seconds(header.findtext("w:OperationTimeout", "PT60S", NAMES)),
        shell_id=_named(header, "w:SelectorSet/w:Selector").get("ShellId"),
        body=body,
        options=_named(header, "w:OptionSet/w:Option"),
    )


def response(request: Request, action: str, body: str) -> bytes:
    return _envelope(request.message_id, action, body)


def fault(message_id: str, problem: Fault) -> bytes:
    reason = escape(str(problem))
    return _envelope(
        message_id,
        "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault",
        "<s:Fault><s:Code><s:Value>s:Receiver</s:Value></s:Code>"
        f'<s:Reason><s:Text xml:lang="en-US">{reason}</s:Text></s:Reason>'
        f'<s:Detail><f:WSManFault Code="{problem.code}" Machine="127.0.0.1"><f:Message>{reason}</f:Message>'
        "</f:WSManFault></s:Detail></s:Fault>",
    )


def created(shell_id: str, idle_s: float) -> str:
    """Return the body that answers Create."""
    return (
        f"<x:ResourceCreated><a:Address>/wsman</a:Address><a:ReferenceParameters><w:ResourceURI>{CMD}</w:ResourceURI>"
        f'<w:SelectorSet><w:Selector Name="ShellId">{shell_id}</w:Selector></w:SelectorSet>'
        "</a:ReferenceParameters></x:ResourceCreated>"
        f"<rsp:Shell><rsp:ShellId>{shell_id}</rsp:ShellId><rsp:ResourceUri>{CMD}</rsp:ResourceUri>"
        f"<rsp:IdleTimeOut>PT{idle_s:.3f}S</rsp:IdleTimeOut><rsp:InputStreams>stdin</rsp:InputStreams>"
        "<rsp:OutputStreams>stdout stderr</rsp:OutputStreams></rsp:Shell>"
    )


def received(command_id: str, pieces: list[tuple[str, str, bool]], code: int | None) -> str:
    """Return the body that answers Receive: (stream, base64, whether it is the stream's end) and the exit code."""
    streams = "".join(
        f"<rsp:Stream Name={quoteattr(name)} CommandId={quoteattr(command_id)} End={quoteattr(str(end).lower())}>"
        f"{text}</rsp:Stream>"
        for name, text, end in pieces
    )
    state = "Running" if code is None else "Done"
    exit_code = "" if code is None else f"<rsp:ExitCode>{code}</rsp:ExitCode>"
    return (
        f"<rsp:ReceiveResponse>{streams}<rsp:CommandState CommandId={quoteattr(command_id)} "
        f'State="{SHELL}/CommandState/{state}">{exit_code}</rsp:CommandState></rsp:ReceiveResponse>'
    )


def _envelope(relates_to: str, action: str, body: str) -> bytes:
    names = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMES.items())
    return (
        f'<s:Envelope xml:lang="en-US" {names}><s:Header><a:Action>{action}</a:Action>'
        f"<a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID><a:RelatesTo>{escape(relates_to)}</a:RelatesTo>"
        f"</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def _named(header: ET.Element, path: str) -> dict[str, str]:
    return {found.get("Name", ""): found.text or "" for found in header.findall(path, NAMES)}


def _seconds(duration: str) -> float:
    match = re.fullmatch(r"PT([0-9.]+)S", duration)
    if match is None:
        raise Fault(BAD_REQUEST, f"a duration {duration!r}")
    return float(match[1])
