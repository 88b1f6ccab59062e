"""GitHub's own command line, `gh`: asked for JSON, given JSON on standard input; what goes wrong is one sentence.

The flags are those of `gh api` (its manual): --method, --input, --paginate. `--slurp` came with gh 2.48 and is not
used: pages come one after another, as one array each or as one array of all.
"""

import json
import os
import re
import shutil
from typing import Any, Final

from roosync_ops import process
from roosync_ops.errors import NOT_DELIVERED, CommandError

#: How long one request may take, in s: all pages of an issue's comments included.
TIMEOUT_S: Final = 60.0
_STATUS: Final = re.compile(r"\bHTTP (\d{3})\b")
#: gh's exit code for "authentication required" (`gh help exit-codes`).
_NEEDS_LOGIN: Final = 4
_SERVER_ERRORS: Final = 500
#: What a status of HTTP means, None for none: the code, what is said (before gh's own words), the next command.
_REFUSALS: Final = {
    None: ("GH_UNREACHABLE", "gh did not reach GitHub", "gh auth status"),
    401: ("GH_NOT_LOGGED_IN", "gh is not logged in to GitHub, or no longer", "gh auth login"),
    403: ("GH_FORBIDDEN", "this login may not do that", "gh auth status"),
    404: ("GH_NOT_FOUND", "GitHub knows no {path}, or shows it not to this login", "gh auth status"),
    410: ("GH_NOT_FOUND", "GitHub knows no {path}, or shows it not to this login", "gh auth status"),
    429: ("GH_RATE_LIMITED", "GitHub wants no more requests for now", "gh api rate_limit"),
}


class GhError(CommandError):
    """A request was not answered as hoped.

    `lost`: it is not known whether it was carried out: there was no answer, or none that can be read.
    """

    def __init__(self, code: str, reason: str, hint: str, *, lost: bool = False) -> None:
        super().__init__(code, reason, hint, NOT_DELIVERED)
        self.lost = lost


def request(path: str, *, method: str = "GET", body: dict[str, Any] | None = None, paginate: bool = False) -> list[Any]:
    """Return the JSON documents GitHub answers with, one a page. Raises GhError."""
    program = shutil.which("gh")
    if program is None:
        missing = "gh, GitHub's command line, is not on this computer's PATH"
        raise GhError("GH_MISSING", missing, "https://cli.github.com")
    words = [program, "api", "--method", method, *(["--paginate"] if paginate else [])]
    words += [*([] if body is None else ["--input", "-"]), path]
    given = b"" if body is None else json.dumps(body).encode("ascii")
    # It asks nothing, colours nothing and looks for no newer version of itself.
    dropped = ("CLICOLOR_FORCE", "GH_FORCE_TTY", "GH_DEBUG", "DEBUG")
    environment = {name: value for name, value in os.environ.items() if name not in dropped}
    environment |= {"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1"}
    try:
        ended = process.within(TIMEOUT_S, words, given, environment=environment)
    except process.ChildError as error:
        if not error.ended:
            raise GhError("GH_MISSING", f"gh cannot be started: {error}", "gh --version") from None
        message = f"GitHub did not answer gh within {TIMEOUT_S:g} s"
        raise GhError("GH_TIMEOUT", message, "gh auth status", lost=True) from None
    if ended.code != 0:
        raise _problem(ended, path)
    try:
        return _documents(ended.out.decode("utf-8"))
    except (ValueError, RecursionError):
        message = f"what gh answered about {path} is not JSON"
        raise GhError("GH_UNREADABLE", message, f"gh api {path}", lost=True) from None


def _documents(text: str) -> list[Any]:
    """Return the JSON documents that stand one after another."""
    decoder, found, text = json.JSONDecoder(), [], text.strip()
    while text:
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:].lstrip()
    return found


def _problem(ended: process.Ended, path: str) -> GhError:
    """Say what a refusal means; gh says `gh: Not Found (HTTP 404)` and the like."""
    match = _STATUS.search(ended.said)
    status = int(match.group(1)) if match else None
    said = ended.said.removeprefix("gh: ") or f"exit code {ended.code}"
    if ended.code == _NEEDS_LOGIN:
        status = 401
    elif status == 403 and "rate limit" in said.lower():  # noqa: PLR2004 - as in _REFUSALS
        status = 429
    code, reason, hint = _REFUSALS.get(status, ("GH_FAILED", "GitHub refused", f"gh api {path}"))
    lost = status is None or status >= _SERVER_ERRORS
    return GhError(code, f"{reason.format(path=path)}: {said}", hint, lost=lost)
