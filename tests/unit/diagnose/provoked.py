"""Each cause, provoked: a state of affairs as a scene, and whom it is about."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from roosync_ops.judge import HERE
from roosync_ops.judge.diagnose_model import DiagnosisInput
from roosync_ops.judge.probes import Builds
from tests.kits.shares import NOW, heartbeat, ours, put
from tests.unit.diagnose.builders import (
    NAMES,
    a_scene,
    a_sight,
    a_view,
    an_agent,
    fleet,
    left_record,
    not_reached,
    old_record,
    seen_in,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from roosync_ops.judge import ProbeResult
    from roosync_ops.remote_script.facts_model import AgentStatus

    Provoke = Callable[[Path], DiagnosisInput]


def _sight(sight: ProbeResult, *records: dict[str, Any]) -> Provoke:
    return lambda tmp_path: a_scene(tmp_path, sight, *records)


def _agent(*records: dict[str, Any], **fields: Any) -> Provoke:
    return _sight(a_sight(agent=an_agent(**fields)), *records)


def _share(code: str, *, agent: AgentStatus | None = None, **fields: Any) -> Provoke:
    sight = a_sight(agent=agent, share=(code, f"share /srv/share: {code}", "look at it"))
    return lambda tmp_path: a_scene(tmp_path, sight, fleet=fleet(**fields))


def _nobody(code: str, *records: dict[str, Any], **fields: Any) -> Provoke:
    return _sight(not_reached(code, **fields), *records)


def _off(tmp_path: Path) -> DiagnosisInput:
    sight = not_reached("TIMED_OUT")
    return a_scene(tmp_path, sight, left_record(), fleet=fleet(expected="offline", why="switched off?"))


def _uploads_stalled(tmp_path: Path) -> DiagnosisInput:
    scene = a_scene(tmp_path)
    behind = a_view(tmp_path / "others", old_record())
    return seen_in(scene, {**dict.fromkeys([*NAMES, HERE], behind), "m": scene.views["m"]})


def _downloads_stalled(tmp_path: Path) -> DiagnosisInput:
    scene = a_scene(tmp_path)
    stale = a_view(tmp_path / "stale", old_record("one"), old_record("two"))
    return seen_in(scene, {**scene.views, "m": stale})


def _own_clock_wrong(tmp_path: Path) -> DiagnosisInput:
    scene = a_scene(tmp_path)
    return replace(scene, probes={name: replace(one, offset_ms=3_600_000) for name, one in scene.probes.items()})


def _own_replica_stale(tmp_path: Path) -> DiagnosisInput:
    scene = a_scene(tmp_path)
    stale = a_view(tmp_path / "stale", *(old_record(name) for name in NAMES))
    return seen_in(scene, {**scene.views, HERE: stale})


def _unreadable(tmp_path: Path) -> DiagnosisInput:
    scene = a_scene(tmp_path)
    broken = a_view(tmp_path / "broken", without=["m"])
    (tmp_path / "broken" / "heartbeats" / "m.json").write_bytes(b"")
    broken = a_view(tmp_path / "broken", without=["m"])
    return seen_in(scene, dict.fromkeys(scene.views, broken))


def _twins(tmp_path: Path) -> DiagnosisInput:
    scene = a_scene(tmp_path)
    other = a_view(tmp_path / "other", ours("m", 9_000, sequence=8, sessionId="t", bootId="c"))
    return seen_in(scene, {**scene.views, "one": other})


def _beside(name: str) -> Provoke:
    """Another file of `m` lies beside its own, in everybody's replica."""

    def provoke(tmp_path: Path) -> DiagnosisInput:
        scene = a_scene(tmp_path)
        put(tmp_path / "share", ours("m", 40_000, sequence=5), name)
        return seen_in(scene, dict.fromkeys(scene.views, a_view(tmp_path / "share")))

    return provoke


def _erased(tmp_path: Path) -> DiagnosisInput:
    keeper = a_sight("one", an_agent(machine_id="one", erasures=3, erased_by="m", erased_ms=NOW - 20_000))
    scene = a_scene(tmp_path)
    return replace(scene, probes={**scene.probes, "one": replace(keeper, state=scene.own)})


def _two_of_a_name(tmp_path: Path) -> DiagnosisInput:
    return a_scene(tmp_path, a_sight(hostname="ONE", agent=an_agent(machine_id="one")))


def _stranger(tmp_path: Path) -> DiagnosisInput:
    state = a_view(tmp_path / "share", ours("ghost"))
    return DiagnosisInput(fleet(), NOW, {}, state)


def _view(text: bytes | None) -> Provoke:
    def provoke(tmp_path: Path) -> DiagnosisInput:
        state = a_view(tmp_path / "share", view=False)
        if text is not None:
            (tmp_path / "share" / "heartbeat.json").write_bytes(text)
            state = a_view(tmp_path / "share", view=False)
        return seen_in(a_scene(tmp_path / "well"), {HERE: state})

    return provoke


_DEAD: Final = {"running": False, "beat_ms": NOW - 3_600_000}

