from __future__ import annotations

import json
import tempfile
from typing import TYPE_CHECKING

import pytest

from roosync_ops.cli import main
from roosync_ops.lab.faults import FAULTS

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Labs that happen to run on this computer are not this test's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))


def test_each_fault_is_told_in_a_line_without_a_lab(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "fault", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(FAULTS)


def test_the_list_is_a_document_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "fault", "--list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "faults": FAULTS}


@pytest.mark.parametrize("words", [[], ["hang", "2024"]])
def test_where_no_lab_runs_the_next_command_is_said(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "fault", *words]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "Error: no lab of yours is running; start one in another terminal",
        "Next:  roosync-ops lab up",
    ]


def test_a_fault_without_a_machine_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "fault", "hang"]) == 2
    assert "name a fault and a machine" in capsys.readouterr().err
