"""`roosync-ops bootstrap windows`, `doctor windows`: what a bare machine needs, and what only a real one can tell."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from roosync_ops import __version__, errors, typed
from roosync_ops.bootstrap import checklist, keys, windows
from roosync_ops.bootstrap.checklist import Line
from roosync_ops.fleet import Fleet, Machine, load_inventory
from roosync_ops.gather import asking
from roosync_ops.gather.limits import PROBE_CONNECT_S
from roosync_ops.show import text
from roosync_ops.show.document import keyed
from roosync_ops.show.redacted import redacted

from . import options, output

app = typer.Typer()
#: The callbacks make groups of them, of one command so far.
_bootstrap = typer.Typer(
    no_args_is_help=True, callback=lambda: None, help="Print what makes a bare machine reachable over SSH."
)
_doctor = typer.Typer(no_args_is_help=True, callback=lambda: None, help="Ask one real machine what no kit can tell.")
app.add_typer(_bootstrap, name="bootstrap")
app.add_typer(_doctor, name="doctor")

#: checklist.NAMES, without the share.
_OWN_NAMES: Final = 5


@_bootstrap.command("windows")
def bootstrap_windows(  # noqa: PLR0913 - one argument an option
    *,
    key: Annotated[str | None, options.opt("--key FILE")] = None,
    port: Annotated[int, options.opt("--port N", "bootstrap", min=1, max=65_535)] = 22,
    lan: Annotated[list[str] | None, options.opt("--lan CIDR")] = None,
    user: Annotated[str, options.opt("--user NAME", "bootstrap")] = "",
    admin: Annotated[bool | None, options.opt("--admin/--standard")] = None,
    as_json: options.Json = False,
) -> int:
    """Print the PowerShell script for a bare Windows machine.

    It adds OpenSSH Server, starts it with Windows, lets one public key in and the local network alone, and prints the
    line for inventory.py. A second run changes nothing. It was never run on real Windows yet.
    """
    # What no Windows account is called is refused here, so that the mistake does not show on the machine.
    if user and (user != user.strip() or any(sign in '"/[]:;|=,+*?<>' or not sign.isprintable() for sign in user)):
        raise errors.usage(f"--user {user!r} cannot be the name of a Windows account")
    public = _public_key(key)
    kind: windows.Kind = "auto" if admin is None else "administrator" if admin else "standard"
    text = windows.script(public, port=port, lan=lan or (), account=user, kind=kind)
    if as_json:
        output.write(json.dumps({"ok": True, "script": text, "key": str(public)}))
    else:
        output.write(text.rstrip("\n"))
        output.note(f"# lets in: {public}")
    return errors.OK


def _public_key(key: str | None) -> keys.PublicKey:
    if key == "-":
        return keys.parse(sys.stdin.buffer.read(keys.MAX_BYTES + 1), "stdin")
    path = keys.find(Path.home() / ".ssh") if key is None else Path(key).expanduser()
    try:
        with path.open("rb") as file:
            return keys.parse(file.read(keys.MAX_BYTES + 1), str(path))
    except OSError as error:
        said = f"{path}: cannot be read: {error.strerror or error}"
        raise errors.usage(said, "name a public key: --key FILE") from None


@_doctor.command("windows")
def doctor_windows(
    machine: Annotated[str, options.arg("MACHINE", "doctor")],
    *,
    inventory: options.Inventory = options.DEFAULT_INVENTORY,
    report: Annotated[Path, options.opt("--output -o FILE", "doctor")] = Path("doctor-windows.md"),
    connect_timeout: options.ProbeConnectTimeout = PROBE_CONNECT_S,
    as_json: options.Json = False,
) -> int:
    """Run the lines of the checklist that SSH can run, print the others, and write one report to attach.

    Nothing is changed on the machine. User, host and domain names, addresses, account SIDs and the share's path are
    taken out of the report; read it before you send it.
    """
    fleet = load_inventory(inventory)
    chosen, *others = fleet.select([machine])
    if others or chosen.system != "windows":
        raise errors.usage(f"{machine} is not one Windows machine of the inventory", "roosync-ops machines list")
    asked = [line for line in checklist.lines() if line.over_ssh]
    told = dict(zip(asked, _answers(fleet, chosen, asked, connect_timeout), strict=False))
    try:
        report.write_text("\n".join(_report(told)) + "\n", encoding="utf-8")
    except OSError as error:
        said = f"{report}: cannot be written: {error.strerror or error}"
        raise errors.usage(said, "name a file that can be: --output FILE") from None
    done = all(told.get(line) is not None for line in asked)
    if as_json:
        keys = "line=text places prints decides overSsh"
        lines = [keyed(line, keys, answer=told.get(line)) for line in checklist.lines()]
        output.write(json.dumps({"ok": done, "report": str(report), "lines": lines}))
    else:
        output.write("\n".join(_screen(told, report)))
    return errors.OK if done else errors.NOT_AS_EXPECTED


def _answers(fleet: Fleet, machine: Machine, asked: Sequence[Line], connect_s: float) -> list[str | None]:
    """Return an answer a line, as far as they came, without what tells whose it is. Raises CommandError."""
    share = machine.shared or ""
    scripts = [checklist.script(line, share) for line in (checklist.NAMES, *(line.text for line in asked))]
    with output.Progress() as progress:
        progress.show(f"asking {machine.machine_id}: {len(asked)} lines")
        answers, failure = asking.powershell(machine, scripts, connect_s)
    *own, path = (answers[0] or "").strip().split("|") if answers else [""]
    if len(own) != _OWN_NAMES:
        unnamed = "it did not say what it and its user are called, without which no report can leave them out"
        code, reason, hint = ("NO_ANSWER", unnamed, None) if failure is None else failure[1:4]
        hint = hint or typed.ours("diagnose", machine.machine_id)
        raise errors.CommandError(code, f"{machine.machine_id}: {reason}", hint, errors.UNAVAILABLE)
    known = [*own, *(each for one in fleet for each in (one.machine_id, one.host, one.user))]
    return [answer and redacted(answer, known, [share, path]) for answer in answers[1:]]


def _report(told: dict[Line, str | None]) -> Iterator[str]:
    """Yield the report's lines: Markdown, whatever a machine answered."""
    yield f"# doctor windows, roosync-ops {__version__}"
    for line in checklist.lines():
        yield from ("", f"## {line.number}. decides {line.decides}", "", f"Should print: {line.prints}", "")
        answer = told.get(line)
        lines = [line.text, "", *(answer or "(not asked, or no answer: paste it here)").splitlines()]
        shown = [text.safe(each) for each in lines]
        yield from (text.fence(shown), *shown, text.fence(shown))


def _screen(told: dict[Line, str | None], report: Path) -> Iterator[str]:
    """Yield what was learned, and then what only a person there can do."""
    for line in checklist.lines():
        if line.over_ssh:
            answer = told.get(line)
            yield f"{line.number:2}. {line.decides}"
            answer = "no answer" if answer is None else answer or "(nothing)"
            yield from (f"    {text.safe(each)}" for each in answer.splitlines())
    yield "\nLeft to a person on that machine:"
    for line in checklist.lines():
        places = [place for place in line.places if place != "ssh"]
        if places:
            yield from (f"{line.number:2}. [{', '.join(places)}] {line.text}", f"    should print: {line.prints}")
    yield f"\n{report} holds the answers, without names or addresses: add the others, read it, and attach it."
