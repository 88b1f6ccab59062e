"""Lines that cmd.exe and PowerShell both take literally, and how a Python in any place is started by one."""

import re
from typing import Final

#: cmd.exe takes 8,191 characters, of which OpenSSH spends some on `cmd.exe /c "..."`.
MAX_LINE: Final = 8000
#: Where what a command line names of ours lies, for as long as it takes: in the user's profile, where nobody else may
#: write. Sessions of SSH, SFTP and WinRS begin in the profile, so the path is plain whatever the user is called.
FOLDER: Final = r"AppData\Local\roosync-ops"

#: No quote, no blank, nothing that cmd.exe or PowerShell expands, escapes or splits at.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:\\=+/-]+")
#: The program: a `/` in it would be a switch to cmd.exe, and a sign an operator to PowerShell.
_PROGRAM: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.:\\-]*")
#: PowerShell makes two words of `-name.rest` and of `-name:rest`.
_SPLIT: Final = re.compile(r"-[A-Za-z_][^.:]*[.:].*")
_DRIVE: Final = re.compile(r"[A-Za-z]:[\\/]")

#: https://docs.python.org/3/using/windows.html: what lets `py` and `python` install a Python that is missing.
_NO_INSTALL: Final = (
    "PYTHON_MANAGER_AUTOMATIC_INSTALL=false",
    "PYLAUNCHER_ALLOW_INSTALL=",
    "PYLAUNCHER_ALWAYS_INSTALL=",
)

#: -I -S: neither the user's environment nor site packages can change what runs. `-`: the program is on stdin.
_FLAGS: Final = ("-I", "-S", "-")


class NotPlainError(ValueError):
    """A word that a shell of Windows might not take literally."""


def line(program: str, *arguments: str) -> str:
    """Return one command line for whatever shell the machine has. Raises NotPlainError."""
    for word in (program, *arguments):
        # A `\` at the end would take with it the quote that the server puts behind the line.
        if not _PLAIN.fullmatch(word) or word.endswith("\\") or _SPLIT.fullmatch(word):
            raise NotPlainError(
                f"{word!r:.80} cannot be part of a Windows command line: a shell might not take it as is"
            )
    if not _PROGRAM.fullmatch(program):
        raise NotPlainError(f"{program!r:.80} cannot begin a Windows command line")
    found = " ".join((program, *arguments))
    if len(found) > MAX_LINE:
        raise NotPlainError(f"a command line of {len(found)} characters; at most {MAX_LINE} are taken")
    return found


def words_of(python: str) -> tuple[str, ...] | None:
    """Return the words that start `python` (a path, or words such as `py -3.12`); None where it takes a launcher."""
    path = is_path(python)
    words = (python.replace("/", "\\"),) if path else tuple(python.split())
    try:
        line(*words)
    except (NotPlainError, TypeError):
        return None
    return words


def is_path(python: str) -> bool:
    """Return True if `python` is a path on a drive or a share, and not words of a command line."""
    return bool(_DRIVE.match(python)) or python.startswith("\\\\")


def python_line(words: tuple[str, ...]) -> str:
    """Return the line that has a Python read its program from stdin. Raises NotPlainError."""
    return line(*words, *_FLAGS)


def launcher(python: str, profile: str, code_page: str) -> bytes:
    """Return the text of a .cmd that starts the Python at `python`, which lies where no plain word can name it.

    cmd.exe reads it in the machine's OEM code page, and knows the profile's own name by %USERPROFILE% in Unicode.
    Raises NotPlainError where that code page cannot write the path.
    """
    path = python.replace("/", "\\")
    if '"' in path or "\n" in path or "\r" in path:
        raise NotPlainError(f"{python!r:.80} is no path on Windows")
    home = profile.rstrip("\\") + "\\"
    shown = path.replace("%", "%%")
    if path.lower().startswith(home.lower()):
        shown = "%USERPROFILE%\\" + path[len(home) :].replace("%", "%%")
    text = f'@setlocal DisableDelayedExpansion\r\n@"{shown}" %*\r\n@exit /b %ERRORLEVEL%\r\n'
    try:
        return text.encode(code_page)
    except UnicodeEncodeError:
        raise NotPlainError(
            f"{python!r:.120} holds characters that the machine's code page ({code_page}) has not got: "
            "name a Python in a folder without them"
        ) from None


def launcher_of_name(words: str) -> bytes:
    """Return the text of a .cmd that starts what a name on PATH stands for, such as `py -3`. Raises NotPlainError.

    A look installs nothing: Python's install manager would, and so would an older `py` that was told to.
    """
    start = line(*(words.split() or [""]))
    held = "".join(f"@set {each}\r\n" for each in _NO_INSTALL)
    return f"@setlocal DisableDelayedExpansion\r\n{held}@{start} %*\r\n@exit /b %ERRORLEVEL%\r\n".encode()
