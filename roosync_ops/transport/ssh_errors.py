"""From what the ssh program says to one code and one sentence, which quotes it."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Final, NamedTuple

from roosync_ops import typed

from . import link
from .link import LinkError

#: ssh.json: by each code what ssh `says`, what that `means`, and `of` what; the first that is found anywhere counts.
#: And what installs an ssh, by what installs there; on Windows in an administrator's console.
_DATA: Final = json.loads(Path(__file__).with_name("ssh.json").read_text("utf-8"))
_CODES: Final[dict[str, dict[str, str]]] = _DATA["codes"]
_HERE: Final = "here"
#: Lines of ssh's log that are no complaint.
_CHATTER: Final = re.compile(
    r"debug\d: |Authenticated to |Transferred: |Bytes per second|@{5,}|\s*$|Warning: Permanently"
)
_PROXY: Final = re.compile(
    r"Setting implicit ProxyCommand from ProxyJump: .* (\S+)$|Executing proxy command: exec (.*)$", re.MULTILINE
)
#: The last thing that ssh did: `Match exec` of its configuration.
_ASKS: Final = re.compile(r"Executing command: (.*)\s*$")
_ADDRESS: Final = re.compile(r"Connecting to (\S+) \[(.*?)\] port (\d+)\.")
_BANNER: Final = re.compile(r"remote software version (.*)")
_OFFERED: Final = re.compile(r"Offering public key: (.*)$", re.MULTILINE)
_TAKEN: Final = re.compile(r"^debug1: Server accepts key: (.*) \S+ \S+:\S+(?: explicit)?$", re.MULTILINE)
_MAX_QUOTED: Final = 300
#: Without an agent there is nothing to add a key to.
_AGENT: Final = 'eval "$(ssh-agent)" && '


class Log(NamedTuple):
    """What ssh noted while it worked (`-E`, LogLevel DEBUG1 or more)."""

    text: str

    @property
    def begun(self) -> bool:
        """Return True if the name was looked up, or something else than a look-up is next."""
        return any(word in self.text for word in ("Connecting to ", "Executing proxy command", "master session id"))

    @property
    def established(self) -> bool:
        """Return True if a server can be heard: over TCP, or by a proxy."""
        return "Connection established." in self.text or self.proxy is not None

    @property
    def greeted(self) -> bool:
        return "Remote protocol version" in self.text

    @property
    def keyed(self) -> bool:
        return "SSH2_MSG_NEWKEYS received" in self.text

    @property
    def logged_in(self) -> bool:
        return "Authenticated to " in self.text or "master session id" in self.text

    @property
    def remote_status(self) -> bool:
        """Return True if the machine itself ended the command: 255 is then the command's own."""
        return re.search("rtype exit-(status|signal)|Received exit status from master", self.text) is not None

    @property
    def proxy(self) -> str | None:
        """Return the jump host, or the proxy's command line."""
        found = _PROXY.search(self.text)
        return None if found is None else found[1] or found[2]

    @property
    def address(self) -> tuple[str, str, int] | None:
        """Return (name, address, port) that a connection was last made to."""
        found = _ADDRESS.findall(self.text)
        return (found[-1][0], found[-1][1], int(found[-1][2])) if found else None

    @property
    def banner(self) -> str:
        return "".join(_BANNER.findall(self.text)[:1]).strip()[:200]


