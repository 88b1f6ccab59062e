"""`roosync-ops report`: the result of a validation or a rollout, to paste, or as our comment in an issue."""

import os
import uuid
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from roosync_ops import errors, show, typed
from roosync_ops.admin import comment
from roosync_ops.fleet import load_inventory
from roosync_ops.gather.grace_period import GracePeriod
from roosync_ops.gather.past import changed
from roosync_ops.judge.reports import Report
from roosync_ops.show.exports import junit_report
from roosync_ops.show.report import MAX_COMMENT, report_document, report_markdown
from roosync_ops.wire import local

from . import looking, options, output, rollout_file

app = typer.Typer()

_MAX_DAYS: Final = 7.0


@app.command()
@options.grouped
def report(  # noqa: PLR0913 - one argument an option
    *,
    rollout: Annotated[
        Path | None, options.opt("--rollout FILE", "Report what `rollout --json` wrote (- is standard input).")
    ] = None,
    at: options.HereOrVia,
    limit: options.Limit = None,
    days: Annotated[
        float, options.opt("--days N", "How far back changes are told (at most seven).", min=0.01, max=_MAX_DAYS)
    ] = 1.0,
    report_format: Annotated[Literal["markdown", "junit", "json"], options.FORMAT] = "markdown",
    shown: options.Shown,
    file: Annotated[Path | None, options.opt("--output -o FILE", "Write it there.")] = None,
    post: Annotated[
        str | None, options.opt("--post OWNER/REPO#N", "Make it our comment there, with gh: added, then edited.")
    ] = None,
    dry: Annotated[bool, options.opt("--dry --dry-run --check", "Print what --post would send; send nothing.")] = False,
    asked: options.Asked,
    patience: options.Patience = None,
    memory: options.Memory = None,
    _schema: options.Schema = False,
) -> int:
    """Report a validation, or what a rollout did, in the procedure's own table: to paste, or with --post to send.

    What changed is told too: what the rollout did, or the flips a watcher told here and each machine's own gaps. A
    second --post to the same issue edits the comment of the first. Nothing in the report makes a mention or a link.
    """
    to = _target(post, dry=dry)
    if rollout is not None:
        found = rollout_file.read(rollout)
    else:
        fleet = load_inventory(at.inventory)
        names = options.names_of(limit)
        chosen = fleet.select(names) if names else None
        look, _ = looking.look_of("report", fleet, chosen, at, asked, GracePeriod(patience, memory, fleet))
        seen, replica = look(), at.shared if at.via is None else None
        at_ms = seen.validation.checked_at_ms
        found = Report(
            seen.validation, changes=changed(fleet, chosen, seen.own, memory, (replica, at.via), at_ms, days)
        )
    form = "json" if shown.as_json else report_format
    sent = _send(to, found, shown.lang, dry=dry)
    if form == "json":
        text = show.json_text(report_document(found, shown.lang, sent and {"url": sent.url, "action": sent.action}))
    else:
        text = (junit_report if form == "junit" else report_markdown)(found, shown.lang)
    if file is not None:
        _write(file, text)
    elif to is None or form == "json":
        output.write(text)
    elif sent is not None:
        output.write(sent.url)
    return errors.OK if found.ok else errors.NOT_AS_EXPECTED


def _target(post: str | None, *, dry: bool) -> comment.CommentTarget | None:
    if post is None:
        if dry:
            raise errors.usage("--dry shows what --post would send", "roosync-ops report --help")
        return None
    try:
        return comment.target(post)
    except ValueError as error:
        raise errors.usage(f"--post {error}", "roosync-ops report --help") from None


def _send(to: comment.CommentTarget | None, found: Report, lang: str, *, dry: bool) -> comment.Posted | None:
    """Send the report where it is to go; `dry` shows what would be sent."""
    if to is None:
        return None
    run = uuid.uuid4().hex
    with typed.about({}):
        body = report_markdown(found, lang, MAX_COMMENT - len(comment.marked("", run)))
    if dry:
        output.note(f"Dry: this would be our comment in {to.name}; nothing was sent.")
        output.write(comment.marked(body, run))
        return None
    try:
        sent = comment.publish(to, body, run)
    except comment.GhError as error:
        error.reason = f"{to.name}: {error}"
        raise
    done = f"Our comment in {to.name} was edited."
    output.note(f"Our comment in {to.name} was added." if sent.action == "added" else done)
    if sent.others:
        output.note(f"Further comments of ours are there and were left as they are: {', '.join(sent.others)}")
    return sent


def _write(file: Path, text: str) -> None:
    """Write the whole report or nothing: a reader of the file never sees half of it."""
    os.umask(mask := os.umask(0))
    try:
        mode = file.stat().st_mode & 0o777 if file.exists() else 0o666 & ~mask
        local.write(str(file), f"{text}\n".encode(), mode)
    except OSError as error:
        raise errors.usage(f"--output {file}: {error.strerror or error}", "choose another file") from None
