"""pyinfra facts: what there is to know about a machine, each in one round trip, and nothing written."""

import time
from typing import Any

from pyinfra.api.facts import FactBase

from roosync_ops.fleet import Machine
from roosync_ops.remote_script import checks
from roosync_ops.remote_script.facts_model import ProbeReport, Reply, parse_report
from roosync_ops.remote_script.question import SilenceError

from .connector import Ask


class MachineFacts(FactBase[ProbeReport | SilenceError]):
    """Everything one round trip can learn about a machine, as a `ProbeReport`.

    A `SilenceError` (returned, not raised) where it gave no answer that can be used. Writes nothing, and bounds its
    own touch of the share.

    .. code:: python

        host.get_fact(MachineFacts, shared="/srv/shared", _timeout=35)
        # as --json prints it
        {
            "hostname": "myia-po-2024", "platform": "linux", "user": "fleet", "uid": 1000, "home": "/home/fleet",
            "python": {"executable": "/usr/bin/python3", "version": "3.11.2"}, "systemd": true,
            "localDir": "/home/fleet/.local/state/roosync",
            "agentSha256": "9f2c…", "config": {"machineId": "myia-po-2024", …}, "configModifiedMs": 1770891330123,
            "status": {"success": true, "running": true, "loopBuildId": "3491ad5c7b66cf60", "lastBeat": {…}, …},
            "share": {"path": "/srv/shared", "exists": true, "writable": true, "freeBytes": 84079280128, …},
            "clock": {"startMs": 1770891331100, "endMs": 1770891331103}, "clockOffsetMs": -2, "clockErrorMs": 11
        }
    """

    def command(
        self,
        local_dir: str | None = None,
        shared: str | None = None,
        python: str | None = None,
        share_deadline: float = 5.0,
        bootstrap: bool = False,
    ) -> Ask:
        request = checks.probe_request(local_dir, shared, share_deadline)
        self._ask = Ask(request, python, bootstrap=bootstrap, forgiving=True)
        return self._ask

    def process(self, output: list[str]) -> ProbeReport | SilenceError:
        try:
            return parse_report(output, self._ask.question.sent_ms, time.time_ns() // 1_000_000)
        except SilenceError as silence:
            return silence


class ReplicaFacts(FactBase[Reply | SilenceError]):
    """The whole shared state as a machine's replica shows it: the agent's `state`, in `done[0].reply`.

    A `SilenceError` (returned, not raised) where there was no answer.

    .. code:: python

        host.get_fact(ReplicaFacts, share_deadline=5.0, _timeout=35).done[0].reply
        {
            "success": true, "machineId": "myia-po-2024", "shared": "/srv/shared", "readAt": "2026-02-12T10:15:30.123Z",
            "seen": 4, "view": {"heartbeats": {…}, "onlineMachines": […], …}, "viewState": "read",
            "evidence": [{"machineId": "…", "file": "heartbeats/….json", "kind": "file", "record": {…}}], "findings": []
        }
    """

    def command(self, local_dir: str | None = None, python: str | None = None, share_deadline: float = 5.0) -> Ask:
        return Ask(checks.state_request(local_dir, share_deadline), python, forgiving=True)

    def process(self, output: list[str]) -> Reply | SilenceError:
        try:
            return Reply.read(output)
        except SilenceError as silence:
            return silence


def arguments(machine: Machine) -> dict[str, Any]:
    """Return MachineFacts' arguments for one machine of the inventory."""
    return {
        "local_dir": machine.local_dir,
        "shared": machine.shared,
        "python": machine.python,
        "share_deadline": checks.look_s(machine),
    }
