"""Ten minutes on one real Windows: lines to paste, what each should print, and what of ours that decides.

They stand in the agent's README, and are read from there; `doctor windows` asks over SSH what can be asked there.
"""

import functools
import re
from importlib import resources
from typing import Final, NamedTuple

from .windows import literal

_PASTED: Final = re.compile(r'^(?:"--- (\d+)"; |# (\d+) )(.+)$', re.MULTILINE)
_TOLD: Final = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$", re.MULTILINE)


class Line(NamedTuple):
    """One line of Windows PowerShell; for `hands` alone, what to do.

    `places` can answer: an `ssh` session, an `ordinary` console, an `elevated` one, a person's `hands`.
    """

    number: int
    places: tuple[str, ...]
    text: str
    prints: str
    decides: str

    @property
    def over_ssh(self) -> bool:
        return "ssh" in self.places


#: What a machine and its user are called, in one line: to be taken out of a report, and in none.
NAMES: Final = (
    "($env:COMPUTERNAME, $env:USERNAME, $env:USERDOMAIN, $env:USERDNSDOMAIN, $env:USERPROFILE, "
    "$env:ROOSYNC_SHARED_PATH) -join '|'"
)


@functools.cache
def lines() -> tuple[Line, ...]:
    """Return the README's lines, in its order. In them, `$share` is the shared folder, as its agent has it."""
    text = resources.files("roosync_ops.agent").joinpath("README.md").read_text(encoding="utf-8")
    pasted = {command or hands: line for command, hands, line in _PASTED.findall(text)}
    return tuple(
        Line(int(number), tuple(places.split(", ")), pasted[number], prints, decides)
        for number, places, prints, decides in _TOLD.findall(text)
    )


def script(line: str, share: str) -> str:
    """Return a line as an SSH session runs it: its answer and its errors as text, in UTF-8, and no progress bar."""
    return "; ".join(
        [
            "$ProgressPreference = 'SilentlyContinue'",
            "try { [Console]::OutputEncoding = [Text.Encoding]::UTF8 } catch { }",
            f"$share = {literal(share)}",
            "if (-not $share) { $share = $env:ROOSYNC_SHARED_PATH }",
            f"& {{ {line} }} 2>&1 | Out-String -Width 200",
        ]
    )
