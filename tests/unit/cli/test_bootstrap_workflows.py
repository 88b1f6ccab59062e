"""The workflows, as far as they can be read here: neither has run on a hosted runner."""

from __future__ import annotations

import ast
import os
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from roosync_ops.cli import COMMANDS
from tests.acceptance import main_job

from .powershell_script import defects

REPOSITORY = Path(__file__).parents[3]
FILES = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))


def loaded(path: Path) -> dict[Any, Any]:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in loaded(path)["jobs"].values() for step in job["steps"]]


def lines(path: Path) -> list[str]:
    return [line.strip() for step in steps(path) for line in step.get("run", "").splitlines()]


@pytest.fixture(params=FILES, ids=lambda path: path.name)
def workflow(request: pytest.FixtureRequest) -> Path:
    assert isinstance(request.param, Path)
    return request.param


def test_there_is_one_for_linux_and_one_for_windows() -> None:
    assert [path.name for path in FILES] == ["ci.yml", "windows.yml"]


def test_a_workflow_may_read_the_repository_and_nothing_else(workflow: Path) -> None:
    document = loaded(workflow)
    assert document["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in document["jobs"].values())
    assert not re.search(r"secrets\.|pull_request_target|github\.token", workflow.read_text(encoding="utf-8"))


def test_every_action_is_pinned_to_a_commit_and_names_its_release(workflow: Path) -> None:
    used = re.findall(r"^ *- uses: (.*)$", workflow.read_text(encoding="utf-8"), re.MULTILINE)
    assert used
    assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each) for each in used)
    assert all(step["with"]["persist-credentials"] is False for step in steps(workflow) if "checkout" in str(step))


def test_every_job_ends(workflow: Path) -> None:
    assert all(job["timeout-minutes"] <= 60 for job in loaded(workflow)["jobs"].values())


def test_nothing_from_outside_is_pasted_into_a_script(workflow: Path) -> None:
    assert all("${{" not in step.get("run", "") for step in steps(workflow))


def test_the_scripts_in_it_can_be_read(workflow: Path) -> None:
    for step in steps(workflow):
        if step.get("shell") == "powershell":
            assert defects(step["run"]) == [], step["name"]
        if step.get("shell") == "python":
            ast.parse(step["run"])


def test_linux_runs_what_must_pass_before_anything_lands() -> None:
    [run] = [line for line in lines(FILES[0]) if ".ci/run" in line]
    assert shlex.split(run)[-1] == ".ci/run"
    assert os.access(REPOSITORY / ".ci" / "run", os.X_OK)


def test_windows_runs_our_bootstrap_with_powershell_5_twice_and_the_second_time_for_nothing() -> None:
    said = lines(FILES[1])
    assert any("roosync-ops bootstrap windows" in line and line.endswith("> bootstrap.ps1") for line in said)
    run = "powershell -NoProfile -ExecutionPolicy Bypass -File bootstrap.ps1"
    assert sum(line.startswith(run) for line in said) == 2
    script = (REPOSITORY / "roosync_ops" / "bootstrap" / "windows.ps1").read_text(encoding="ascii")
    for line in said:
        found = re.fullmatch(r'findstr /c:"(.*)" bootstrap\.txt', line)
        assert found is None or found[1] in script


def test_a_task_of_a_workflow_runs_with_the_ordinary_token_as_ours_do() -> None:
    text = FILES[1].read_text(encoding="utf-8")
    principals = re.findall("New-ScheduledTaskPrincipal.*", text)
    assert principals
    assert all("-RunLevel Limited" in line for line in principals)
    assert "Highest" not in text


def test_windows_runs_the_acceptance_as_it_documents_itself() -> None:
    [run] = [line for line in lines(FILES[1]) if "tests.acceptance.main_job" in line]
    _, _, words = run.partition("-m ")
    module, *rest = words.split()
    assert module == main_job.__name__
    assert main_job.__doc__ is not None
    assert f"python -m {module}" in main_job.__doc__
    flags = [word for word in rest if word.startswith("-")]
    assert all(flag in main_job.__doc__ for flag in flags)
    assert len(rest) - len(flags) == 2


def test_every_command_of_ours_in_it_exists(workflow: Path) -> None:
    used = re.findall(r"roosync-ops\"?,? \"?([a-z]+)", "\n".join(lines(workflow)))
    assert set(used) <= set(COMMANDS)
