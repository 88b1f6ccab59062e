"""Whatever stdout is, an exit code of 0 or 1 is a verdict that was written, and JSON is JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import pytest

from roosync_ops.cli import COMMANDS

REPOSITORY = Path(__file__).parents[3]
#: What no older encoding has all of, in what an inventory says.
WHY = "été, éteinte ✗ — 電源 🔌"
#: Every command, asked for something that it writes on stdout, and what it exits with where stdout takes it.
WRITING = [
    (["--version"], 0),
    (["--help"], 0),
    (["validate", "--shared", "shared"], 1),
    (["validate", "--shared", "shared", "--json", "--lang", "fr"], 1),
    (["status", "--shared", "shared"], 0),
    (["watch", "--shared", "shared", "--for", "0.1"], 0),
    (["history", "--shared", "shared", "--json"], 0),
    (["matrix", "--json"], 3),
    (["diagnose", "--timeout", "1", "--json"], 1),
    (["dashboard", "--shared", "shared", "-o", "."], 0),
    (["verify-share", "shared", "--seconds", "2", "--json"], 0),
    (["report", "--shared", "shared"], 1),
    (["schedule", "--help"], 0),
    (["rollout", "m1", "--dry"], 1),
    (["restart", "m1", "--dry", "--json"], 1),
    (["stop", "--schema"], 0),
    (["uninstall", "--schema"], 0),
    (["machines", "list"], 0),
    (["machines", "list", "--json"], 0),
    (["machines", "check", "--json"], 0),
    (["agent", "build", "-o", "agent.pyz"], 0),
    (["mcp", "--print-config"], 0),
    (["bootstrap", "windows", "--help"], 0),
    (["lab", "--help"], 0),
    (["deploys"], 0),
    (["rollback", "--help"], 0),
    (["init", "--help"], 0),
    (["ssh", "--help"], 0),
    (["logs", "--help"], 0),
    (["doctor", "windows", "--help"], 0),
]
IN_JSON = [(words, code) for words, code in WRITING if "--json" in words and words[0] in {"validate", "machines"}]
FOR_PEOPLE = [WRITING[1], WRITING[2], WRITING[11], WRITING[17], WRITING[21]]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "shared" / "heartbeats").mkdir(parents=True)
    (tmp_path / "inventory.py").write_text(
        "from roosync_ops.fleet import machine\n"
        f"lab = [machine('m1', host='127.0.0.1', port=9), machine('m2', expected='offline', why={WHY!r})]\n",
        encoding="utf-8",
    )
    return tmp_path


def holds_the_machines(words: list[str], text: str) -> None:
    document = json.loads(text)
    if words[0] == "validate":
        assert "m2" in json.dumps(document)
    elif words[1] == "list":
        assert [one["why"] for one in document["machines"]] == [None, WHY]


def started(words: list[str], place: Path, stdout: Any, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "roosync_ops", *words],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "HOME": str(place), **environment},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
    )


def test_no_command_is_forgotten() -> None:
    assert {words[0] for words, _ in WRITING} >= set(COMMANDS)


@pytest.mark.parametrize(
    ("words", "code"), WRITING, ids=lambda given: " ".join(given) if isinstance(given, list) else ""
)
def test_a_stdout_that_is_full_is_no_verdict(words: list[str], code: int, place: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        process = started(words, place, full)
    said = process.communicate(timeout=120)[1].decode()
    writes = words[0] != "watch"  # it has no flip to tell
    assert process.returncode == ({0: 4, 1: 4}.get(code, code) if writes else code), said
    assert "Traceback" not in said
    assert ("could not be written: No space left" in said or "être écrite : plus de place" in said) == (
        process.returncode == 4
    )


@pytest.mark.parametrize("words", [["validate", "--shared", "shared"], ["--version"], ["machines", "list", "--json"]])
def test_a_stdout_that_is_closed_is_no_verdict(words: list[str], place: Path) -> None:
    line = ["sh", "-c", 'exec "$@" >&- <&-', "sh", sys.executable, "-m", "roosync_ops", *words]
    done = subprocess.run(
        line, cwd=place, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 4
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(("words", "code"), [WRITING[1], WRITING[2], WRITING[17]])
def test_a_reader_that_is_gone_changes_no_exit_code(words: list[str], code: int, place: Path) -> None:
    reading, writing = os.pipe()
    process = started(words, place, writing)
    os.close(writing)
    os.close(reading)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == code
    assert b"rror" not in said


def test_a_pipe_that_others_made_non_blocking_is_waited_for(place: Path) -> None:
    lines = "".join(f"    machine('m{at}', why={WHY!r}),\n" for at in range(2_000))
    (place / "inventory.py").write_text(f"from roosync_ops.fleet import machine\nlab = [\n{lines}]\n", encoding="utf-8")
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    process = started(["machines", "list", "--json"], place, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        document = json.loads(read_late(pipe, process))
    assert (process.wait(60), len(document["machines"])) == (0, 2_000)
    assert process.communicate()[1] == b""


def read_late(pipe: IO[bytes], process: subprocess.Popen[bytes]) -> bytes:
    """Read once the writer stands before a full pipe."""
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(5)
    return pipe.read()


@pytest.mark.parametrize(("words", "code"), IN_JSON)
def test_json_is_json_where_stdout_has_hardly_a_sign(words: list[str], code: int, place: Path) -> None:
    process = started(words, place, subprocess.PIPE, PYTHONIOENCODING="ascii", COLUMNS="200")
    out, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (code, b"")
    holds_the_machines(words, out.decode("ascii"))


@pytest.mark.parametrize(("words", "code"), FOR_PEOPLE)
def test_what_a_stdout_cannot_show_is_written_in_signs_it_has(words: list[str], code: int, place: Path) -> None:
    process = started(words, place, subprocess.PIPE, PYTHONIOENCODING="ascii")
    out, said = process.communicate(timeout=60)
    assert process.returncode == code
    assert b"Traceback" not in said
    assert out.decode("ascii")
