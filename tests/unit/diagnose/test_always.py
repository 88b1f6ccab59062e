"""Whatever machines answer, each gets exactly one cause and one command, and nothing raises."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roosync_ops.gather.diagnosis import compared
from roosync_ops.gather.probe import result_of
from roosync_ops.judge import HERE, AgentState, ProbeResult, probes
from roosync_ops.judge.diagnose import diagnose
from roosync_ops.judge.diagnose_causes import CAUSES, HINT
from roosync_ops.judge.diagnose_model import Diagnoses, DiagnosisInput
from roosync_ops.judge.probes import Builds
from roosync_ops.remote_script.bundle import Bundle
from roosync_ops.remote_script.facts_model import ProbeReport
from roosync_ops.show import schemas
from roosync_ops.show.diagnosis import diagnoses_document, diagnoses_table
from roosync_ops.show.text import Style
from roosync_ops.transport.link import Failure
from roosync_ops.transport.reach import Reach
from tests.kits.shares import NOW, ours
from tests.unit.diagnose.builders import NAMES, a_sight, a_view, an_agent, fleet, seen_in
from tests.unit.pyinfra_ops.builders import an_answer

if TYPE_CHECKING:
    from pathlib import Path

    from roosync_ops.state import SharedState

BUNDLE = Bundle("0.1.0", "0123456789abcdef", "a" * 64, b"the agent")
CODES = st.sampled_from(["HOST_KEY", "UNREACHABLE", "SILENT", "NO_PYTHON", "SHARE_HUNG", "NO_SHARED_PATH"]) | st.text(
    max_size=8
)
TEXTS = st.text(max_size=9) | st.sampled_from(["m", "one", "M", "{x}"])
TIMES = st.none() | st.integers(0, 4 * NOW) | st.sampled_from([NOW, NOW - 1_000_000, NOW + 7_200_000])
FAILURES = st.builds(Failure, st.sampled_from(["connect", "look"]), CODES, TEXTS, TEXTS)
AGENTS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(["success", "running", "installed", "enabled", "read_back"], st.booleans()),
        **dict.fromkeys(["started_ms", "beat_ms", "left_ms", "erased_ms", "rewritten_ms", "now_ms"], TIMES),
        **dict.fromkeys(["machine_id", "rewrite", "rewrite_kind", "erased_by"], st.none() | TEXTS),
        "sequence": st.none() | st.integers(0, 1 << 62),
        "erasures": st.integers(0, 9),
        "rewrites": st.integers(0, 9),
        "share_state": st.sampled_from(["ok", "hung", "missing", "odd"]),
    },
).map(lambda given: an_agent(**given))  # type: ignore[arg-type]
REACHES = st.none() | st.builds(
    Reach,
    TEXTS,
    st.integers(1, 65_535),
    st.lists(TEXTS, max_size=2).map(tuple),
    st.none() | TEXTS,
    st.sampled_from([None, "open", "refused", "silent", "no-route"]),
)
ANSWERS = st.builds(
    replace,
    st.builds(a_sight, agent=st.none() | AGENTS, hostname=TEXTS, path=TEXTS, offset_ms=st.integers(-(10**10), 10**10)),
    reach=REACHES,
    share=st.none() | FAILURES,
    login=st.lists(TEXTS, max_size=3).map(tuple),
    builds=st.none() | st.builds(Builds, st.booleans(), st.booleans(), st.none() | st.booleans()),
)
SILENCES = st.builds(
    lambda failure, reach: ProbeResult("m", AgentState(probes.UNCLEAR), failure=failure, reach=reach), FAILURES, REACHES
)
SIGHTS = st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, ANSWERS | SILENCES))


def _sound(found: Diagnoses) -> None:
    assert [row.machine_id for row in found.machines] == [*NAMES, "ghost"]
    for row in (*found.machines, found.here):
        assert row.cause in CAUSES
        assert bool(row.command) == bool(CAUSES[row.cause].command) or CAUSES[row.cause].command == HINT
    for lang in ("en", "fr"):
        schemas.of("diagnose").validate_python(diagnoses_document(found, (), lang))
        table = diagnoses_table(found, (), Style(lang, 80), everything=True)
        assert all(char.isprintable() for char in table.replace("\n", ""))


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> list[SharedState]:
    """What replicas show: everybody's beats, stale ones, nobody's, and a stranger's."""
    folder: Path = tmp_path_factory.mktemp("shares")
    return [
        a_view(folder / "all"),
        a_view(folder / "stale", ours("m", 3_600_000, sequence=2), ours("one", 3_600_000, sequence=2)),
        a_view(folder / "none", without=NAMES),
        a_view(folder / "more", ours("ghost"), ours("m", 9_000, sequence=9, sessionId="t"), view=False),
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), seen=SIGHTS, orphans=st.none() | st.tuples(st.text(max_size=9)))
def test_any_scene_gives_each_machine_one_cause(
    states: list[SharedState], data: st.DataObject, seen: dict[str, ProbeResult], orphans: tuple[str, ...] | None
) -> None:
    views = data.draw(st.dictionaries(st.sampled_from([*NAMES, HERE]), st.sampled_from(states)))
    here = data.draw(st.none() | st.tuples(st.text(max_size=9), st.text(max_size=9)))
    expected = data.draw(st.sampled_from(["online", "offline"]))
    system = data.draw(st.sampled_from(["posix", "windows"]))
    scene = DiagnosisInput(fleet(expected=expected, system=system), NOW, seen, None, here, orphans)
    _sound(diagnose(seen_in(scene, views), [*NAMES, "ghost"]))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
STATUS = st.none() | st.dictionaries(
    st.sampled_from(
        ["success", "running", "machineId", "permanence", "config", "lastBeat", "share", "view", "ownFile", "now"]
    ),
    JSON,
)


@settings(max_examples=50, deadline=None)
@given(
    failure=st.none() | st.builds(Failure, st.sampled_from(["connect", "look"]), CODES, st.text(max_size=9), st.text()),
    status=STATUS,
    hostname=st.text(max_size=20),
)
def test_any_look_gives_a_cause(failure: Failure | None, status: dict[str, Any] | None, hostname: str) -> None:
    machine = tuple(fleet())[2]
    report = ProbeReport.model_validate(an_answer(status=status, hostname=hostname))
    told = failure or report
    sight = compared(machine, result_of(machine, told, Reach("m", 22)), BUNDLE)
    (row,) = diagnose(DiagnosisInput(fleet(), NOW, {"m": sight}), ["m"]).machines
    assert row.cause in CAUSES
    assert row.command or row.ok
