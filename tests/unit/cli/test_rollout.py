"""What a rollout says of how long what it did will last."""

from __future__ import annotations

import pytest

from roosync_ops.cli import rollout
from roosync_ops.fleet import Machine
from roosync_ops.pyinfra_ops.run import Result
from roosync_ops.transport.failure import Failure

PC, SERVER = Machine(machine_id="pc", system="windows"), Machine(machine_id="server")
BOUND = "survives a reboot once its user has logged on"
AT_NIGHT = "Use my sign-in info to automatically finish setting up after an update"


@pytest.mark.parametrize(
    ("result", "dry", "told"),
    [
        pytest.param(Result("pc"), False, True, id="a Windows machine"),
        pytest.param(Result("server"), False, False, id="systemd needs nobody"),
        pytest.param(Result("pc"), True, False, id="nothing was done"),
        pytest.param(Result("pc", failure=Failure("connect", "SILENT", "off", "")), False, False, id="not there"),
    ],
)
def test_permanence_bound_to_a_logon_is_told_after_a_rollout_with_what_helps_at_night(
    capsys: pytest.CaptureFixture[str], result: Result, *, dry: bool, told: bool
) -> None:
    rollout._tell((result,), (PC, SERVER), dry=dry)
    said = " ".join(capsys.readouterr().out.split())
    assert (BOUND in said, AT_NIGHT in said) == (told, told)
