from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.errors import CommandError
from roosync_ops.lab import control
from roosync_ops.lab.control import answering, ask, find
from roosync_ops.lab.faults import LabError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _echo(request: dict[str, Any]) -> dict[str, Any]:
    return (
        {"ok": False, "error": "no", "hint": request.get("hint")}
        if request.get("refuse")
        else {"ok": True, "heard": request}
    )


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The folder of a lab that listens; its path is longer than the address of a socket may be."""
    folder = tmp_path / ("a folder with a long name " * 4) / "roosync-lab-1"
    folder.mkdir(parents=True)
    with answering(folder, _echo):
        yield folder


def _raw(folder: Path, data: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection, control._address(folder) as address:
        connection.settimeout(10)
        connection.connect(address)
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").readline()


def test_one_line_each_way(folder: Path) -> None:
    assert ask(folder, {"fault": "hang"}) == {"ok": True, "heard": {"fault": "hang"}}
    assert ask(folder, {"again": 1})["ok"]


def test_what_the_lab_refuses_is_its_own_sentence(folder: Path) -> None:
    with pytest.raises(CommandError, match=r"^no$") as told:
        ask(folder, {"refuse": True})
    assert told.value.hint == "roosync-ops lab fault --list"


def test_what_the_lab_says_to_type_is_what_comes_next(folder: Path) -> None:
    with pytest.raises(CommandError) as told:
        ask(folder, {"refuse": True, "hint": "roosync-ops lab fault hang m --off"})
    assert told.value.hint == "roosync-ops lab fault hang m --off"


def test_nobody_else_can_reach_it(folder: Path) -> None:
    assert (folder / control.SOCKET).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("line", [b"dance\n", b"[1]\n", b"\xff\xfe\n", b"{" * 70_000, b""])
def test_nonsense_is_answered_and_the_next_request_too(folder: Path, line: bytes) -> None:
    assert b'"ok": false' in _raw(folder, line)
    assert ask(folder, {"still": "here"})["ok"]


def test_a_folder_inside_the_lab_means_that_lab(folder: Path, tmp_path: Path) -> None:
    inside = folder / "ssh"
    inside.mkdir()
    assert find(inside, tmp_path) == folder


def test_the_only_lab_there_is_needs_no_name(folder: Path, tmp_path: Path) -> None:
    assert find(tmp_path, folder.parent) == folder


def test_of_two_labs_one_is_to_be_named(folder: Path, tmp_path: Path) -> None:
    other = folder.with_name("roosync-lab-2")
    other.mkdir()
    with answering(other, _echo), pytest.raises(LabError, match=r"several labs.*--lab .*lab-1 or .*lab-2"):
        find(tmp_path, folder.parent)


def test_where_no_lab_runs_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "roosync-lab-3").mkdir()
    with pytest.raises(LabError, match="no lab of yours is running"):
        find(tmp_path, tmp_path)
    with pytest.raises(LabError, match="no lab answers"):
        ask(tmp_path, {})


def test_it_is_gone_with_the_lab(tmp_path: Path) -> None:
    with answering(tmp_path, _echo):
        assert (tmp_path / control.SOCKET).is_socket()
    assert list(tmp_path.iterdir()) == []
