"""The words that are said to ssh of one machine."""

from __future__ import annotations

import shlex

import pytest

from roosync_ops.fleet import Machine
from roosync_ops.transport import link, ssh_errors
from roosync_ops.transport.link import Patience
from roosync_ops.transport.ssh import OpenSsh


def test_the_way_through_another_machine_is_quoted_for_the_shell_and_for_ssh() -> None:
    hop = OpenSsh(Machine.of("j", {"host": "j.local", "ssh": {"ssh_key": "/k e/100%' \" $(x)"}}), Patience(1, 1, 1))
    *words, option, target, end, name = shlex.split(hop.as_proxy())
    assert (option, target, end, name) == ("-W", "[%h]:%p", "--", "j.local")
    assert all("%" not in word.replace("%%", "") for word in words)
    assert [word.replace("%%", "%") for word in words] == hop.words()


@pytest.mark.parametrize(
    "said", ["/bin/bash: line 1: /opt/gate: No such file or directory", "/opt/gate: line 3: nc: command not found"]
)
def test_what_the_shell_of_a_proxy_says_is_no_complaint_of_the_configuration(said: str) -> None:
    log = ssh_errors.Log("debug1: Executing proxy command: exec /opt/gate h\nConnection closed by UNKNOWN port 65535\n")
    error = ssh_errors.worded(log, f"{said}\n")
    assert error.code == link.PROXY_FAILED
    assert error.reason == f"the way by /opt/gate h failed: {said}; Connection closed by UNKNOWN port 65535"
