"""Files to and from a Windows machine by OpenSSH's `sftp`: whole or not at all, and read back before they count."""

import posixpath
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from roosync_ops import process

from . import link as links
from .link import LinkError, TransferError
from .ssh import OpenSsh
from .ssh_files import room
from .windows_link import WindowsLink

#: What replaces a file lies beside it as `<name>.<8 hex>.part`. Not under one name: the server of a connection that was
#: cut off may still be writing to the last one. The next upload removes what others left.
_PART: Final = ".part"
_DRIVE: Final = re.compile(r"[A-Za-z]:/")
_LEFT: Final = r"\.[0-9a-f]{8}\.part"
#: How often, and with what pause in s, a file that another process holds open is asked for: a scanner lets go soon.
_ATTEMPTS: Final = 5
_PAUSE_S: Final = 0.3
_TRANSFER_S: Final = 600.0


class WindowsSsh(OpenSsh, WindowsLink):
    """A Windows machine: OpenSSH for Windows, whatever its default shell is. Files go by SFTP."""

    def put(self, data: bytes, path: str) -> None:
        """Have `data` be the file at `path`, in a folder that is made where it is missing. Raises TransferError."""
        target = sftp_path(path)
        part = f"{target}.{secrets.token_hex(4)}{_PART}"
        folder, name = posixpath.split(target)
        with tempfile.TemporaryDirectory(dir=room()) as beside:
            here, back = Path(beside, "sent"), Path(beside, "back")
            here.write_bytes(data)
            folders = [folder[:at] for at in range(1, len(folder) + 1) if folder[at : at + 1] in {"/", ""}]
            left = re.compile(re.escape(name) + _LEFT)
            steps = [f"-mkdir {_word(each)}" for each in folders]
            steps += [f"-rm {_word(f'{folder}/{each}')}" for each in self.list_folder(folder) if left.fullmatch(each)]
            steps += [f"put {_word(str(here))} {_word(part)}", f"get {_word(part)} {_word(str(back))}"]
            code, said = self._batch(steps)
            if code == 0 and back.read_bytes() != data:
                code, said = 1, "it arrived as another"
            if code != 0:
                self._batch([f"-rm {_word(part)}"])
                raise TransferError(f"{path}: not uploaded ({said}); {self._left(target)}")
            self._put_in_place(part, target)

    def _put_in_place(self, part: str, target: str) -> None:
        """Replace the target. Windows refuses while a process holds it open."""
        said = ""
        for _ in range(_ATTEMPTS):
            code, said = self._batch([f"rename {_word(part)} {_word(target)}"])
            if code == 0:
                return
            time.sleep(_PAUSE_S)
        self._batch([f"-rm {_word(part)}"])
        held = "a process holds it open, or it may not be written"
        raise TransferError(f"{target.lstrip('/')}: not replaced ({said}): {held}; {self._left(target)}")

    def _left(self, target: str) -> str:
        """Word what a failure left at `target`, by looking: OpenSSH up to 8.1 removes the target, and then renames."""
        folder, name = posixpath.split(target)
        code, said = self._batch([f"ls -1 {_word(folder + '/')}"])
        if code != 0:
            return "whether the old file is still there is not known"
        there = name.lower() in {posixpath.basename(line).lower() for line in said.split("\n")}
        return "what was there is still there" if there else "no such file is there now: upload it again"

    def get(self, path: str) -> bytes:
        with tempfile.TemporaryDirectory(dir=room()) as beside:
            here = Path(beside, "got")
            code, said = self._batch([f"get {_word(sftp_path(path))} {_word(str(here))}"])
            if code != 0:
                raise TransferError(f"{path}: {said}")
            return here.read_bytes()

    def list_folder(self, path: str) -> list[str]:
        code, said = self._batch([f"ls -1 {_word(sftp_path(path).rstrip('/') + '/')}"])
        return [posixpath.basename(line.rstrip()) for line in said.split("\n") if line.strip()] if code == 0 else []

    def exists(self, path: str) -> bool:
        return self._batch([f"ls -1 {_word(sftp_path(path))}"])[0] == 0

    def _batch(self, commands: Sequence[str]) -> tuple[int, str]:
        """Have sftp do `commands`, up to the first that fails; return (its exit code, its words). Raises LinkError."""
        program, *words = self.words()
        beside = Path(program).with_name("sftp.exe" if program.lower().endswith(".exe") else "sftp")
        sftp = str(beside) if beside.is_file() else "sftp"
        try:
            done = process.run(
                [sftp, *("-q", "-b", "-", "-S"), shutil.which(program) or program, *words, "--", self.destination],
                "".join(f"{each}\n" for each in commands).encode(),
                until=time.monotonic() + _TRANSFER_S,
                max_out=process.MAX_ERR_BYTES,
            )
        except OSError as error:
            raise LinkError(
                links.NO_SSH_CLIENT, f"sftp, which comes with ssh, cannot be run: {error.strerror}"
            ) from None
        if done.code is None:
            raise TransferError(f"no answer of its SFTP server within {_TRANSFER_S:g} s")
        out = [line for line in done.out.decode("utf-8", "replace").splitlines() if not line.startswith("sftp> ")]
        err = done.err.decode("utf-8", "replace").strip().splitlines()
        return done.code, "\n".join(out) if done.code == 0 else (err or out or ["without a word"])[-1]


def sftp_path(path: str) -> str:
    """Return a Windows path as sftp has it: `/C:/ProgramData/x`; without a slash before it a drive is none."""
    plain = path.replace("\\", "/")
    return f"/{plain}" if _DRIVE.match(plain) else plain


def _word(text: str) -> str:
    """Return one word of sftp's command line, which takes patterns where it can."""
    return '"' + re.sub(r'([\\"*?\[\]])', r"\\\1", text) + '"'
