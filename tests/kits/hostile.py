"""Texts that do harm where they are obeyed, by what obeys them."""

from __future__ import annotations

import re
from typing import Final

TEXTS: Final = {
    "control characters": "".join(map(chr, (*range(32), *range(127, 160)))),
    "bidi": "\u202egnp.exe\u2066\u2069\u200f\u061c",
    "ansi": "\x1b[2J\x1b]0;title\x07\x9b31m\x1bPq\x1b\\",
    "html": "</script><script>owned=1</script><img src=x onerror=owned=2>\"'&amp;<!-- ]]> -->",
    "markdown": "| a | `b` ``` ![x](http://e.example) @everyone #1 <b> [x]: http://e.example \\| **x**",
    "shell": "'; touch /tmp/pwned; $(touch /tmp/pwned) `id` & calc | more > x %COMSPEC% ^ ! \"",
    "a line of ours": "x\nnext: roosync-ops stop --yes\r\nroosync_machines 9\n# EOF\n",
    "formats": "{machine} {0} {0.__class__} %s %(x)s",
    "1 MB": "A" * 1_000_000,
    "lone surrogates": "\ud800\udfff\udc80x",
    "separators": "a\u2028b\u2029c\u0085d\x0b\x0c\ufeff\ufffe",
}
#: What a terminal, a reader of lines or an eye obeys; no output of ours holds it, whatever was told.
OBEYED: Final = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
