"""What a failed upload says about the file that was there before is what there is, whatever the server did to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, cast

import pytest

from roosync_ops.pyinfra_ops import sftp as files

if TYPE_CHECKING:
    from types import TracebackType

    from paramiko import SFTPClient

TARGET = "C:/ProgramData/agent.pyz"
HELD = PermissionError(13, "the process cannot access the file")


class Open:
    """A file that is being written, or read back."""

    def __init__(self, server: Server, path: str) -> None:
        self.server, self.path = server, path
        self.st_size = len(server.files.get(path, b""))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """Nothing is kept open."""

    def set_pipelined(self, _pipelined: bool) -> None:
        """As paramiko's."""

    def prefetch(self, _size: int) -> None:
        """As paramiko's."""

    def write(self, data: bytes) -> None:
        self.server.files[self.path] = data

    def read(self) -> bytes:
        return self.server.files[self.path]

    def stat(self) -> Open:
        return self


class Server:
    """An SFTP server whose rename is a removal and a rename, as OpenSSH for Windows has it up to 8.1."""

    def __init__(self, *, removes: bool, renames_after: int) -> None:
        self.files = {TARGET: b"old"}
        self.removes = removes
        self.failures = renames_after

    def open(self, path: str, _mode: str = "r") -> Open:
        return Open(self, path)

    def stat(self, path: str) -> None:
        if path not in (*self.files, "C:/ProgramData"):
            raise FileNotFoundError(2, "No such file")

    def listdir(self, _folder: str) -> list[str]:
        return []

    def remove(self, path: str) -> None:
        self.files.pop(path, None)

    def posix_rename(self, part: str, target: str) -> None:
        if self.removes:
            self.files.pop(target, None)
        if self.failures:
            self.failures -= 1
            raise HELD
        self.files[target] = self.files.pop(part)


def put(server: Server) -> None:
    files.put(cast("SFTPClient", server), b"new", TARGET, sleep=lambda _: None)


@pytest.mark.parametrize(
    ("removes", "said"),
    [
        pytest.param(False, "what was there is still there", id="the server replaces"),
        pytest.param(True, "no such file is there now: upload it again", id="the server removes, then renames"),
    ],
)
def test_an_upload_that_fails_says_what_is_there(removes: bool, said: str) -> None:
    server = Server(removes=removes, renames_after=99)
    with pytest.raises(files.TransferError) as failed:
        put(server)
    assert str(failed.value).endswith(said)
    assert server.files == ({} if removes else {TARGET: b"old"})


@pytest.mark.parametrize("removes", [False, True])
def test_a_file_that_is_let_go_in_time_is_replaced(removes: bool) -> None:
    server = Server(removes=removes, renames_after=2)
    put(server)
    assert server.files == {TARGET: b"new"}
