"""A status badge (SVG) to put beside the dashboard, or into a page of one's own: it says when it was true."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Final

from roosync_ops.wire.times import to_iso

from .messages import words

if TYPE_CHECKING:
    from roosync_ops.judge import Validation

#: White on each has a contrast of more than 4.5.
_GOOD, _BAD, _LABEL = "#17713a", "#b3261e", "#3a3f3c"
#: Pixels a letter takes, in DejaVu Sans of 11 pixels, and what is left and right of a text.
_LETTER: Final = 6.6
_AROUND: Final = 12


def badge(validation: Validation, lang: str = "en") -> str:
    """Return `fleet | 4/6 online (66%) | 2026-02-12 10:15Z`, green where all is as expected.

    A picture cannot tell by itself how old it is, so the time of the check is a part of it.
    """
    sign = "✓" if validation.ok else "✗"
    count = f"{sign} {validation.online}/{validation.total} online ({validation.percent}%)"
    at = to_iso(validation.checked_at_ms)
    parts = [(words(lang)["dashboard.badge"], _LABEL), (count, _GOOD if validation.ok else _BAD),
             (f"{at[:10]} {at[11:16]}Z", _LABEL)]  # fmt: skip
    name = html.escape(", ".join(text for text, _ in parts))
    drawn, left = [], 0
    for said, color in parts:
        width = round(len(said) * _LETTER) + _AROUND
        drawn.append(_part(said, color, left, width))
        left += width
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left}" height="20" role="img" aria-label="{name}">'
        f'<title>{name}</title><clipPath id="r"><rect width="{left}" height="20" rx="3"/></clipPath>'
        f'<g clip-path="url(#r)" font-family="DejaVu Sans,Verdana,Geneva,sans-serif" font-size="11" fill="#fff" '
        f'text-anchor="middle">{"".join(drawn)}</g></svg>\n'
    )


def _part(said: str, color: str, left: int, width: int) -> str:
    middle, length = left + width / 2, width - _AROUND
    return (
        f'<rect x="{left}" width="{width}" height="20" fill="{color}"/>'
        f'<text x="{middle:g}" y="14" textLength="{length}" lengthAdjust="spacingAndGlyphs">{html.escape(said)}</text>'
    )
