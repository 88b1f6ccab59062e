"""What a person types next: words, quoted here and nowhere else for every shell that they pass.

A command is made of words, one of which may be a machine's own; nothing but these functions makes a text of them, so
no text becomes a command. A command of ours is about the same fleet as the one that was typed: its flags go with it.
"""

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

OURS: Final = "roosync-ops"
#: Command to which of these flags it takes: they say what fleet it is about.
TAKES: Final[dict[str, list[str]]] = json.loads(Path(__file__).with_name("typed.json").read_text("utf-8"))
_FLAGS: Final = ("--inventory", "--shared", "--via")
#: What neither cmd.exe nor PowerShell takes for anything, without quotes and within double ones.
_BARE: Final = re.compile(r"[\w.:\\/+=-][\w.:\\/+=@-]*")
_QUOTED: Final = re.compile(r"[\w .:\\/+=@,()#'~-]*[\w .:/+=@,()#'~-]")
_flags: dict[str, str] = {}


def repeat(flags: Mapping[str, str]) -> None:
    """Have every command of ours that is made from now on carry those of `flags` that it takes."""
    _flags.clear()
    _flags.update(flags)


def repeated() -> dict[str, str]:
    """Return what `repeat` was given, for a process that makes commands on our behalf."""
    return dict(_flags)


def flags_of(arguments: Sequence[str]) -> dict[str, str]:
    """Return which fleet a command line of ours is about, as far as it says so itself."""
    found: dict[str, str] = {}
    names = {"-i": "--inventory", **{flag: flag for flag in _FLAGS}}
    words = iter(arguments)
    for word in words:
        if word == "--":
            break
        name, equals, value = word.partition("=")
        if name in names:
            found[names[name]] = value if equals else next(words, "")
        elif word.startswith("-i") and not word.startswith("--"):
            found["--inventory"] = word[2:]
    return {flag: value for flag, value in found.items() if value}


def ours(verb: str, *words: str) -> str:
    """Return a command of ours, about the fleet at hand."""
    return line((OURS, verb, *words, *needed((verb, *words))))


def elsewhere(verb: str, *words: str) -> str:
    """Return a command of ours as `ours` does, and name no shared state: the one that was named is of no use."""
    with about({flag: value for flag, value in _flags.items() if flag not in ("--shared", "--via")}):
        return ours(verb, *words)


@contextmanager
def about(flags: Mapping[str, str]) -> Iterator[None]:
    """Have commands of ours carry `flags`, and no others, while the block runs.

    None at all in what others will read: they name places of this computer.
    """
    kept = repeated()
    repeat(flags)
    try:
        yield
    finally:
        repeat(kept)


def own(text: str) -> str:
    """Return a command of ours that stands in our own words as one about the fleet at hand; what is none, as it is."""
    more = needed(shlex.split(text)[1:]) if text.startswith(f"{OURS} ") else []
    return f"{text} {line(more)}" if more else text


def needed(words: Sequence[str]) -> list[str]:
    """Return the flags that a command of ours takes and does not name, each before what it is."""
    named = {word.partition("=")[0] for word in words}
    flags = [pair for pair in _flags.items() if pair[0] in TAKES.get(words[0], ()) and pair[0] not in named]
    return [word for pair in flags for word in pair]


def line(words: Sequence[str]) -> str:
    """Return `words` as they are typed into a shell of this computer. On Windows what no quotes protect is left out."""
    if os.name == "posix":
        return shlex.join(words)
    return " ".join(found for word in words if (found := windows(word)) is not None)


def windows(word: str) -> str | None:
    """Return a word as both cmd.exe and PowerShell read it; None for one that not both read as it is, or empty."""
    return word if _BARE.fullmatch(word) else f'"{word}"' if _QUOTED.fullmatch(word) else None


def there(login: Sequence[str], words: Sequence[str], *, is_windows: bool) -> str | None:
    """Return the line that runs `words` on a machine, through its shell; `login` are the words that log in.

    None where the machine's shell may not read one of them as it is: which shell a Windows machine has is not known.
    """
    quoted = [windows(word) if is_windows else shlex.quote(word) for word in words]
    if not login or any(word is None or not word.isprintable() for word in quoted):
        return None
    terminal = ["-t"] if words[0] == "sudo" else []  # it asks for a password
    whole = [login[0], *terminal, *login[1:], " ".join(filter(None, quoted))]
    return None if os.name != "posix" and None in map(windows, whole) else line(whole)
