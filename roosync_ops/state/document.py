"""The shared state as a machine of the fleet shows it: its agent's `state` document, hostile until parsed."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from roosync_ops import typed
from roosync_ops.wire import findings as f
from roosync_ops.wire.identity import is_machine_id
from roosync_ops.wire.merge import Evidence, Snapshot
from roosync_ops.wire.names import machine_of
from roosync_ops.wire.record import parse
from roosync_ops.wire.status import FUTURE_TOLERANCE_MS
from roosync_ops.wire.text import NotUnderstoodError
from roosync_ops.wire.times import BadTimeError, from_iso, time_or_none, to_iso

from .shared import SharedState, StateUnavailableError, assemble

#: The observer's clock and ours disagree, so ages mix two clocks.
OBSERVER_CLOCK: Final = "observer-clock"
#: An instant as the wire writes it; wire.times is what reads it.
Instant = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)$")]
Count = Annotated[int, Field(ge=0)]


class Wire(BaseModel):
    """What every part of the wire format shares: camelCase names, no coercion, unknown fields allowed."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, strict=True, frozen=True, extra="ignore", defer_build=True
    )


class StateDocument(Wire):
    """What the agent's `state` verb answers. Each item of the two lists is checked on its own, so none takes all."""

    machine_id: str
    shared: str
    read_at: Instant
    seen: Count
    view: dict[str, Any] | None = None
    view_state: str = "absent"
    evidence: list[Any]
    findings: list[Any] = []
    signs: Any = None


class EvidenceItem(Wire):
    """One piece of evidence in a StateDocument."""

    machine_id: str
    file: str
    kind: Literal["file", "conflict", "view"]
    modified_ms: int | None = None
    record: dict[str, Any]
    #: When it was read, where the reading took long.
    read_at: str | None = None


def from_document(document: object, now_ms: int, asked_ms: int | None = None) -> SharedState:
    """Build the shared state from the JSON that an agent's `state` verb answered, judged at `now_ms`.

    `asked_ms` is when it was asked (both in ms since the epoch, on our clock): an answer stamped outside those two
    tells that the two clocks differ, which is a finding. Raises StateUnavailableError where it holds no state.
    """
    answer = _answer_of(document)
    read = Snapshot(now_ms)
    read.view, read.view_state, read.seen = answer.view, answer.view_state, answer.seen
    read.findings = [_finding(item) for item in answer.findings]
    for number, item in enumerate(answer.evidence):
        piece = _piece(item, f"evidence[{number}] of {answer.machine_id}")
        if isinstance(piece, Evidence):
            read.evidence.append(piece)
        else:
            read.findings.append(piece)
    asked_ms = now_ms if asked_ms is None else asked_ms
    _place_in_time(read.evidence, answer, asked_ms, now_ms)
    read.findings += _clock(answer, asked_ms, now_ms)
    return assemble(f"{answer.machine_id}:{answer.shared}", read, answer.signs)


def _answer_of(document: object) -> StateDocument:
    if isinstance(document, dict) and document.get("success") is False:
        said = f"the machine asked cannot read its shared state: {document.get('message')!s:.200}"
        raise StateUnavailableError(said, typed.ours("matrix"))
    try:
        return StateDocument.model_validate(document)
    except ValidationError as error:
        where, why = _first(error)
        said = f"the machine asked answered no state document: {where or 'all of it'}: {why} (an old agent?)"
        raise StateUnavailableError(said, typed.ours("rollout", "--dry")) from None


def _first(error: ValidationError) -> tuple[str, str]:
    fault = error.errors(include_url=False, include_input=False)[0]
    return ".".join(map(str, fault["loc"])), fault["msg"]


def _finding(item: object) -> f.Finding:
    match item:
        case {"file": str(file), "kind": str(kind), "detail": str(detail)}:
            return f.Finding(file, kind, detail, machine_of(file))
    return f.Finding("", f.WRONG_TYPE, f"a finding that is a {type(item).__name__} of another shape")


def _piece(item: object, where: str) -> Evidence | f.Finding:
    try:
        given = EvidenceItem.model_validate(item)
    except ValidationError as error:
        return f.Finding(where, f.WRONG_TYPE, ": ".join(_first(error)))
    if not is_machine_id(given.machine_id):
        return f.Finding(given.file, f.NOT_A_MACHINE, f"{given.machine_id!r:.80} is no machineId")
    try:
        record, _ = parse(given.record, given.machine_id)  # its findings are in the answer already
    except NotUnderstoodError as error:
        return f.Finding(given.file, error.kind, error.detail, machine_of(given.file))
    piece = Evidence(record, given.kind, given.file, machine_of(given.file))
    piece.modified_ms, piece.read_ms = given.modified_ms, time_or_none(given.read_at)
    return piece


def _place_in_time(evidence: list[Evidence], answer: StateDocument, asked_ms: int, now_ms: int) -> None:
    """Say on our clock when each piece of a long reading was read: the last one now, none before we asked."""
    latest = max((piece.read_ms for piece in evidence if piece.read_ms is not None), default=None)
    begun = time_or_none(answer.read_at)
    if latest is None or begun is None:
        return
    for piece in evidence:
        at = piece.read_ms if piece.read_ms is not None else begun
        piece.read_ms = min(now_ms, max(asked_ms, now_ms - latest + at))


def _clock(answer: StateDocument, asked_ms: int, now_ms: int) -> list[f.Finding]:
    try:
        stamped = from_iso(answer.read_at)
    except BadTimeError as error:
        return [f.Finding(f"{answer.machine_id}:", f.WRONG_TYPE, f"readAt: {error}")]
    if asked_ms - FUTURE_TOLERANCE_MS <= stamped <= now_ms + FUTURE_TOLERANCE_MS:
        return []
    detail = f"the clock of {answer.machine_id} said {to_iso(stamped)} when ours said {to_iso(now_ms)}"
    return [f.Finding(f"{answer.machine_id}:", OBSERVER_CLOCK, detail)]
