"""The words that are said to ssh of one machine."""

from __future__ import annotations

import shlex

from roosync_ops.fleet import Machine
from roosync_ops.transport.link import Patience
from roosync_ops.transport.ssh import OpenSsh


def test_the_way_through_another_machine_is_quoted_for_the_shell_and_for_ssh() -> None:
    hop = OpenSsh(Machine.of("j", {"host": "j.local", "ssh": {"ssh_key": "/k e/100%' \" $(x)"}}), Patience(1, 1, 1))
    *words, option, target, end, name = shlex.split(hop.as_proxy())
    assert (option, target, end, name) == ("-W", "[%h]:%p", "--", "j.local")
    assert all("%" not in word.replace("%%", "") for word in words)
    assert [word.replace("%%", "%") for word in words] == hop.words()
