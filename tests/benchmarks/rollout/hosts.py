"""The machines of the benchmark: the kit's fleet of OpenSSH servers, in a folder of its own, emptied between runs."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.kits.sshd import Fleet


class Hosts(Fleet):
    """`count` machines; a context manager that leaves neither a process nor a file behind."""

    def __init__(self, count: int) -> None:
        # Short: ssh's control sockets lie below it, and a socket's path has at most 107 bytes.
        root = Path(tempfile.mkdtemp(prefix="rsb-"))
        super().__init__(root, [f"bench-{number:03d}" for number in range(1, count + 1)], keys="")

    def server_pids(self) -> list[int]:
        return [server.pid for server in self._servers.values()]

    def reset(self) -> None:
        """Stop every agent and empty every home and the share: machines nothing was ever rolled out to."""
        self._end_sessions()
        for folder in (self.shared, *(host.home for host in self.hosts)):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()

    def close(self) -> None:
        try:
            super().close()
        finally:
            shutil.rmtree(self.root)

    def _end_sessions(self) -> None:
        """What the kit does at the end, for all but the servers."""
        servers, self._servers = self._servers, {}
        try:
            super().close()
        finally:
            self._servers = servers
