"""Our one comment in an issue: found again by a hidden mark and by its author, and edited rather than added to.

1. Who is logged in, and which of the issue's comments begin with the mark and are theirs? Another user who quotes our
   comment, mark and all, has not written ours.
2. The newest of them is edited; where there is none, one is added.
3. An addition whose answer was lost may have been made: it is looked for by its run's id, and never sent again from
   here. The next run finds it, or adds it.

GitHub's own command line, `gh`, is asked for JSON and given JSON on standard input; the flags are those of `gh api`:
--method, --input, --paginate. `--slurp` came with gh 2.48 and is not used: pages come one after another, as one array
each or as one array of all.
"""

import json
import os
import re
import shutil
import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from roosync_ops import process
from roosync_ops.errors import NOT_DELIVERED, CommandError, usage

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
MARK: Final = "<!-- roosync-ops report: run {run} -->"
_MARK_BEGINS: Final = "<!-- roosync-ops report: "
_TARGET: Final = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))/([A-Za-z0-9._-]{1,100})#([1-9][0-9]{0,9})", re.ASCII)
#: How long after a lost answer the comment is looked for, in s: it may still be on its way.
_LOOKS_AFTER_S: Final = (1.0, 4.0)


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


class CommentTarget(NamedTuple):
    """An issue, or a pull request: to GitHub they are one thing here."""

    owner: str
    repository: str
    number: int

    @property
    def name(self) -> str:
        return f"{self.owner}/{self.repository}#{self.number}"

    @property
    def path(self) -> str:
        return f"repos/{self.owner}/{self.repository}/issues/{self.number}/comments"


class Posted(NamedTuple):
    """What was done: `action` is added or edited; `others` are further comments of ours, which were left alone."""

    url: str
    action: str
    others: tuple[str, ...] = ()


def target(text: str) -> CommentTarget:
    """Parse `OWNER/REPO#460`. Raises CommandError (usage)."""
    match = _TARGET.fullmatch(text)
    if match is None or match.group(2) in (".", ".."):
        raise usage(f"--post {text!r:.120} is no issue: OWNER/REPO#NUMBER", "roosync-ops report --help")
    return CommentTarget(match.group(1), match.group(2), int(match.group(3)))


def marked(body: str, run: str) -> str:
    """Return `body` as it is sent: with the mark of the run in front of it, which is not rendered."""
    return f"{MARK.format(run=run)}\n{body}"


def publish(to: CommentTarget, body: str, run: str, sleep: Callable[[float], None] = time.sleep) -> Posted:
    """Make `body` our comment in the issue. Raises GhError; see the module's docstring."""
    login = _login()
    ours = _ours(to, login)
    given = {"body": marked(body, run)}
    if ours:
        path = f"repos/{to.owner}/{to.repository}/issues/comments/{ours[-1]['id']}"
        answer = request(path, method="PATCH", body=given)
        return Posted(_url(answer, to), "edited", tuple(_url([one], to) for one in ours[:-1]))
    try:
        answer = request(to.path, method="POST", body=given)
    except GhError as error:
        if not error.lost:
            raise
        return _looked_for(to, login, run, error, sleep)
    return Posted(_url(answer, to), "added")


def _looked_for(to: CommentTarget, login: str, run: str, lost: GhError, sleep: Callable[[float], None]) -> Posted:
    """Return the comment whose answer was lost, if it is there. Raises GhError where it is not (yet)."""
    for pause in _LOOKS_AFTER_S:
        sleep(pause)
        try:
            found = _ours(to, login, MARK.format(run=run))
        except GhError:
            continue
        if found:
            return Posted(_url(found[-1:], to), "added")
    message = f"{lost}; the comment is not in {to.name}, though it may still appear"
    raise GhError(lost.code, message, "the same command again: it looks for the comment first", lost=True)


def _login() -> str:
    try:
        login = _text(request("user"), "login")
    except GhError as error:
        if error.code != "GH_FORBIDDEN":
            raise
        message = f"gh's token belongs to no user, so that no comment can be known as ours: {error}"
        raise GhError("GH_FORBIDDEN", message, "gh auth login") from None
    if not login:
        raise GhError("GH_UNREADABLE", "GitHub does not say who is logged in", "gh api user")
    return login


def _ours(to: CommentTarget, login: str, mark: str = _MARK_BEGINS) -> list[dict[str, Any]]:
    """Return the comments of `login` that begin with a mark of ours, oldest first."""
    pages = request(f"{to.path}?per_page=100", paginate=True)
    found = [entry for page in pages if isinstance(page, list) for entry in page if isinstance(entry, dict)]
    theirs = [one for one in found if _text([one.get("user")], "login").lower() == login.lower()]
    mine = [one for one in theirs if type(one.get("id")) is int and _text([one], "body").startswith(mark)]
    return sorted(mine, key=lambda one: one["id"])


def _url(answer: list[Any], to: CommentTarget) -> str:
    """Return where a comment is read; the issue's own name where GitHub says nothing that may be printed."""
    url = _text(answer, "html_url")
    return url if url.isprintable() and url else to.name


def _text(answer: list[Any], key: str) -> str:
    """Return a text of the one document that was answered; empty where there is none."""
    value = answer[0].get(key) if len(answer) == 1 and isinstance(answer[0], dict) else None
    return value if isinstance(value, str) else ""
