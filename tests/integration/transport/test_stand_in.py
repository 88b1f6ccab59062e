"""A computer without OpenSSH reaches the lab's machines by the lab's own stand-in, with the same codes."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.fleet import Machine
from roosync_ops.lab.ssh_client import install
from roosync_ops.transport import link as links
from roosync_ops.transport.link import LinkError, Patience
from roosync_ops.transport.ssh import OpenSsh
from tests.kits.hosts import free_ports
from tests.kits.sshd import Fleet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.sshd
PATIENCE = Patience(30, 60, 60)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with Fleet(tmp_path_factory.mktemp("fleet"), ["m1"]) as fleet:
        yield fleet


def way(fleet: Fleet, tmp_path: Path, *, keep: bool = False, port: int | None = None, **ssh: Any) -> OpenSsh:
    fields = fleet.fields(fleet["m1"])
    named = {**fields["ssh"], "ssh_program": str(install(tmp_path)), **ssh}
    return OpenSsh(Machine.of("m1", {**fields, "ssh": named, "port": port or fields["port"]}), PATIENCE, keep=keep)


@pytest.mark.parametrize("keep", [False, True])
def test_commands_bytes_and_exit_codes_go_through(fleet: Fleet, tmp_path: Path, *, keep: bool) -> None:
    link = way(fleet, tmp_path, keep=keep)
    link.open()
    done = link.execute("cat; echo no >&2; exit 255", b"\0\1\2", 90)
    assert (done.code, done.out, done.err) == (255, b"\0\1\2", b"no\n")
    link.close()


def test_what_goes_wrong_has_openssh_s_codes(fleet: Fleet, tmp_path: Path) -> None:
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
    nothing = tmp_path / "known"
    nothing.write_text("")
    for code, wrong in (
        (links.LOGIN_REFUSED, way(fleet, tmp_path, ssh_key=str(other))),
        (links.HOST_KEY, way(fleet, tmp_path, ssh_known_hosts_file=str(nothing))),
        (links.REFUSED, way(fleet, tmp_path, port=free_ports(1)[0])),
    ):
        with pytest.raises(LinkError) as caught:
            wrong.execute("true", timeout_s=90)
        assert caught.value.code == code