#: Each cause to (whom it is about, how it comes about).
PROVOKED: Final[dict[str, tuple[str | None, Provoke]]] = {
    "inventory-wrong": ("m", _nobody("INVENTORY")),
    "name-not-resolved": ("m", _nobody("UNKNOWN_HOST")),
    "machine-off": ("m", _nobody("TIMED_OUT")),
    "network-unreachable": ("m", _nobody("NO_ROUTE")),
    "nobody-listens": ("m", _nobody("REFUSED")),
    "ssh-silent": ("m", _nobody("SILENT")),
    "host-key-unknown": ("m", _nobody("HOST_KEY", reason="unreachable: its host key is not known here: x")),
    "host-key-changed": ("m", _nobody("HOST_KEY_CHANGED")),
    "login-refused": ("m", _nobody("LOGIN_REFUSED")),
    "wrong-system": ("m", _nobody("WRONG_SYSTEM", step="look")),
    "not-reached": ("m", _nobody("UNREACHABLE", met=True)),
    "ask-failed": ("m", _nobody("NOT_UNDERSTOOD", step="look")),
    "no-answer-in-time": ("m", _nobody("TIMEOUT", step="look")),
    "no-machine-id": ("m", _sight(a_sight(hostname="My PC!"))),
    "wrong-name": ("m", _sight(a_sight(hostname="another"))),
    "same-name-twice": ("m", _two_of_a_name),
    "no-python": ("m", _nobody("NO_PYTHON", step="look")),
    "not-enrolled": ("m", _sight(a_sight(agentSha256=None, agent=an_agent(success=False)), old_record())),
    "beats-from-elsewhere": ("m", _sight(a_sight(agentSha256=None, agent=an_agent(success=False)), ours("m"))),
    "old-service-only": ("m", _sight(a_sight(agentSha256=None, agent=an_agent(success=False)), heartbeat("m"))),
    "agent-broken": ("m", _agent(success=False, code="NOT_OUR_AGENT", message="cannot be run")),
    "agent-outdated": ("m", _sight(a_sight(builds=Builds(agent=False, config=True, loop=True)))),
    "loop-outdated": ("m", _sight(a_sight(builds=Builds(agent=True, config=True, loop=False)))),
    "config-differs": ("m", _sight(a_sight(builds=Builds(agent=True, config=False, loop=True)))),
    "not-permanent": ("m", _agent(installed=False)),
    "permanence-disabled": ("m", _agent(enabled=False, **_DEAD)),
    "never-started": ("m", _agent(installed=False, sequence=1, **_DEAD)),
    "stopped-on-purpose": ("m", _agent(left_record(), **_DEAD)),
    "agent-dead": ("m", _agent(old_record(), **_DEAD)),
    "zombie": ("m", _agent(beat_ms=NOW - 23 * 3_600_000)),
    "beat-not-written": ("m", _agent(read_back=False)),
    "no-shared-path": ("m", _share("NO_SHARED_PATH", agent=an_agent(success=False))),
    "no-logon-session": ("m", _share("NO_LOGON_SESSION", system="windows")),
    "drive-not-mounted": ("m", _share("DRIVE_NOT_MOUNTED", system="windows")),
    "share-missing": ("m", _share("SHARE_MISSING")),
    "share-not-a-folder": ("m", _share("SHARE_NOT_A_FOLDER")),
    "share-hung": ("m", _agent(share_state="hung", share_since="2026-02-12T10:15:20.999Z", share_detail="12 min")),
    "share-read-only": ("m", _share("SHARE_READ_ONLY")),
    "share-refused": ("m", _share("SHARE_REFUSED")),
    "share-full": ("m", _share("SHARE_FULL")),
    "share-problem": ("m", _share("SHARE_PROBLEM")),
    "uploads-stalled": ("m", _uploads_stalled),
    "downloads-stalled": ("m", _downloads_stalled),
    "record-unreadable": ("m", _unreadable),
    "clock-wrong": ("m", _sight(a_sight(offset_ms=3_600_000))),
    "twin-identity": ("m", _twins),
    "case-double": ("m", _beside("M.json")),
    "conflict-copies": ("m", _beside("m (1).json")),
    "old-writer-erases-view": ("m", _erased),
    "old-writer-rewrites-record": (
        "m",
        _agent(rewrites=2, rewrite="sequence None instead of 7", rewritten_ms=NOW - 60_000),
    ),
    "beats-though-expected-offline": ("m", lambda tmp_path: a_scene(tmp_path, fleet=fleet(expected="offline"))),
    "not-in-inventory": ("ghost", _stranger),
    "own-replica-unavailable": (None, lambda tmp_path: a_scene(tmp_path, here=("it hangs", "restart it"))),
    "own-clock-wrong": (None, _own_clock_wrong),
    "own-replica-stale": (None, _own_replica_stale),
    "view-missing": (None, _view(None)),
    "view-unreadable": (None, _view(b"")),
    "view-incomplete": (None, _view(b'{"heartbeats": {"one": {"lastHeartbeat": "2026-02-12T10:15:20.123Z"}}}')),
    "orphan-temporary-files": (None, lambda tmp_path: a_scene(tmp_path, orphans=("heartbeats/.gone.tmp",))),
    "expected-off": ("m", _off),
    "well": ("m", a_scene),
}
