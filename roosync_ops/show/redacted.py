"""What a machine printed, without what tells whose it is: for a report that is attached in public."""

import re
from collections.abc import Iterable
from typing import Final

#: Names that every Windows has, or that are words: they identify no one.
_COMMON: Final = frozenset(["administrator", "system", "users", "public", "default", "workgroup", "localhost"])
_PATTERNS: Final = (
    # Accounts of a machine, a domain or Entra; the well-known ones (S-1-5-18, S-1-5-32-544) are the same everywhere.
    (re.compile(r"S-1-(?:5-21|12-1)(?:-\d+)+", re.IGNORECASE), "<account>"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "<mail>"),
    (re.compile(r"(?<=[A-Za-z]:[\\/]users[\\/])[^\\/\r\n\"'<>|]+", re.IGNORECASE), "<user>"),
    (re.compile(r"(?<![\w.])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![\w.])"), "<address>"),
    (
        re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f:]*::|(?:[0-9A-Fa-f]+:){7})[0-9A-Fa-f:]{3,39}(?:%\w+)?(?![\w:])"),
        "<address>",
    ),
    (re.compile(r"\\\\[\w.-]+(?=\\)"), r"\\\\<host>"),
)
#: A host's own name before its domain.
_LABEL: Final = re.compile(r"^(?!\d+\.)[^.]+(?=\.)")
_DRIVE: Final = re.compile(r"[A-Za-z]:|.")
_IPV4: Final = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")
#: What four numbers are where they are no address: Windows' and OpenSSH's own versions.
_VERSION: Final = re.compile(r"10\.0\.\d{5}\..*|[4-9]\.\d\.\d\.\d")


def redacted(text: str, names: Iterable[str | None], paths: Iterable[str] = ()) -> str:
    """Return `text` without `names` (of users, hosts and domains), `paths`, and whatever looks like an address."""
    for path in _longest(paths):
        parts = map(re.escape, re.split(r"[\\/]", path.rstrip("\\/")))
        text = re.sub(r"[\\/]".join(parts), "<share>", text, flags=re.IGNORECASE)
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    text = _IPV4.sub(lambda found: found[0] if _VERSION.fullmatch(found[0]) else "<address>", text)
    wanted = {part for name in names if name for part in (name, *re.split(r"[\\/@]", name), *_LABEL.findall(name))}
    for name in _longest(wanted):
        if not _DRIVE.fullmatch(name) and name.lower() not in _COMMON:
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "<name>", text, flags=re.IGNORECASE)
    return text


def _longest(texts: Iterable[str]) -> list[str]:
    """Return texts with what holds others first."""
    return sorted({text.strip() for text in texts if text.strip()}, key=lambda text: (-len(text), text))
