"""Whatever machines answer, each gets exactly one cause and one command, and nothing raises."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roosync_ops.gather.look import Look
from roosync_ops.gather.sights import sight as sight_of
from roosync_ops.judge.diagnose import diagnose
from roosync_ops.judge.diagnose_causes import CAUSES, HINT
from roosync_ops.judge.diagnose_model import HERE, Agent, Diagnoses, DiagnosisInput, Sight
from roosync_ops.remote_script.bundle import Bundle
from roosync_ops.remote_script.facts_model import Report
from roosync_ops.show import schemas
from roosync_ops.show.diagnosis import diagnoses_document, diagnoses_table
from roosync_ops.transport.failure import Failure
from roosync_ops.transport.reach import Reach
from tests.kits.shares import NOW, ours
from tests.unit.diagnose.builders import NAMES, a_view, fleet
from tests.unit.pyinfra_ops.builders import an_answer

if TYPE_CHECKING:
    from pathlib import Path

    from roosync_ops.state import SharedState

BUNDLE = Bundle("0.1.0", "0123456789abcdef", "a" * 64, b"the agent")
TEXTS = st.none() | st.text(max_size=20) | st.sampled_from(["m", "one", "M", "refused", "silent", "hung", "ok", "{x}"])
TIMES = st.none() | st.integers(0, 4 * NOW) | st.sampled_from([NOW, NOW - 1_000_000, NOW + 7_200_000])
CODES = st.sampled_from(["HOST_KEY", "UNREACHABLE", "SILENT", "NO_PYTHON", "SHARE_HUNG", "NO_SHARED_PATH"]) | st.text(
    max_size=8
)
COUNTS = st.none() | st.integers(0, 1 << 62)
_BY_NAME = {
    "success": st.booleans(),
    "running": st.booleans(),
    "installed": st.booleans(),
    "enabled": st.booleans(),
    "read_back": st.booleans(),
    "loop_is_current": st.none() | st.booleans(),
    "permanence": st.text(max_size=8),
    "interval_ms": st.integers(1, 10**9),
    "timeout_ms": st.integers(1, 10**9),
    "sequence": COUNTS,
    "erasures": st.integers(0, 9),
    "rewrites": st.integers(0, 9),
    "share_state": st.sampled_from(["ok", "hung", "missing", "odd"]),
    "has_agent": st.none() | st.booleans(),
    "agent_is_current": st.none() | st.booleans(),
    "config_is_current": st.none() | st.booleans(),
    "system": st.sampled_from(["posix", "windows"]),
    "port": st.integers(1, 65_535),
    "host": st.text(max_size=9),
    "login": st.lists(st.text(max_size=9), max_size=3).map(tuple),
    "addresses": st.none() | st.tuples(st.text(max_size=9)),
    "trouble": st.none()
    | st.tuples(st.sampled_from(["connect", "look"]), CODES, st.text(max_size=9), st.text(max_size=9)),
    "share": st.none() | st.tuples(CODES, st.text(max_size=9), st.text(max_size=9)),
    "offset_ms": st.integers(-(10**10), 10**10),
}


def _any(of: type[Any], **known: Any) -> st.SearchStrategy[Any]:
    parts = {
        field.name: _BY_NAME.get(field.name, TIMES if field.name.endswith("_ms") else TEXTS) for field in fields(of)
    }
    return st.builds(of, **{**parts, **known})


AGENTS = _any(Agent)
SIGHTS = st.fixed_dictionaries(
    {},
    optional={name: _any(Sight, machine_id=st.just(name), agent=st.none() | AGENTS) for name in NAMES},
)


def _sound(found: Diagnoses) -> None:
    assert [row.machine_id for row in found.machines] == [*NAMES, "ghost"]
    for row in (*found.machines, found.here):
        assert row.cause in CAUSES
        assert bool(row.command) == bool(CAUSES[row.cause].command) or CAUSES[row.cause].command == HINT
    for lang in ("en", "fr"):
        schemas.of("diagnose").validate_python(diagnoses_document(found, (), lang))
        table = diagnoses_table(found, (), lang, 80, everything=True)
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
    states: list[SharedState], data: st.DataObject, seen: dict[str, Sight], orphans: tuple[str, ...] | None
) -> None:
    views = data.draw(st.dictionaries(st.sampled_from([*NAMES, HERE]), st.sampled_from(states)))
    here = data.draw(st.none() | st.tuples(st.text(max_size=9), st.text(max_size=9)))
    expected = data.draw(st.sampled_from(["online", "offline"]))
    scene = DiagnosisInput(fleet(expected=expected), NOW, seen, views, here, orphans)
    _sound(diagnose(scene, [*NAMES, "ghost"]))


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
    machine = fleet().machines[2]
    report = Report.model_validate(an_answer(status=status, hostname=hostname))
    seen = Look("m", failure, None if failure is not None else report, None, reach=Reach("m", 22))
    sight = sight_of(machine, seen, BUNDLE)
    (row,) = diagnose(DiagnosisInput(fleet(), NOW, {"m": sight}), ["m"]).machines
    assert row.cause in CAUSES
    assert row.command or row.ok
