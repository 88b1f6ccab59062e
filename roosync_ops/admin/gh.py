"""GitHub's own command line, `gh`: asked for JSON, given JSON on standard input; what goes wrong is one sentence.

The flags are those of `gh api` (its manual): --method, --input, --paginate. `--slurp` came with gh 2.48 and is not
used: pages come one after another, as one array each or as one array of all.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from typing import Any, Final

from roosync_ops import process
from roosync_ops.errors import NOT_DELIVERED, RoosyncError

#: How long one request may take, in s: all pages of an issue's comments included.
TIMEOUT_S: Final = 60.0
_STATUS: Final = re.compile(r"\bHTTP (\d{3})\b")
#: gh's exit code for "authentication required" (`gh help exit-codes`).
_NEEDS_LOGIN: Final = 4
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _GONE, _TOO_MANY = 401, 403, 404, 410, 429
_SERVER_ERRORS: Final = 500


class GhError(RoosyncError):
    """A request was not answered as hoped.

    `lost` tells that nobody knows whether it was carried out: there was no answer, or none that can be read.
    """

    exit_code = NOT_DELIVERED

    def __init__(self, code: str, reason: str, hint: str, *, lost: bool = False) -> None:
        super().__init__(reason, hint)
        self.code = code
        self.lost = lost


def request(path: str, *, method: str = "GET", body: dict[str, Any] | None = None, paginate: bool = False) -> list[Any]:
    """Return the JSON documents GitHub answers with, one a page. Raises GhError."""
    words = [_program(), "api", "--method", method, *(["--paginate"] if paginate else [])]
    given = b""
    if body is not None:
        words += ["--input", "-"]
        given = json.dumps(body).encode("ascii")
    try:
        ended = process.within(TIMEOUT_S, [*words, path], given, environment=_environment())
    except process.ChildError as error:
        if not error.ended:
            raise GhError("GH_MISSING", f"gh cannot be started: {error}", "gh --version") from None
        message = f"GitHub did not answer gh within {TIMEOUT_S:g} s"
        raise GhError("GH_TIMEOUT", message, "gh auth status, then again", lost=True) from None
    if ended.code != 0:
        raise _problem(ended, path)
    try:
        return _documents(ended.out.decode("utf-8"))
    except (ValueError, RecursionError):
        message = f"what gh answered about {path} is not JSON"
        raise GhError("GH_UNREADABLE", message, f"gh api {path}", lost=True) from None


def _program() -> str:
    found = shutil.which("gh")
    if found is None:
        raise GhError(
            "GH_MISSING", "gh, GitHub's command line, is not on this computer's PATH", "https://cli.github.com"
        )
    return found


def _environment() -> dict[str, str]:
    """Return an environment in which gh asks nothing, colours nothing and looks for no newer version of itself."""
    dropped = ("CLICOLOR_FORCE", "GH_FORCE_TTY", "GH_DEBUG", "DEBUG")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1"}


def _documents(text: str) -> list[Any]:
    """Return the JSON documents that stand one after another."""
    decoder, found, at = json.JSONDecoder(), [], 0
    text = text.strip()
    while at < len(text):
        document, at = decoder.raw_decode(text, at)
        found.append(document)
        while at < len(text) and text[at].isspace():
            at += 1
    return found


def _problem(ended: process.Ended, path: str) -> GhError:
    """Say what a refusal means; gh says `gh: Not Found (HTTP 404)` and the like."""
    match = _STATUS.search(ended.said)
    status = int(match.group(1)) if match else None
    said = ended.said.removeprefix("gh: ") or f"exit code {ended.code}"
    if ended.code == _NEEDS_LOGIN or status == _UNAUTHORIZED:
        return GhError("GH_NOT_LOGGED_IN", f"gh is not logged in to GitHub, or no longer: {said}", "gh auth login")
    if status == _TOO_MANY or (status == _FORBIDDEN and "rate limit" in said.lower()):
        return GhError("GH_RATE_LIMITED", f"GitHub wants no more requests for now: {said}", "gh api rate_limit")
    if status in (_NOT_FOUND, _GONE):
        message = f"GitHub knows no {path}, or shows it not to this login: {said}"
        return GhError("GH_NOT_FOUND", message, "gh auth status")
    if status == _FORBIDDEN:
        return GhError("GH_FORBIDDEN", f"this login may not do that: {said}", "gh auth status")
    if status is None:
        return GhError("GH_UNREACHABLE", f"gh did not reach GitHub: {said}", "gh auth status", lost=True)
    return GhError("GH_FAILED", f"GitHub refused: {said}", f"gh api {path}", lost=status >= _SERVER_ERRORS)
