"""What goes over a login: commands, bytes and files, and one login for several."""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from roosync_ops import process
from roosync_ops.fleet import Machine
from roosync_ops.transport import link as links
from roosync_ops.transport import posix_files
from roosync_ops.transport.link import LinkError, TransferError
from roosync_ops.transport.ssh import OpenSsh
from tests.kits.hosts import wait_for
from tests.kits.ssh_user import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kits.ssh_user import User

pytestmark = pytest.mark.sshd


@pytest.mark.parametrize("code", [0, 1, 7, 254, 255])
def test_an_exit_code_is_the_commands_own_even_where_it_is_sshs_too(user: User, code: int) -> None:
    user.config(user.block("m1"), user.login)
    assert OpenSsh(Machine.of("m1", {}), PATIENCE).execute(f"exit {code}", timeout_s=60).code == code


def test_what_goes_in_and_out_is_bytes_and_apart(user: User) -> None:
    user.config(user.block("m1"), user.login)
    data = bytes(range(256)) * 4000
    done = OpenSsh(Machine.of("m1", {}), PATIENCE).execute("cat; echo no >&2", data, 60)
    assert (done.code, done.out, done.err) == (0, data, b"no\n")


def test_a_command_that_does_not_end_is_ended_and_nothing_of_ours_stays(user: User) -> None:
    user.config(user.block("m1"), user.login)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        OpenSsh(Machine.of("m1", {}), PATIENCE).execute("sleep 600", timeout_s=5)
    assert time.monotonic() - began < 60
    assert not process._running


def test_a_machine_lost_in_the_middle_is_told_as_lost(user: User) -> None:
    user.config(user.block("m1"), user.login)
    with pytest.raises(LinkError) as caught:
        OpenSsh(Machine.of("m1", {}), PATIENCE).execute("echo half; kill -9 $PPID; sleep 60", timeout_s=60)
    assert (caught.value.code, caught.value.reached) == (links.CONNECTION_LOST, True)


def test_more_than_anybody_wants_to_hear_is_cut_off(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "MAX_ANSWER", 1_000_000)
    user.config(user.block("m1"), user.login)
    with pytest.raises(LinkError) as caught:
        OpenSsh(Machine.of("m1", {}), PATIENCE).execute("cat /dev/zero", timeout_s=60)
    assert caught.value.code == links.TOO_MUCH


@pytest.mark.parametrize("opens", [True, False], ids=["opened", "by the first command"])
def test_one_login_serves_all_commands_and_ends_with_them(user: User, *, opens: bool) -> None:
    user.config(user.block("m1", "  ProxyJump j1\n"), user.block("j1"), user.login)
    way = OpenSsh(Machine.of("m1", {}), PATIENCE, keep=True)
    way.more = True
    if opens:
        way.open()
    try:
        sessions = {way.execute("echo $PPID", timeout_s=60).out for _ in range(3)}
        assert len(sessions) == 1
        kept = way._master
        assert kept is not None
        assert way.execute("exit 255", timeout_s=60).code == 255
        assert "OpenSSH" in way.banner
    finally:
        way.close()
    wait_for("the kept connection's end", lambda: not kept.exists())
    assert way.execute("echo $PPID", timeout_s=60).out not in sessions


def test_what_the_user_says_of_multiplexing_stands(user: User, tmp_path: Path) -> None:
    control = tmp_path / "m"
    user.config(user.block("m1", f"  ControlMaster auto\n  ControlPath {control}\n  ControlPersist 60\n"), user.login)
    way = OpenSsh(Machine.of("m1", {}), PATIENCE, keep=True)
    try:
        way.open()
        assert control.exists(), "it is the user's own connection that is used"
        assert way.execute("exit 7", timeout_s=60).code == 7
        way.close()
        assert control.exists(), "and it is the user's to end"
    finally:
        subprocess.run(
            ["ssh", "-F", "/dev/null", "-S", str(control), "-O", "exit", "x"], capture_output=True, check=False
        )


def test_there_and_back_a_file_is_whole_and_keeps_its_mode(user: User, tmp_path: Path) -> None:
    user.config(user.block("m1"), user.login)
    way = OpenSsh(Machine.of("m1", {}), PATIENCE)
    target = tmp_path / 'it\'s $HOME & "x" é'
    target.write_text("old")
    target.chmod(0o640)
    data = bytes(range(256)) * 3000
    way.put(data, str(target))
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (data, 0o640)
    assert [one.name for one in tmp_path.iterdir() if "part" in one.name] == []
    assert way.get(str(target)) == data
    link = tmp_path / "link"
    link.symlink_to(target)
    way.put(b"through", str(link))
    assert (link.is_symlink(), target.read_bytes()) == (True, b"through")
    for wrong in (tmp_path, tmp_path / "no" / "folder"):
        with pytest.raises(TransferError):
            way.put(b"x", str(wrong))
    with pytest.raises(TransferError):
        way.get(str(tmp_path / "none"))


@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "zsh", "csh", "tcsh", "fish"])
def test_a_line_for_sh_is_taken_by_every_login_shell(shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} here: tests/kits/provision.sh installs it")
    line = posix_files.shell("for p in a 'b c'; do echo \"<$p>\"; done; exit 3")
    done = subprocess.run([program, "-c", line], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "<a>\n<b c>\n"), done.stderr
