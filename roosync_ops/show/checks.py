"""The procedure's four checks after an enrolment, a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .columns import GREEN, RED, paint
from .messages import words
from .reasons import sentence
from .text import safe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from roosync_ops.judge import Check


def check_lines(checks: Iterable[Check], lang: str = "en", *, color: bool = False) -> list[str]:
    """Return `✓ in heartbeats` or `✗ in heartbeats: why`, for each check."""
    return [_line(check, lang, color=color) for check in checks]


def _line(check: Check, lang: str, *, color: bool) -> str:
    name = words(lang)[f"check.{check.name}"]
    mark = paint("✓" if check.ok else "✗", (GREEN if check.ok else RED) if color else "")
    return f"{mark} {name}" if check.reason is None else f"{mark} {name}: {safe(sentence(check.reason, lang))}"
