"""A machine that hangs, or drops the connection, at any point: told as what it is, in its own time; nothing stays."""

from __future__ import annotations

import re
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from roosync_ops import process
from roosync_ops.fleet import Machine
from roosync_ops.transport import link as links
from roosync_ops.transport.link import LinkError, Patience
from roosync_ops.transport.ssh import OpenSsh
from tests.kits.hung import LATE, LATER, STAGES, cut_off
from tests.kits.sshd import Fleet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.sshd
#: Generous: a busy computer agrees on keys slowly. What hangs is given up on after the part that it hangs in.
PATIENCE = Patience(10, 10, 20)
#: More than a connection and its buffers take: an upload that nobody reads stands still.
BIG = bytes(20_000_000)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with Fleet(tmp_path_factory.mktemp("fleet"), ["m1"]) as fleet:
        yield fleet


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """What the user says of a connection that has gone silent; without it ours is a longer time."""
    path = tmp_path / "config"
    path.write_text("Host *\n  ServerAliveInterval 2\n  ServerAliveCountMax 2\n")
    return path


def way(fleet: Fleet, port: int, config: Path, *, keep: bool = False) -> OpenSsh:
    fields = fleet.fields(fleet["m1"])
    known = config.with_name("known_hosts")
    known.write_text(fleet.known_hosts.read_text().replace(str(fleet["m1"].port), str(port)))
    ssh = {**fields["ssh"], "ssh_config_file": str(config), "ssh_known_hosts_file": str(known)}
    return OpenSsh(Machine.of("m1", {**fields, "port": port, "ssh": ssh}), PATIENCE, keep=keep)


def ask(link: OpenSsh, stage: str, target: Path) -> LinkError:
    """Have a long answer, or a long upload, and return what became of it."""
    began = time.monotonic()
    with pytest.raises(LinkError) as caught:  # noqa: PT012 - one of two
        if stage == "upload":
            link.put(BIG, str(target))
        else:
            link.execute(f"head -c {10 * LATE} /dev/zero", timeout_s=300)
    assert time.monotonic() - began < 120
    assert not process._running
    return caught.value


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("drop", [False, True], ids=["hangs", "drops"])
def test_before_the_login(fleet: Fleet, tmp_path: Path, stage: str, *, drop: bool) -> None:
    nothing = tmp_path / "config"
    nothing.write_text("")
    with cut_off(fleet["m1"].port, stage, drop=drop) as port:
        error = ask(way(fleet, port, nothing), stage, tmp_path / "target")
    assert (error.code, error.met, error.reached) == (links.CLOSED if drop else links.SILENT, True, False)
    assert drop or re.search(rf"no (SSH )?{stage} within", error.reason)


@pytest.mark.parametrize("stage", STAGES[1:])
def test_where_ssh_s_own_limit_is_the_shorter_one_it_is_the_same_trouble(
    fleet: Fleet, config: Path, tmp_path: Path, stage: str
) -> None:
    with cut_off(fleet["m1"].port, stage, drop=False) as port:
        error = ask(way(fleet, port, config), stage, tmp_path / "target")
    assert (error.code, error.met, error.reached) == (links.SILENT, True, False)


@pytest.mark.parametrize("stage", LATER)
@pytest.mark.parametrize("drop", [False, True], ids=["hangs", "drops"])
@pytest.mark.parametrize("keep", [False, True], ids=["one login", "a kept one"])
def test_after_it(  # noqa: PLR0913, PLR0917 - two fixtures and three ways
    fleet: Fleet,
    config: Path,
    tmp_path: Path,
    stage: str,
    drop: bool,
    keep: bool,
) -> None:
    with cut_off(fleet["m1"].port, stage, drop=drop) as port:
        link = way(fleet, port, config, keep=keep)
        try:
            if keep:
                link.open()
            error = ask(link, stage, tmp_path / "target")
        finally:
            link.close()
    assert (error.code, error.met, error.reached) == (links.CONNECTION_LOST, True, True)
    assert not (tmp_path / "target").exists(), "what did not come whole is not there"


def test_a_connection_that_goes_silent_is_given_up_on_where_nobody_says_when(fleet: Fleet, tmp_path: Path) -> None:
    nothing = tmp_path / "config"
    nothing.write_text("")
    link = way(fleet, fleet["m1"].port, nothing)
    found = subprocess.run([*link.words(), "-G", "--", link.destination], capture_output=True, text=True, check=True)
    assert {"serveraliveinterval 15", "serveralivecountmax 3"} <= set(found.stdout.splitlines())
