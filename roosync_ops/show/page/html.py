"""HTML by its elements: every text is escaped where it goes in, so that nothing a machine says becomes markup."""

import html
from typing import Final

from roosync_ops.show.text import safe

#: Elements without content, which in SVG must be closed all the same.
_EMPTY: Final = frozenset(["rect", "line"])
#: No text is shown longer: a machine that says a megabyte makes no page of a megabyte. JSON has it all.
MOST: Final = 600


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


Attribute = str | int | float | bool | None


def text(value: object) -> Html:
    """Return a text as markup that shows these very characters, controls and bidi marks as escapes."""
    return value if isinstance(value, Html) else Html(html.escape(_bounded(value)))


def el(tag: str, *children: object, **attributes: Attribute) -> Html:
    """Return one element. `class_` is class, `data_age` is data-age; an attribute that is None or False is left out."""
    head = tag + "".join(map(_attribute, attributes.items()))
    return Html(f"<{head}/>") if tag in _EMPTY else Html(f"<{head}>{join(*children)}</{tag}>")


def join(*children: object) -> Html:
    """Return the children one after the other; None is nothing, a list its items."""
    shown = (join(*one) if isinstance(one, (list, tuple)) else text(one) for one in children if one is not None)
    return Html("".join(shown))


def hidden(words: object) -> Html:
    """Return what only a screen reader says."""
    return el("span", words, class_="vh")


def _attribute(item: tuple[str, Attribute]) -> str:
    name, value = item[0].rstrip("_").replace("_", "-"), item[1]
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{html.escape(_bounded(value))}"'


def _bounded(value: object) -> str:
    said = str(value)
    return safe(said) if len(said) <= MOST else safe(said[:MOST]) + "…"
