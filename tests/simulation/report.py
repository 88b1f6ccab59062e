"""What was simulated, as Markdown: one run, or several seeds of one plan added up."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from roosync_ops.wire.status import OFFLINE

from .world import OURS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .score import Score
    from .world import Outcome

HEAD: Final = (
    "| protocol, reader | false offline per machine-month | of these: sync delay alone / fault at the machine / at the "
    "reader | of these, *unknown* | living machines shown offline or not at all | deaths | missed | of these, "
    "the clock was named | no news | detected after p50 / p99 | dead machines shown online | history lost |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)
_CAUSES: Final = ("delay", "writer", "observer")


def rows(outcomes: Sequence[Outcome]) -> str:
    """Return one row a reader, of one protocol under one plan with several seeds. Ranges are from seed to seed."""
    return "\n".join(_row(outcomes, [one.scores[at] for one in outcomes]) for at in range(len(outcomes[0].scores)))


def _row(outcomes: Sequence[Outcome], scores: Sequence[Score]) -> str:
    first = outcomes[0]
    months = sum(one.machine_months for one in outcomes)
    rates = [len(score.false) / one.machine_months for score, one in zip(scores, outcomes, strict=True)]
    wrong = [100 * score.wrong_s / max(score.judged_s, 1) for score in scores]
    total_wrong = 100 * sum(score.wrong_s for score in scores) / max(sum(score.judged_s for score in scores), 1)
    causes = "/".join(f" {sum(score.count(cause) for score in scores) / months:.1f} " for cause in _CAUSES).strip()
    missed = sum(len(score.missed) for score in scores)
    lost = sum(len(one.lost) for one in outcomes)
    erased = sum(one.erased for one in outcomes)
    cells = [
        f"{first.protocol}: {scores[0].reader}",
        f"{sum(len(score.false) for score in scores) / months:.1f}{_range(rates, '.0f')}",
        causes if first.protocol == OURS else "its own doing",
        f"{sum(one.word != OFFLINE for score in scores for one in score.false) / months:.1f}",
        f"{total_wrong:.2f} %{_range(wrong, '.2f')}",
        str(sum(score.deaths for score in scores)),
        str(missed),
        str(missed - sum(score.silently_missed for score in scores)),
        str(sum(score.no_news for score in scores)),
        f"{_seconds(_percentile(scores, 50))} / {_seconds(_percentile(scores, 99))}",
        str(sum(score.false_online for score in scores)),
        str(lost) if first.protocol == OURS else f"{erased} rewritten to older",
    ]
    return f"| {' | '.join(cells)} |"


def _range(values: Sequence[float], how: str) -> str:
    return f" ({min(values):{how}} to {max(values):{how}})" if len(values) > 1 else ""


def _percentile(scores: Sequence[Score], percent: float) -> float | None:
    """Return the detection time, in s, that so many percent of the deaths did not exceed."""
    ordered = sorted(time for score in scores for time in score.detections)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else None


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.0f} s"


def notes(outcome: Outcome) -> str:
    """Return what the table does not say of one run of ours."""
    status = outcome.scores[0]
    at_end = sum(word == "online" for word in status.final.values())
    reasons = Counter(one.reason or "none" for one in status.false)
    told = ", ".join(f"{kind} {count}" for kind, count in reasons.most_common()) or "none"
    more = "".join(f"\n- LOST {loss}" for loss in outcome.lost[:10])
    more += "".join(f"\n- told late: {one}" for one in outcome.tail)
    return (
        f"- seed {outcome.plan.seed}: {outcome.beats} beats of the shipped loop in {outcome.machine_months:.2f} "
        f"machine-months; at the end {at_end}/{len(status.final)} online without a hand. The reasons that came with "
        f"the {len(status.false)} false offlines of `status`: {told}. Of the living time that it showed gone, "
        f"{100 * status.bare_s / max(status.wrong_s, 1):.0f} % came as silence without a doubt. A record "
        "older than one shown before was shown "
        f"{status.rollbacks} times (a rolled-back replica; 0 with a memory). Flips to offline of a living machine: "
        f"{outcome.false_flips}, told twice: {outcome.double_flips}. `auto` went up to {outcome.patience_ms // 1000} s."
        f"{more}"
    )
