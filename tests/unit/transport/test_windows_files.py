"""What a failed upload says about the file that was there before is what there is, whatever the server did to it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from roosync_ops.fleet import Machine
from roosync_ops.transport import sftp
from roosync_ops.transport.link import Patience, TransferError
from roosync_ops.transport.sftp import WindowsSsh

if TYPE_CHECKING:
    from collections.abc import Sequence

TARGET = "C:/ProgramData/agent.pyz"


class Server:
    """An SFTP server whose rename is a removal and a rename, as OpenSSH for Windows has it up to 8.1."""

    def __init__(self, *, removes: bool, renames_after: int) -> None:
        self.files = {f"/{TARGET}": b"old"}
        self.removes = removes
        self.failures = renames_after

    def batch(self, commands: Sequence[str]) -> tuple[int, str]:
        said = ""
        for each in commands:
            verb, *words = shlex.split(each)
            if verb == "put":
                self.files[words[1]] = Path(words[0]).read_bytes()
            elif verb == "get":
                Path(words[1]).write_bytes(self.files[words[0]])
            elif verb == "rename":
                return self.rename(*words)
            elif verb == "-rm":
                self.files.pop(words[0], None)
            elif verb == "ls":
                said = "\n".join(self.files)
        return 0, said

    def rename(self, part: str, target: str) -> tuple[int, str]:
        if self.removes:
            self.files.pop(target, None)
        if self.failures:
            self.failures -= 1
            return 1, "the process cannot access the file"
        self.files[target] = self.files.pop(part)
        return 0, ""


@pytest.fixture
def link(monkeypatch: pytest.MonkeyPatch) -> WindowsSsh:
    monkeypatch.setattr(sftp, "_PAUSE_S", 0)
    return WindowsSsh(Machine.of("m", {"system": "windows"}), Patience(1, 1, 1))


@pytest.mark.parametrize(
    ("removes", "said"),
    [
        pytest.param(False, "what was there is still there", id="the server replaces"),
        pytest.param(True, "no such file is there now: upload it again", id="the server removes, then renames"),
    ],
)
def test_an_upload_that_fails_says_what_is_there(
    link: WindowsSsh, monkeypatch: pytest.MonkeyPatch, *, removes: bool, said: str
) -> None:
    server = Server(removes=removes, renames_after=99)
    monkeypatch.setattr(link, "_batch", server.batch)
    with pytest.raises(TransferError) as failed:
        link.put(b"new", TARGET)
    assert str(failed.value).endswith(said)
    assert server.files == ({} if removes else {f"/{TARGET}": b"old"})


@pytest.mark.parametrize("removes", [False, True])
def test_a_file_that_is_let_go_in_time_is_replaced(
    link: WindowsSsh, monkeypatch: pytest.MonkeyPatch, *, removes: bool
) -> None:
    server = Server(removes=removes, renames_after=2)
    monkeypatch.setattr(link, "_batch", server.batch)
    link.put(b"new", TARGET)
    assert server.files == {f"/{TARGET}": b"new"}
