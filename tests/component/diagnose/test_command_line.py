"""What makes no sense is said before anything is looked at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from roosync_ops.cli import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--dry"], "--dry goes with --fix"),
        (["-i", "nowhere.py"], "nowhere.py: no such inventory file"),
        (["--timeout", "0"], "--timeout"),
        (["--lang", "de"], "--lang"),
    ],
)
def test_it_is_exit_code_2_with_a_sentence(capsys: pytest.CaptureFixture[str], argv: list[str], said: str) -> None:
    assert main(["diagnose", *argv]) == 2
    assert said in capsys.readouterr().err


def test_a_name_that_nobody_knows_is_told_with_those_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inventory = tmp_path / "inventory.py"
    inventory.write_text("off = [('m1', {})]\n")
    assert main(["diagnose", "ghost", "-i", str(inventory), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "INVENTORY"
    assert error["message"].startswith("ghost: no such machine")


def test_the_schema_is_printed_without_a_fleet(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", "--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert {"DiagnosisDocument", "FailureDocument"} <= set(schema["$defs"])
