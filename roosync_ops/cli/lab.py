"""`roosync-ops lab`: the embedded fleet."""

from __future__ import annotations

import functools
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from roosync_ops import errors, extras
from roosync_ops.lab import control, play, replicator
from roosync_ops.lab.faults import FAULTS, fault_list, faults_text
from roosync_ops.lab.scenario import FIELD_TIMES, PROCEDURE
from roosync_ops.show import validation_document

from . import options, output

if TYPE_CHECKING:
    from roosync_ops.lab.fleet import LabFleet

app = typer.Typer()


def _known(ctx: typer.Context, incomplete: str) -> list[str]:
    """Return the faults, or once there is one the machines, that a shell may complete a word to."""
    names = ["admin", *(part.name for part in PROCEDURE)] if ctx.params.get("name") else list(FAULTS)
    return [name for name in names if name.startswith(incomplete)]


#: How the sync product between the lab's machines behaves.
SyncKind = Literal["fast", "drive"]
Sync = Annotated[SyncKind, options.opt("--sync")]
Seed = Annotated[int, options.opt("--seed N")]


@app.callback(invoke_without_command=True)
def lab(  # noqa: PLR0913 - the options of one command
    context: typer.Context,
    *,
    do: Annotated[str | None, options.opt("--do COMMANDS")] = None,
    no_prompt: Annotated[bool, options.opt("--no-prompt")] = False,
    sync: Sync = "fast",
    seed: Seed = 0,
    as_json: options.Json = False,
) -> int | None:
    """Run a whole fleet on this computer, without root or network, and play the procedure on it.

    Six machines, each a real SSH server with its own replica of the shared folder: one is active already, two are
    switched off, and the real rollout enrols the other three. Then kill, stop or switch off what you like, and see
    the table change. Everything lives in one temporary folder and is gone afterwards.
    """
    if context.invoked_subcommand:
        return None
    with _fleet(sync, seed) as fleet:
        from roosync_ops.lab import console  # noqa: PLC0415 - as in _fleet

        screen, table = play.LabScreen(quiet=as_json), play.Board(fleet)
        outcome = play.play(fleet, table, screen)
        screen.shown.clear()
        screen.say(f"\n{'As' if outcome.ok else 'Not as'} expected, after {outcome.seconds:.1f} s.")
        commands, done = console.Console(fleet, table, screen), True
        if do is not None:
            done = console.run_script(commands, screen, do)
        elif not no_prompt and not as_json and sys.stdin.isatty() and sys.stdout.isatty():
            console.run_prompt(commands, screen)
        if as_json:
            document = {
                "ok": outcome.ok and done,
                **_places(fleet),
                "before": validation_document(outcome.before),
                "rollout": outcome.rollout,
                "after": validation_document(outcome.after),
                "tables": list(map(validation_document, screen.shown)),  # what --do showed, in order
                "seconds": round(outcome.seconds, 3),
            }
            output.write(json.dumps(document))
    return errors.OK if outcome.ok and done else errors.NOT_AS_EXPECTED


app.command("play", help="Play the procedure, then take commands: what `roosync-ops lab` does.")(lab)


@app.command()
def up(*, sync: Sync = "fast", seed: Seed = 0, as_json: options.Json = False) -> int:
    """Keep the fleet running, and print what to type in a second terminal. Ctrl-C ends it."""
    with _fleet(sync, seed) as fleet:
        play.activate(fleet)
        if as_json:
            output.write(json.dumps({"ok": True, **_places(fleet)}))
        else:
            output.note(f"{play.introduction(fleet)}\n\nTo type in a second terminal:\n")
            output.write(play.paste_lines(fleet))
            output.note("\nCtrl-C ends the fleet.")
        threading.Event().wait()
    return errors.OK


@app.command()
def fault(  # noqa: PLR0913 - the options of one command
    name: Annotated[str | None, options.arg("NAME", "lab fault", autocompletion=_known)] = None,
    machine: Annotated[str | None, options.arg("MACHINE", "lab fault", autocompletion=_known)] = None,
    *,
    off: Annotated[bool, options.opt("--off")] = False,
    list_: Annotated[bool, options.opt("--list")] = False,
    folder: Annotated[Path | None, options.opt("--lab DIR")] = None,
    as_json: options.Json = False,
) -> int:
    """Cause a fault of one machine in a lab that runs in another terminal, and watch its table; or end it.

    Without arguments it says which faults are on.
    """
    if list_:
        output.write(json.dumps({"ok": True, "faults": FAULTS}) if as_json else fault_list())
        return errors.OK
    if (name is None) != (machine is None):
        raise errors.usage("name a fault and a machine", "roosync-ops lab fault --list")
    _check_system()
    request = {"active": True} if name is None else {"fault": name, "machine": machine, "on": not off}
    answer = control.ask(folder or control.find(Path.cwd()), request)
    said = answer["said"] if "said" in answer else faults_text(answer["active"])
    output.write(json.dumps(answer) if as_json else said)
    return errors.OK


@contextmanager
def _fleet(sync: SyncKind, seed: int) -> Iterator[LabFleet]:
    """Run the fleet for a block, and let a second terminal cause faults. Raises CommandError for what cannot be."""
    _check_system()
    if find_spec("asyncssh") is None:
        raise errors.usage("the lab's SSH servers need asyncssh, which is not installed", extras.install("lab"))
    from roosync_ops.lab import console  # noqa: PLC0415 - asyncssh is an extra, and 260 ms
    from roosync_ops.lab.fleet import LabFleet  # noqa: PLC0415 - as above

    delay = replicator.Delay(seed, 1 / FIELD_TIMES) if sync == "drive" else None
    with LabFleet(delay=delay, seed=seed) as fleet, ExitStack() as stack:
        try:
            stack.enter_context(control.answering(fleet.root, functools.partial(console.answer, fleet)))
        except OSError as error:  # a lab all the same
            output.note(f"`roosync-ops lab fault` will not reach this lab: {error}")
        yield fleet


def _check_system() -> None:
    if sys.platform != "linux":
        raise errors.usage("the lab's machines need Linux", "run it in WSL, or on Linux")


def _places(fleet: LabFleet) -> dict[str, Any]:
    return {
        "labId": fleet.lab_id,
        "folder": str(fleet.root),
        "inventory": str(fleet.inventory),
        "shared": str(fleet.shared),
        "sshConfig": str(fleet.ssh_config),
        "machines": {name: {"port": fleet.port(name), "on": fleet.is_on(name)} for name in fleet.names},
    }
