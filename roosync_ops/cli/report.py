"""`roosync-ops report`: the result of a validation or a rollout, to paste, or as our comment in an issue.

What `roosync-ops rollout --json` wrote is read back here: hostile until it is parsed.
"""

import os
import sys
import uuid
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer
from pydantic import ValidationError

from roosync_ops import errors, show, typed
from roosync_ops.admin import comment
from roosync_ops.fleet import load_inventory
from roosync_ops.gather.past import changed
from roosync_ops.gather.validation import GracePeriod
from roosync_ops.judge import Finding, Observation, Validation, Verdict
from roosync_ops.judge.reports import Report
from roosync_ops.show import schemas
from roosync_ops.show.report import MAX_COMMENT, report_document, report_markdown
from roosync_ops.show.text import Style
from roosync_ops.wire import local
from roosync_ops.wire.identity import check_machine_id
from roosync_ops.wire.times import from_iso

from . import looking, options, output

app = typer.Typer()

_MAX_DAYS: Final = 7.0
#: A rollout of 10,000 machines is some 8 MB.
_MAX_BYTES: Final = 33_554_432
_NEXT: Final = "roosync-ops rollout --json > rollout.json"


@app.command()
@options.grouped
def report(  # noqa: PLR0913 - one argument an option
    *,
    rollout: Annotated[Path | None, options.opt("--rollout FILE")] = None,
    at: options.HereOrVia,
    limit: options.Limit = None,
    days: Annotated[float, options.opt("--days N", "report", min=0.01, max=_MAX_DAYS)] = 1.0,
    report_format: Annotated[Literal["markdown", "junit", "json"], options.opt("--format -f", "report")] = "markdown",
    shown: options.Shown,
    file: Annotated[Path | None, options.opt("--output -o FILE")] = None,
    post: Annotated[str | None, options.opt("--post OWNER/REPO#N")] = None,
    dry: Annotated[bool, options.opt("--dry --dry-run --check", "report")] = False,
    asked: options.Asked,
    patience: options.Patience = None,
    memory: options.Memory = None,
    _schema: options.Schema = False,
) -> int:
    """Report a validation, or what a rollout did, in the procedure's own table: to paste, or with --post to send.

    What changed is told too: what the rollout did, or the flips a watcher told here and each machine's own gaps. A
    second --post to the same issue edits the comment of the first. Nothing in the report makes a mention or a link.
    """
    if dry and post is None:
        raise errors.usage("--dry shows what --post would send", "roosync-ops report --help")
    to = None if post is None else comment.target(post)
    if rollout is not None:
        found = read(rollout)
    else:
        fleet = load_inventory(at.inventory)
        chosen = fleet.select(names) if (names := options.names_of(limit)) else None
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
        style = Style(shown.lang)
        text = show.junit(found.validation, style, found.rollout) if form == "junit" else report_markdown(found, style)
    if file is not None:
        _write(file, text)
    elif to is None or form == "json":
        output.write(text)
    elif sent is not None:
        output.write(sent.url)
    return errors.OK if found.ok else errors.NOT_AS_EXPECTED


def _send(to: comment.CommentTarget | None, found: Report, lang: str, *, dry: bool) -> comment.Posted | None:
    """Send the report where it is to go; `dry` shows what would be sent."""
    if to is None:
        return None
    run = uuid.uuid4().hex
    with typed.about({}):
        body = report_markdown(found, Style(lang), MAX_COMMENT - len(comment.marked("", run)))
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


def read(path: Path) -> Report:
    """Return the rollout in `path` (`-` is standard input) as a report. Raises CommandError (usage)."""
    try:
        with nullcontext(sys.stdin.buffer) if str(path) == "-" else path.open("rb") as opened:
            raw = opened.read(_MAX_BYTES + 1)
    except OSError as error:
        raise errors.usage(f"{path}: {error.strerror or error}", _NEXT) from None
    if len(raw) > _MAX_BYTES:
        raise errors.usage(f"{path} is no result of a rollout: more than {_MAX_BYTES} bytes", _NEXT)
    try:
        document = schemas.of("rollout").validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise errors.usage(f"{path} is no result of a rollout: {first['msg']}", _NEXT) from None
    if "machines" not in document:
        failure = document["error"]
        raise errors.usage(f"{path} holds no result, the rollout failed: {failure['message']}", failure["hint"])
    try:
        return report_of(document)
    except ValueError as error:
        raise errors.usage(f"{path} is no result of a rollout: {error}", _NEXT) from None


def report_of(document: dict[str, Any]) -> Report:
    """Return a rollout's document as a report. Raises ValueError for a machineId or a time that is none."""
    rollout = {"ok": document["ok"], "dry": document["dry"], "machines": list(map(_done, document["machines"]))}
    seen = document["validation"]
    if seen is None:
        return Report(None, rollout)
    told = [row for row in seen["machines"] if row["reason"]]
    said = {row["machineId"]: (row["reasonKind"] or "", row["reason"]) for row in told}
    unexpected = (
        Observation(check_machine_id(row["machineId"]), row["observed"], _time(row["lastHeartbeat"]), None, None)
        for row in seen["unexpected"]
    )
    findings = (Finding(item["file"], item["kind"], item["detail"]) for item in seen["findings"])
    rows = tuple(map(_verdict, seen["machines"]))
    validation = Validation(from_iso(seen["checkedAt"]), seen["shared"], rows, tuple(unexpected), tuple(findings))
    return Report(validation, rollout, said=said)


def _done(row: dict[str, Any]) -> dict[str, Any]:
    kept = {key: row[key] for key in ("machineId", "outcome", "ok", "steps", "reason", "hint")}
    check_machine_id(row["machineId"])
    failed = [check["reason"] or check["check"] for check in row["checks"] or () if not check["ok"]]
    return {**kept, "failedChecks": failed}


def _verdict(row: dict[str, Any]) -> Verdict:
    """Return a row without a Reason: its sentence is written already."""
    return Verdict(
        check_machine_id(row["machineId"]),
        row["observed"],
        _time(row["lastHeartbeat"]),
        row["ageMs"],
        row["missedHeartbeats"],
        expected=row["expected"],
        ok=row["ok"],
        why=row["reason"] or row["why"],
        rests_on=row["basis"],
    )


def _time(text: str | None) -> int | None:
    return None if text is None else from_iso(text)
