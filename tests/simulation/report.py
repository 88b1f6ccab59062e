"""What was simulated, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .world import OURS

if TYPE_CHECKING:
    from .score import Score
    from .world import Outcome

HEAD = (
    "| protocol, reader | false offline per machine-month | of these: sync delay alone / fault at the machine / at the "
    "reader | living machines shown offline or not at all | deaths | missed | no news | detected after p50 / p99 | "
    "history lost |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)


def rows(outcome: Outcome) -> str:
    """Return one row a reader."""
    return "\n".join(_row(outcome, score) for score in outcome.scores)


def _row(outcome: Outcome, score: Score) -> str:
    months = outcome.machine_months
    false = f"{len(score.false) / months:.1f}"
    causes = "/".join(f" {score.count(cause) / months:.1f} " for cause in ("delay", "writer", "observer")).strip()
    lost = str(len(outcome.lost)) if outcome.protocol == OURS else f"{outcome.erased} rewritten to older"
    cells = [
        f"{outcome.protocol}: {score.reader}",
        false,
        causes if outcome.protocol == OURS else "its own doing",
        f"{100 * score.wrong_s / max(score.judged_s, 1):.2f} %",
        str(score.deaths),
        str(len(score.missed)),
        str(score.no_news),
        f"{_seconds(score.percentile(50))} / {_seconds(score.percentile(99))}",
        lost,
    ]
    return f"| {' | '.join(cells)} |"


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.0f} s"


def notes(outcome: Outcome) -> str:
    """Return what the table does not say."""
    status = outcome.scores[0]
    doubted = sum(score.doubted for score in outcome.scores[:1])
    at_end = sum(word == "online" for word in status.final.values())
    return (
        f"{outcome.beats} beats of the shipped loop in {outcome.machine_months:.2f} machine-months; at the end "
        f"{at_end}/{len(status.final)} online without a hand. Of the {len(status.false)} false offlines of `status` "
        f"the judge named the observer as the suspect in {doubted}; a record older than one shown before was shown "
        f"{status.rollbacks} times (a rolled-back replica; 0 with a memory). Flips to offline of a living machine: "
        f"{outcome.false_flips}, told twice: {outcome.double_flips}. `auto` went up to {outcome.patience_ms // 1000} s."
    )
