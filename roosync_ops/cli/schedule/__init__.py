"""`roosync-ops schedule`: a recurring validation on this computer, by systemd, cron or the Task Scheduler."""

import json
import os
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from roosync_ops import errors
from roosync_ops.cli import options, output, watch
from roosync_ops.gather.past import memory_name
from roosync_ops.show.text import clock, safe
from roosync_ops.state.memory import default_folder

from .install import By, ScheduleFiles, ScheduleSettings, check, key_of

app = typer.Typer()


@app.callback(invoke_without_command=True)
@options.grouped
def schedule(  # noqa: PLR0913 - one argument an option
    context: typer.Context,
    *,
    install: Annotated[bool, options.opt("--install")] = False,
    uninstall: Annotated[bool, options.opt("--uninstall")] = False,
    status: Annotated[bool, options.opt("--status")] = False,
    at: options.HereOrVia,
    every: Annotated[int, options.opt("--every MINUTES", min=1, max=1440)] = 5,
    dashboard: Annotated[Path | None, options.opt("--dashboard DIR")] = None,
    no_dashboard: Annotated[bool, options.opt("--no-dashboard")] = False,
    how: watch.Watched,
    presence: Annotated[bool, options.opt("--presence")] = False,
    ping: Annotated[str | None, options.opt("--ping URL", envvar="ROOSYNC_PING_URL", show_envvar=True)] = None,
    mechanism: Annotated[By, options.opt("--mechanism")] = "auto",
    shown: options.Shown,
) -> int:
    """Validate again and again on this computer: refresh the dashboard, notify on flips, exit as `validate` does.

    Without --install it prints what would be installed. Options go into a file that its owner alone can read, secrets
    too; the unit, the line or the task holds nothing but that file's path.
    """
    if context.invoked_subcommand is not None:
        return errors.OK
    if install + uninstall + status > 1:
        raise errors.usage("--install, --uninstall and --status exclude each other", "roosync-ops schedule --help")
    if not at.shared and not at.via:
        raise errors.usage("no shared state is named", "add --shared DIR or --via MACHINE, or set ROOSYNC_SHARED_PATH")
    folder = Path(os.path.abspath(how.memory or default_folder()))  # noqa: PTH100 - a link stays the name it has
    named = memory_name(at.shared, at.via)
    place = ScheduleFiles(folder, key_of(at.inventory, named))
    if uninstall or status:
        return _say(place.removed() if uninstall else place.status(mechanism), as_json=shown.as_json)
    settings = ScheduleSettings.made(
        inventory=os.path.abspath(at.inventory),  # noqa: PTH100 - as above
        shared=None if at.via else named,
        via=at.via,
        memory=str(folder),
        every_min=every,
        mechanism=place.choose(mechanism).kind if install else place.planned(mechanism),
        patience=how.patience or "auto",
        lang=shown.lang,
        deadline=at.deadline,
        dashboard=not no_dashboard and (dashboard is not None or not at.via),
        dashboard_dir=None if dashboard is None else os.path.abspath(dashboard),  # noqa: PTH100 - as above
        probe=how.probe,
        presence=presence,
        exec=[list(watch.command_target(text).argv) for text in how.exec_ or []],
        notify=how.notify or [],
        ping=ping,
    )
    check(settings)
    return _say(place.installed(settings) if install else place.printed(settings), as_json=shown.as_json)


@app.command("run")
def run_once(
    settings: Annotated[Path, options.arg("SETTINGS")],
) -> int:
    """Run once: what systemd, cron or the Task Scheduler does.

    Exit codes: those of `validate`; 75 where another run is under way.
    """
    from .run import run  # noqa: PLC0415 - what a run takes, the installation does not

    return run(settings)


def _say(document: dict[str, Any], *, as_json: bool) -> int:
    output.write(json.dumps(document, indent=2) if as_json else output.spoken("\n".join(_lines(document))))
    if document.get("note") and not as_json:
        output.note(f"Note: {document['note']}")
    return errors.OK if document["ok"] else errors.NOT_AS_EXPECTED


def _lines(document: dict[str, Any]) -> list[str]:
    state, changed = document["state"], document.get("changed")
    if changed is not None:
        if state == "absent":
            return ["removed" if changed else "nothing to remove"]
        return [f"{document['name']}: {'installed' if changed else 'installed already, nothing changed'}"]
    if state is None:
        lines = []
        for name, text in document["texts"].items():
            lines += [f"# {safe(name)} ({document['mechanism']})", *map(safe, text.splitlines()), ""]
        lines.append(f"# {safe(document['settingsFile'])}, for its owner alone; notify: how many URLs")
        lines += [f"{name} = {json.dumps(value)}" for name, value in document["settings"].items()]
        return [*lines, "", "# to install it: the same command with --install"]
    if state == "absent":
        return ["not installed", "Next:  roosync-ops schedule --install"]
    return _status_lines(document)


def _status_lines(document: dict[str, Any]) -> list[str]:
    last, settings = document["last"], document["settings"]
    lines = [f"{document['name']}: {document['state']}, every {settings['every_min']} min"]
    if last is None:
        return [*lines, "it has not run yet"]
    took, summary = last.get("seconds"), last.get("summary")
    lines.append(
        f"last run {safe(clock(last['at']))}: exit code {last['exitCode']}, {took} s, {safe(str(summary or '-'))}"
    )
    lines += [f"  {safe(str(text))}" for text in last["said"]]
    if document["late"]:
        lines.append("it has not run for longer than it should: roosync-ops schedule --install")
    return [*lines, f"the command it runs: {safe(shlex.join(document['command']))}"]
