"""The read-only questions: each is the command's own question, and its document is the one that --json prints."""

from typing import Final

from roosync_ops import show
from roosync_ops.fleet import Fleet, Machine
from roosync_ops.gather.diagnosis import diagnoses
from roosync_ops.gather.grace_period import GracePeriod
from roosync_ops.gather.limits import Probe
from roosync_ops.gather.past import flips_told, pasts
from roosync_ops.gather.second import second_of
from roosync_ops.gather.validation import seen, seen_by_all, who_sees_whom
from roosync_ops.publish.dashboard import refresh
from roosync_ops.show.diagnosis import diagnoses_document
from roosync_ops.show.history import history_document

from .arguments import History, Look, RefreshDashboard, Validate
from .desk import ServerContext, ToolAnswer

_DAY_MS: Final = 86_400_000


def validate(desk: ServerContext, arguments: Validate) -> ToolAnswer:
    """Raises CommandError, FleetError or StateUnavailableError, as the others here do."""
    fleet, settings = desk.fleet(), desk.settings
    chosen = fleet.select(arguments.machines) if arguments.machines else None
    grace = GracePeriod(arguments.patience, settings.memory, fleet)
    if arguments.probe == Probe.always:
        look = seen_by_all(fleet, chosen, settings.shared, desk.limits, grace)
    else:
        look = seen(desk.source(), fleet, chosen, grace, second_of(fleet, Probe(arguments.probe)))
    trouble = () if grace.trouble is None else (f"What was seen could not be kept: {grace.trouble}",)
    return ToolAnswer(show.validation_document(look.validation, arguments.lang), trouble)


def matrix(desk: ServerContext, arguments: Look) -> ToolAnswer:
    """Who sees whom."""
    fleet = desk.fleet()
    found = who_sees_whom(_chosen(fleet, arguments.machines), desk.settings.shared, desk.limits)
    return ToolAnswer(show.matrix_document(found, arguments.lang))


def diagnose(desk: ServerContext, arguments: Look) -> ToolAnswer:
    """Look once; nothing is mended here."""
    found = diagnoses(desk.fleet(), arguments.machines or (), desk.settings.shared, desk.limits)
    return ToolAnswer(diagnoses_document(found, lang=arguments.lang))


def history(desk: ServerContext, arguments: History) -> ToolAnswer:
    """As `validate`, and from the flips that were told on this computer."""
    fleet, settings = desk.fleet(), desk.settings
    state = desk.source()()
    flips = flips_told(settings.memory, settings.shared, settings.via)
    from_ms = state.read_at_ms - round(arguments.days * _DAY_MS)
    found = pasts(fleet, _chosen(fleet, arguments.machines), state, flips, from_ms)
    return ToolAnswer(history_document(found, state.shared, from_ms, state.read_at_ms))


def refresh_dashboard(desk: ServerContext, arguments: RefreshDashboard) -> ToolAnswer:
    """Write the page and its Markdown twin, and return the protocol's result. Raises CommandError as the others do."""
    settings = desk.settings
    return ToolAnswer(
        refresh(
            desk.fleet(),
            settings.shared,
            output_dir=arguments.output_dir,
            baseline=arguments.baseline,
            limits=desk.limits,
            memory=settings.memory,
        )
    )


def _chosen(fleet: Fleet, names: list[str] | None) -> tuple[Machine, ...]:
    return fleet.select(names) if names else tuple(fleet)
