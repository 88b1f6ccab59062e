"""One OpenSSH public key, read with suspicion: what is let through here is let into every machine."""

import base64
import binascii
import codecs
import re
from pathlib import Path
from typing import Final, NamedTuple

from roosync_ops.errors import CommandError, usage

#: Far more than the longest public key; a file beyond it is something else.
MAX_BYTES: Final = 65_536
#: What OpenSSH for Windows accepts for users (`ssh -Q PubkeyAcceptedAlgorithms`); no DSA, no certificates.
TYPES: Final = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
_PRIVATE: Final = re.compile(r"PRIVATE KEY|PuTTY-User-Key-File")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
#: A key's own length fields are four bytes, big-endian (RFC 4251, section 5).
_LENGTH: Final = 4


class PublicKey(NamedTuple):
    """A public key as `authorized_keys` holds it; the comment is any text, of one line."""

    kind: str
    blob: str
    comment: str

    def __str__(self) -> str:
        return " ".join(part for part in self if part)


def find(folder: Path) -> Path:
    """Return the one public key in a user's `.ssh` folder. Raises CommandError where there is not just one."""
    found = sorted(path for path in folder.glob("*.pub") if not path.name.endswith("-cert.pub"))
    if len(found) == 1:
        return found[0]
    if not found:
        raise usage(f"{folder} holds no public key", "make one with: ssh-keygen -t ed25519")
    names = ", ".join(path.name for path in found)
    raise usage(f"{folder} holds {len(found)} public keys ({names})", f"choose one: --key {found[0]}")


def parse(data: bytes, source: str) -> PublicKey:
    """Return the one public key in `data`, which came from `source`. Raises CommandError."""
    if len(data) > MAX_BYTES:
        raise _refused(source, "far too long for a public key")
    if b"\0" in data[:2] or data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        again = "in PowerShell: (Get-Content FILE) | Set-Content -Encoding Ascii FILE"
        raise usage(f"{source}: in UTF-16, as PowerShell's > writes it: not text that OpenSSH reads", again)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refused(source, "not text in UTF-8") from None
    if _PRIVATE.search(text):
        raise usage(
            f"{source} holds a private key, which must never leave this machine", "name the public one beside it (.pub)"
        )
    if "BEGIN SSH2 PUBLIC KEY" in text:
        raise usage(f"{source} is not in OpenSSH's form", "convert it with: ssh-keygen -i -f FILE")
    return _only(text, source)


def _only(text: str, source: str) -> PublicKey:
    lines = [line.strip() for line in re.split(r"\r?\n", text)]
    keys = [line for line in lines if line and not line.startswith("#")]
    if len(keys) != 1:
        raise _refused(source, f"{len(keys)} lines where one key is expected")
    if _CONTROL.search(keys[0]):
        raise _refused(source, "control characters in the key")
    kind, blob, comment = (*keys[0].split(None, 2), "", "")[:3]
    if kind not in TYPES:
        raise _refused(source, f"{kind[:40]!r} is no type of public key that is accepted ({', '.join(TYPES)})")
    if not _holds(blob, kind):
        raise _refused(source, "the key itself is damaged")
    return PublicKey(kind, blob, comment)


def _holds(blob: str, kind: str) -> bool:
    """Return True if a key's base64 is whole: length-prefixed fields to the last byte, the first of them its type."""
    try:
        data = base64.b64decode(blob, validate=True)
    except (binascii.Error, ValueError):
        return False
    fields: list[bytes] = []
    at = 0
    while at + _LENGTH <= len(data):
        length = int.from_bytes(data[at : at + _LENGTH], "big")
        fields.append(data[at + _LENGTH : at + _LENGTH + length])
        at += _LENGTH + length
    return at == len(data) and len(fields) > 1 and fields[0] == kind.encode()


def _refused(source: str, why: str) -> CommandError:
    return usage(f"{source}: {why}", "name a public key of yours: --key ~/.ssh/id_ed25519.pub")
