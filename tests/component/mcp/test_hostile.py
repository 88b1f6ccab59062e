"""What a machine answers over SSH, and what a command of ours quotes of it, is data in each result, and no more."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.gather import diagnosis, probe
from roosync_ops.gather.asking import LOOK
from roosync_ops.gather.probe import result_of
from roosync_ops.process import Ended
from roosync_ops.remote_script import checks
from roosync_ops.remote_script.facts_model import parse_report
from roosync_ops.remote_script.on_common import MARKER
from roosync_ops.remote_script.question import SilenceError
from roosync_ops.transport.reach import Reach
from tests.component.test_hostile_answers import ANSWERS, leaves, put
from tests.kits.assistant import Assistant, text
from tests.kits.hostile import OBEYED, TEXTS
from tests.unit.pyinfra_ops.builders import BUNDLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mcp.types import CallToolResult

    from roosync_ops.fleet import Machine
    from roosync_ops.judge import ProbeResult
    from roosync_ops.mcp.desk import ServerSettings

#: Each field of a good answer, and those of the others that tell of a trouble.
FIELDS = [("well", path) for path in leaves(ANSWERS["well"]) if path != ("hostname",)]
FIELDS += [(kind, path) for kind in ANSWERS for path in leaves(ANSWERS[kind]) if kind != "well" and "share" in path[0]]


def result(machine: Machine, number: int, told: str) -> ProbeResult:
    """Return what is made of a machine whose answer has `told` in the field of that number."""
    kind, path = FIELDS[number]
    answer = put(ANSWERS[kind], path, told) | {"hostname": machine.machine_id}
    try:
        seen: Any = parse_report([MARKER + json.dumps(answer)], 0, 0)
    except SilenceError as error:
        seen = checks.silence(machine, error)._replace(step=LOOK)
    return result_of(machine, seen, Reach("h", 2222), 0)


def see(told: CallToolResult) -> None:
    assert not OBEYED.search(json.dumps(told.structured_content, ensure_ascii=False))
    for at in range(len(told.content)):
        assert not OBEYED.search(text(told, at))
        assert len(text(told, at)) <= 45_000


@pytest.mark.parametrize("kind", TEXTS)
def test_no_result_of_a_look_holds_what_is_obeyed_whatever_the_machines_answer(
    settings: ServerSettings, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    names = [f"m{number}" for number in range(len(FIELDS))]
    settings.inventory.write_text(
        f"from roosync_ops.fleet import machine\nall_of_them = [machine(name) for name in {names}]\n"
    )

    def asked(machines: Sequence[Machine], *_: object) -> tuple[None, dict[str, ProbeResult], None]:
        texts = {one.machine_id: result(one, names.index(one.machine_id), TEXTS[kind][:300]) for one in machines}
        return None, texts, None

    monkeypatch.setattr(probe, "probe_beside", asked)
    monkeypatch.setattr(diagnosis, "probe_beside", asked)
    monkeypatch.setattr("roosync_ops.gather.diagnosis.bundle.build", lambda: BUNDLE)
    for tool in ("roosync_who_sees_whom", "roosync_diagnose"):
        told = Assistant(settings).call(tool)
        assert not told.is_error, told
        see(told)


def test_no_plan_and_no_change_holds_what_is_obeyed_whatever_the_command_quotes(
    settings: ServerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"machineId": "a", "outcome": "planned", "steps": [[told, told]], "code": told, "reason": told, "hint": told}
        for told in (told[:300] for told in TEXTS.values())
    ]
    every = "".join(told[:300] for told in TEXTS.values())
    said: list[dict[str, Any]] = [{"error": {"code": "SHARE_FULL", "message": every, "hint": every}}]
    said += [{"ok": True, "dry": True, "machines": rows, every: every}] * 3

    def run(*_: object, **__: object) -> Ended:
        return Ended(0, json.dumps(said.pop()).encode(), every.encode("utf-8", "replace"))

    monkeypatch.setattr("roosync_ops.mcp.changes.process.run", run)
    assistant = Assistant(dataclasses.replace(settings, allow_changes=True))
    planned = assistant.call("roosync_plan_change", action="rollout", machines=["a"])
    assert planned.structured_content is not None
    changed = assistant.call("roosync_apply_change", token=planned.structured_content["token"])
    failed = assistant.call("roosync_plan_change", action="rollout", machines=["a"])
    assert (planned.is_error, changed.is_error, failed.is_error) == (False, False, True)
    for told in (planned, changed, failed):
        see(told)
