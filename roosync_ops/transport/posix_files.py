"""Files to and from a POSIX machine through its `sh`: whole or not at all, and with their hash before they count."""

import hashlib
import re
import secrets
import shlex
from typing import Final

from .link import Link, TransferError

_MARK: Final = "roosync-file:"
_FOUND: Final = re.compile(rb"^roosync-file:(\d+) ([0-9a-f]{64})\n", re.MULTILINE)
_TRANSFER_S: Final = 600.0
#: Whatever program of a machine knows SHA-256.
_HASH: Final = (
    'h() { { sha256sum || shasum -a 256 || openssl dgst -sha256 -r || sha256 -q; } 2>/dev/null <"$1" | cut -c1-64; }; '
)
#: What replaces a file has its mode and owner, and lies beside it until it is whole; where no file may be made there,
#: the file itself is written.
_PUT: Final = (
    '[ -h "$f" ] && f=$(readlink -f "$f"); t=$f.$p; '
    '[ -d "$f" ] && { echo; echo "$m"it is a folder; exit 1; }; '
    '{ [ ! -e "$f" ] || cp -p "$f" "$t"; } 2>/dev/null; { true >>"$t"; } 2>/dev/null || t=$f; '
    'cat >"$t" || { echo; echo "$m"it cannot be written; exit 1; }; g=$(h "$t"); '
    'if [ "$g" = "$s" ]; then [ "$t" = "$f" ] || mv -f "$t" "$f" || { echo; echo "$m"it cannot be replaced; exit 1; }; '
    'echo; echo "$m"ok; else [ "$t" = "$f" ] || rm -f "$t"; echo; echo "$m"it arrived with SHA-256 "$g"; exit 1; fi'
)
_GET: Final = 'echo; echo "$m$(wc -c <"$f" | tr -d " ") $(h "$f")"; cat "$f"'


def shell(text: str) -> str:
    r"""Return the line that has `sh` run `text`, whatever shell the user logs in to.

    csh takes no line break and no `!` in quotes, fish takes `\\` for another thing: `text` should hold none of them.
    """
    return f"sh -c {shlex.quote(text)}"


class PosixLink(Link):
    """A POSIX machine: files go through its shell."""

    def put(self, data: bytes, path: str) -> None:
        wanted = hashlib.sha256(data).hexdigest()
        names = {"f": path, "p": f"{secrets.token_hex(4)}.part", "s": wanted, "m": _MARK}
        done = self.execute(shell(_named(names) + _HASH + _PUT), data, _TRANSFER_S)
        said = [line for line in done.out.decode("utf-8", "replace").splitlines() if line.startswith(_MARK)]
        if said != [f"{_MARK}ok"]:
            reason = said[-1].removeprefix(_MARK) if said else done.err.decode("utf-8", "replace").strip()[-200:]
            raise TransferError(
                f"{path}: not uploaded ({reason}, wanted {wanted})" if "SHA" in reason else f"{path}: {reason}"
            )

    def get(self, path: str) -> bytes:
        done = self.execute(shell(_named({"f": path, "m": _MARK}) + _HASH + _GET), timeout_s=_TRANSFER_S)
        head = _FOUND.search(done.out)
        if head is None:
            raise TransferError(f"{path}: {done.err.decode('utf-8', 'replace').strip()[-200:] or 'it cannot be read'}")
        data = done.out[head.end() : head.end() + int(head[1])]
        if len(data) != int(head[1]) or hashlib.sha256(data).hexdigest() != head[2].decode():
            raise TransferError(f"{path}: {len(data)} of {int(head[1])} bytes came, or it changed while it was read")
        return data


def _named(values: dict[str, str]) -> str:
    return "".join(f"{name}={shlex.quote(value)}; " for name, value in values.items())