def worded(log: Log, err: str) -> LinkError:
    """Return what went wrong, from ssh's log and what came on its stderr: there, a jump host's ssh speaks."""
    on_the_way = _complaints(err) if log.proxy is not None and not log.logged_in else []
    # On stderr is what ssh said before it opened its log, or all of it where there is no log.
    own = _complaints(log.text) + ([] if on_the_way or log.logged_in or log.greeted else _complaints(err))
    if log.logged_in:
        return LinkError(link.CONNECTION_LOST, f"the connection was lost: {_last(own)}", met=True, reached=True)
    stuck = log.proxy is not None and not log.greeted
    for lines, proxy in ((on_the_way, log.proxy), ([] if stuck else own, None)):
        for code, known in _CODES.items():
            said = [line for line in lines if re.search(known["says"], line)]
            if said and (proxy is None or known["of"] != _HERE):  # a shell's "line 1:" is no line of a configuration
                return _error(log, code, _quoted(said[0]), proxy)
    if log.proxy is not None:
        last = "; ".join(_last(lines) for lines in (on_the_way, own) if lines) or _last([])
        return LinkError(link.PROXY_FAILED, f"the way by {_plain(log.proxy)} failed: {last}")
    return LinkError(link.UNREACHABLE, _last(own))


def _error(log: Log, code: str, said: str, proxy: str | None) -> LinkError:
    meaning, at_fault, hint = _CODES[code]["means"], _CODES[code]["of"], ""
    if said.startswith("Certificate "):
        meaning = "its host certificate is refused"
    if at_fault == _HERE:
        return LinkError(code, f"{meaning}: {said}")
    if proxy is not None:  # a hop on the way
        meaning = meaning.replace("its host key", "the host key of a jump host")
        kept = code if code.startswith(link.HOST_KEY) else link.PROXY_FAILED
        return LinkError(kept, f"on the way by {_plain(proxy)}: {meaning}: {said}")
    if code == link.LOGIN_REFUSED:
        keys = dict.fromkeys(_plain(key) for key in _OFFERED.findall(log.text))
        said = said.rstrip(".") + (f"; offered: {', '.join(keys)}"[:_MAX_QUOTED] if keys else "; no key was offered")
        if (taken := _TAKEN.findall(log.text)) and "partial success" not in log.text:
            hint = typed.line(("ssh-add", _plain(taken[-1])))
            said += f"; it would take a key that is locked here: {hint}"
            hint = _AGENT * (os.name == "posix" and "SSH_AUTH_SOCK" not in os.environ) + hint
    if code in {link.REFUSED, link.TIMED_OUT, link.NO_ROUTE} and log.address and log.address[1] not in said:
        said += f" ({log.address[1]})"
    return LinkError(code, f"{meaning}: {said}", hint, met=at_fault == "machine")


def install() -> str:
    """Return what installs an ssh program here, empty where there is one, or nothing known to install it with."""
    lines = _DATA["installs"].items()
    return next((line for name, line in lines if shutil.which(name) and not shutil.which("ssh")), "")


def late(log: Log, seconds: float) -> LinkError:
    """Return which part of a login did not end within `seconds`."""
    within = f"within {seconds:g} s"
    if log.proxy is not None and not log.greeted:
        return LinkError(link.PROXY_FAILED, f"the way by {_plain(log.proxy)} did not open {within}")
    if asks := _ASKS.search(log.text):
        return LinkError(link.SSH_CONFIG, f"its Match exec did not end {within}: {_quoted(asks[1])}")
    if not log.begun:
        return LinkError(link.UNKNOWN_HOST, f"its name cannot be resolved: the look-up did not end {within}")
    if not log.established:
        where = "" if log.address is None else f" at {log.address[1]} port {log.address[2]}"
        return LinkError(link.TIMED_OUT, f"it took no connection{where} {within}")
    stuck = " and hung: no login" if log.keyed else ", greeted, and then said nothing: no SSH keys"
    stuck = stuck if log.greeted else " and then said nothing: no SSH greeting"
    return LinkError(link.SILENT, f"it took the connection{stuck} {within}", met=True)


def _complaints(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if not _CHATTER.match(line)]


def _last(lines: list[str]) -> str:
    return _quoted(lines[-1]) if lines else "without a word"


def _quoted(line: str) -> str:
    return _plain(line)[:_MAX_QUOTED]


def _plain(text: str) -> str:
    """What a server said may be anything; a terminal is to take it as text."""
    return "".join(char if char.isprintable() else "?" for char in text).strip()
