"""`roosync-ops verify-share`: how the shared folder behaves on this computer, measured, with a verdict."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Final

import typer

from roosync_ops.wire.deadline import DEFAULT_DEADLINE_S, BoundedShare, ShareHungError

from . import errors, options, output

if TYPE_CHECKING:
    from roosync_ops.remote.verify_share import Trait

app = typer.Typer()

_EXAMPLES: Final = """Examples:

roosync-ops verify-share "G:/Mon Drive/Synchronisation/RooSync/.shared-state"

roosync-ops verify-share /mnt/share --seconds 300 --json

Exit codes: 0 nothing bad, 1 something is, 3 the folder cannot be used."""
_SIGNS: Final = {"good": "✓", "bad": "✗", "unknown": "?"}


@app.command(epilog=_EXAMPLES)
def verify_share(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The shared folder, as this computer sees it.")],
    *,
    seconds: Annotated[float, typer.Option("--seconds", min=0, help="How long to watch beats arrive.")] = 60.0,
    deadline: options.Deadline = None,
    as_json: options.Json = False,
) -> int:
    """Measure a shared folder: is replacing atomic, are names unique, do locks exclude, how long is a beat under way.

    It writes in a hidden folder of its own and removes it; heartbeats are only read.
    """
    from roosync_ops.remote import verify_share as measured  # noqa: PLC0415 - filelock is for this alone

    bounded = BoundedShare(30.0 if deadline is None else max(deadline, DEFAULT_DEADLINE_S))
    try:
        with output.Progress() as progress:
            traits = measured.verify(path, seconds, bounded, progress.show)
    except (OSError, ShareHungError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = "name the folder as this computer sees it, and check that the sync product runs"
        raise errors.CommandError("SHARE_UNAVAILABLE", f"{path}: {reason}", hint, errors.UNAVAILABLE) from None
    ok = not any(trait.verdict == measured.BAD for trait in traits)
    if as_json:
        output.write(_document(path, traits, ok=ok))
    else:
        for trait in traits:
            output.write(f"{_SIGNS[trait.verdict]} {trait.name:<12} {trait.detail}")
        output.write(f"\n{'fit for heartbeats' if ok else 'not fit for heartbeats as it is'}")
    return errors.OK if ok else errors.NOT_AS_EXPECTED


def _document(path: Path, traits: list[Trait], *, ok: bool) -> str:
    from roosync_ops.show import error_free_json  # noqa: PLC0415 - with --json alone

    rows = [{"name": one.name, "verdict": one.verdict, "detail": one.detail, **one.figures} for one in traits]
    return error_free_json({"ok": ok, "shared": str(path), "traits": rows})
