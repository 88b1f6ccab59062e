"""Whatever is in a path or a value, it comes out on the machine as it went in, through a real `sh`."""

from __future__ import annotations

import ast
import base64
import json
import os
import string
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roosync_ops.agent.config import default_local_dir
from roosync_ops.remote_script import question as shell
from roosync_ops.remote_script import travel
from roosync_ops.remote_script.on_common import MARKER
from roosync_ops.wire.identity import LAB_HOSTNAME_VARIABLE
from tests.kits.hosts import PATIENCE_S

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = [
    "a b",
    "it's",
    'say "hi"',
    "$HOME",
    "`id`",
    "%PATH%",
    "a;b&c|d",
    "é à 日本 🎉",
    "back\\slash\\",
    "-rf",
    "!!",
    "*",
]


def answer(command: str, **environment: str) -> dict[str, Any]:
    done = subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
    )
    marked = [line for line in done.stdout.splitlines() if line.startswith(MARKER)]
    assert marked, (done.stdout, done.stderr)
    document: dict[str, Any] = json.loads(marked[-1].removeprefix(MARKER))
    return document


@pytest.mark.parametrize("name", HOSTILE)
def test_a_path_with_anything_in_it_arrives_as_it_is(tmp_path: Path, name: str) -> None:
    share = tmp_path / name
    share.mkdir()
    found = answer(shell.command({"do": "probe", "shared": str(share), "localDir": str(tmp_path / name / "x")}))
    assert found["share"]["path"] == str(share)
    assert found["share"]["writable"] is True
    assert found["localDir"] == str(share / "x")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_any_text_arrives_as_it_is(text: str) -> None:
    found = answer(shell.command({"do": "probe", "localDir": f"/nowhere/{text}/x"}, sys.executable))
    assert found["localDir"] == os.path.abspath(f"/nowhere/{text}/x")  # noqa: PTH100 - what the agent does


@given(st.dictionaries(st.text(), st.text()))
def test_what_travels_is_made_of_characters_every_shell_takes_literally(request: dict[str, str]) -> None:
    token = shell.command(request).split(" ; ")[0].rsplit("; r=$?")[0].rsplit(" ", 1)[1]
    assert set(token) <= set(string.ascii_letters + string.digits + "+/=")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_python_is_found_wherever_it_lies(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    python = folder / "python3"
    python.symlink_to(sys.executable)
    assert answer(shell.command({"do": "probe"}, str(python)))["python"]["executable"] == str(python)


def test_without_a_python_the_machine_says_so() -> None:
    assert answer(shell.command({"do": "probe"}, "/nowhere/python3")) == {"error": "no-python"}


def test_a_python_that_is_too_old_is_passed_over(tmp_path: Path) -> None:
    for name, code in (("python3", "exit 99"), ("python3.9", f'exec {sys.executable} "$@"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{code}\n")
        (tmp_path / name).chmod(0o755)
    found = answer(shell.command({"do": "probe"}), PATH=f"{tmp_path}:/usr/bin:/bin")
    assert found["python"]["version"].startswith("3.")


def test_what_travels_can_be_read_by_python_3_9() -> None:
    ast.parse(travel.source("posix"), feature_version=(3, 9))


def test_the_agent_s_own_folder_and_the_machine_s_own_name_are_the_agent_s_definitions(tmp_path: Path) -> None:
    found = answer(shell.command({"do": "probe"}), XDG_STATE_HOME=str(tmp_path), **{LAB_HOSTNAME_VARIABLE: "Some-Name"})
    assert found["localDir"] == default_local_dir({"XDG_STATE_HOME": str(tmp_path), LAB_HOSTNAME_VARIABLE: "Some-Name"})
    assert found["hostname"] == "Some-Name"


def test_a_share_that_hangs_is_told_within_its_deadline_and_holds_nothing_up(tmp_path: Path) -> None:
    """A sleep stands for a drive that never answers."""
    request = {"do": "probe", "shared": str(tmp_path), "shareDeadline": 0.2}
    hanging = travel.source("posix").replace(
        "def share_facts(shared", "def share_facts(shared, _=None):\n    time.sleep(60)\n\n\ndef _never(shared"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"{hanging}\nsys.exit(main(sys.argv))",
            base64.b64encode(json.dumps(request).encode()).decode(),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert json.loads(done.stdout.strip().removeprefix(MARKER))["share"] == {
        "path": str(tmp_path),
        "hung": True,
        "problem": None,
    }
