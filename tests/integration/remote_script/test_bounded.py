"""A machine that never stops talking costs so many bytes here, and none of the others anything."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.kits.sshd import Fleet

if TYPE_CHECKING:
    from pathlib import Path

#: Runs our command, and tells the most that any process of it held, in KiB, as its last word.
_MEASURED = """
import resource, subprocess, sys
code = subprocess.call([sys.executable, "-m", "roosync_ops", *sys.argv[1:]])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""
#: What a worker holds anyway, twice an answer's bytes, and as much again for the allocator, in KiB.
MOST_KIB = 250 * 1024


@pytest.mark.parametrize(
    "babble",
    [
        pytest.param("exec yes", id="short-lines"),
        pytest.param("exec yes >&2", id="stderr"),
        pytest.param("exec tr '\\0' x </dev/zero", id="one-line"),
        pytest.param("""printf '\\nroosync-reply:{"x":"'; exec tr '\\0' x </dev/zero""", id="an-answer-s-beginning"),
    ],
)
def test_what_never_ends_is_ended_and_told(tmp_path: Path, babble: str) -> None:
    program = tmp_path / "babbler"
    program.write_text(f"#!/bin/sh\n{babble}\n")
    program.chmod(0o755)
    with Fleet(tmp_path, ["good", "endless"]) as fleet:
        fields = {host.machine_id: fleet.fields(host) for host in fleet}
        fields["endless"]["python"] = str(program)
        machines = "".join(f"machine({name!r}, **{given!r})," for name, given in fields.items())
        inventory = tmp_path / "inventory.py"
        inventory.write_text(f"from roosync_ops.fleet import machine\nlab = [{machines}]\n")
        words = ["rollout", "--dry", "--json", "-i", str(inventory), "--connect-timeout", "60"]
        done = subprocess.run(
            [sys.executable, "-c", _MEASURED, *words], capture_output=True, text=True, check=False, timeout=170
        )
    rows = {row["machineId"]: row for row in json.loads(done.stdout)["machines"]}
    assert rows["good"]["outcome"] == "planned", shlex.join(words)
    assert (rows["endless"]["code"], rows["endless"]["outcome"]) == ("TOO_MUCH", "failed"), rows
    assert "32 MiB" in rows["endless"]["reason"]
    assert int(done.stderr.split()[-1]) < MOST_KIB
