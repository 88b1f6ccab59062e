"""`roosync-ops validate`: the validation table."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Annotated, Final

import typer

from roosync_ops import judge, show
from roosync_ops.fleet import Fleet, Machine, load_inventory
from roosync_ops.wire.times import now_ms

from . import errors, options, output, reading, testimony
from .patient import Patient

app = typer.Typer()

#: Between two looks at every machine, in s.
_PROBE_POLL_S: Final = 2.0
_EXAMPLES: Final = """Examples:

roosync-ops validate --shared /mnt/share

roosync-ops validate --via myia-ai-01 --wait 60

roosync-ops validate --probe

roosync-ops validate --format markdown --lang fr > table.md

Exit codes: 0 as expected, 1 some machine is not, 2 usage or inventory, 3 shared state unavailable."""


class Format(StrEnum):
    """What the report is written in."""

    table = "table"
    json = "json"
    markdown = "markdown"
    junit = "junit"


@app.command(epilog=_EXAMPLES)
def validate(  # noqa: PLR0913 - one argument an option
    *,
    inventory: options.Inventory = options.DEFAULT_INVENTORY,
    shared: options.Shared = None,
    via: options.Via = None,
    limit: options.Limit = None,
    wait: Annotated[
        float,
        typer.Option(
            "--wait", metavar="SECONDS", min=0, show_default=False, help="Look again until all is as expected."
        ),
    ] = 0.0,
    report: Annotated[Format, typer.Option("--format", "-f", help="How to write the report.")] = Format.table,
    as_json: options.Json = False,
    lang: options.Language = options.Lang.en,
    deadline: options.Deadline = None,
    probe: options.Probe = False,
    patience: options.Patience = None,
    memory: options.Memory = None,
    timeout: options.ProbeTimeout = options.PROBE_TIMEOUT_S,
    connect_timeout: options.ProbeConnectTimeout = options.PROBE_CONNECT_S,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of --json and exit.")] = False,
) -> int:
    """Show the validation table: whether every machine of the inventory is what it is expected to be.

    Expected online is met by online alone; expected offline by offline, left and unknown. Machines that are seen but
    not in the inventory are listed apart and never counted. With --probe every machine is asked as well what its own
    replica shows, how its agent is, and what its clock says: a replica that stands still, here or there, is then named.
    """
    if schema:
        return _print_schema()
    with reading.without_collector():
        fleet = load_inventory(inventory)
        names = options.names_of(limit)
        chosen = fleet.select(names) if names else None
        patient = Patient(patience, memory, fleet)
        if probe:
            look = _Probe(fleet, chosen, shared, deadline, patient, timeout, connect_timeout)
            check, poll_s = _probed(look, via), _PROBE_POLL_S
        else:
            source = reading.Source(shared, reading.machine_of(fleet, via) if via else None, deadline)
            check, poll_s = partial(_read, source, fleet, chosen, patient), source.poll_s
        validation = reading.watch(check, lambda seen: seen.ok, wait, poll_s)
        report = Format.json if as_json else report
        output.write(_text(validation, report, lang))
        _note_patience(validation, patient)
        options.note_flags(inventory, shared, via, needed=report is Format.table and not validation.ok)
    return errors.OK if validation.ok else errors.NOT_AS_EXPECTED


@dataclass(frozen=True)
class _Probe:
    """What a look through the machines' own eyes takes."""

    fleet: Fleet
    chosen: tuple[Machine, ...] | None
    shared: str | None
    deadline: float | None
    patient: Patient
    timeout: float
    connect_timeout: float

    def __call__(self) -> judge.Validation:
        """Ask and judge once. Raises CommandError (unavailable) where nobody shows anything."""
        asked = tuple(self.fleet) if self.chosen is None else self.chosen
        own, found, trouble = testimony.ask_beside(
            asked, self.timeout, self.connect_timeout, partial(reading.own_replica, self.shared, self.deadline)
        )
        now = max((one.read_ms for one in found.values() if one.state is not None), default=0) or now_ms()
        state = judge.pooled(own, found.values(), now)
        if state is None:
            raise testimony.nobody(len(asked), trouble)
        known = self.patient.learn(own, judge.knowledge(found.values()).offsets)
        matrix = judge.matrix(asked, found, own, now if own is None else own.read_at_ms, trouble)
        return judge.validate(self.fleet, state, now, self.chosen, known=known, matrix=matrix)


def _probed(look: _Probe, via: str | None) -> Callable[[], judge.Validation]:
    if via:
        raise errors.usage(
            "--probe asks every machine, so --via is of no use beside it", "roosync-ops validate --probe"
        )
    return look


def _read(
    source: reading.Source, fleet: Fleet, chosen: tuple[Machine, ...] | None, patient: Patient
) -> judge.Validation:
    state = source()
    return judge.validate(fleet, state, state.read_at_ms, chosen, known=patient.learn(state))


def _note_patience(validation: judge.Validation, patient: Patient) -> None:
    """Say on stderr how much patience there was, and what of it could not be kept."""
    if validation.patience_ms is not None:
        output.note(f"Judged by beats received, {validation.patience_ms / 1000:g} s beyond each timeout.")
    if patient.trouble is not None:
        output.note(f"What was seen could not be kept: {patient.trouble}")


def _text(validation: judge.Validation, report: Format, lang: str) -> str:
    if report is Format.json:
        return show.to_json(validation, lang)
    if report is Format.markdown:
        return show.markdown(validation, lang)
    if report is Format.junit:
        return show.junit(validation, lang)
    return show.table(validation, lang, output.width_of(sys.stdout), color=output.wants_color(sys.stdout))


def _print_schema() -> int:
    from roosync_ops.show.schema import VALIDATION  # noqa: PLC0415 - 30 ms that only this flag needs

    output.write(json.dumps(VALIDATION.json_schema(), indent=2))
    return errors.OK
