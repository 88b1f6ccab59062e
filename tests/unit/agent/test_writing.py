"""Replacing a file that another process holds open, as Windows refuses it."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from roosync_ops.agent.share import replace_file


def held(times: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Have the first `times` replacements fail as Windows does for a file another process holds open."""
    tried = 0
    real = os.replace

    def replace(source: str, target: str) -> None:
        nonlocal tried
        tried += 1
        if tried <= times:
            raise PermissionError(errno.EACCES, "held open", target)
        real(source, target)

    monkeypatch.setattr("os.replace", replace)
    monkeypatch.setattr("time.sleep", lambda _: None)
    return lambda: tried


def test_a_file_another_process_holds_is_replaced_once_it_lets_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = held(3, monkeypatch)
    replace_file(str(tmp_path / "a"), str(tmp_path / "t"), b"1")
    assert (tmp_path / "a").read_bytes() == b"1"
    assert tried() == 4


def test_one_that_is_never_let_go_is_given_up_without_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held(99, monkeypatch)
    with pytest.raises(PermissionError):
        replace_file(str(tmp_path / "a"), str(tmp_path / "t"), b"1")
    assert list(tmp_path.iterdir()) == []
