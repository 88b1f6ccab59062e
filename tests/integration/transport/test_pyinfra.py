"""Our connector is a whole connector of pyinfra's on POSIX machines: its program, its operations, its arguments."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyinfra.api.command import StringCommand
from pyinfra.api.config import Config
from pyinfra.api.inventory import Inventory
from pyinfra.api.state import State

from roosync_ops.fleet import Machine
from roosync_ops.transport.link import TransferError
from tests.kits.sshd import USER, Fleet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyinfra.api.host import Host

pytestmark = pytest.mark.sshd
PYINFRA = Path(sys.executable).with_name("pyinfra")
OTHER = "nobody"


def _cannot_become() -> str | None:
    if USER != "root":
        return "only root becomes another user and is asked nothing"
    missing = [name for name in ("sudo", "su") if shutil.which(name) is None]
    return f"no {', '.join(missing)} here: tests/kits/provision.sh installs it" if missing else None


becomes = pytest.mark.skipif(_cannot_become() is not None, reason=str(_cannot_become()))
AS_OTHER: list[Any] = [
    pytest.param({"_sudo": True, "_sudo_user": OTHER}, id="sudo"),
    pytest.param({"_su_user": OTHER, "_su_shell": "sh"}, id="su"),
]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with Fleet(tmp_path_factory.mktemp("fleet"), ["m1", "m2"]) as fleet:
        yield fleet


@pytest.fixture(scope="module")
def inventory(fleet: Fleet) -> Path:
    return fleet.inventory(fleet.root / "inventory.py")


@pytest.fixture(scope="module")
def host(fleet: Fleet) -> Iterator[Host]:
    """A machine that pyinfra is connected to, through its API."""
    machine = Machine.of("m1", fleet.fields(fleet["m1"]))
    found = Inventory(([machine.entry()], {}))
    state = State(found, Config(CONNECT_TIMEOUT=30))
    host: Host = state.inventory.get_host("m1")
    host.connect(raise_exceptions=True)
    yield host
    host.disconnect()


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of the machine's that every user reaches and may write to."""
    path = Path(f"/tmp/{tmp_path_factory.mktemp('open').parent.name}-{time.monotonic_ns()}")  # noqa: S108 - as above
    path.mkdir()
    path.chmod(0o777)
    yield path
    shutil.rmtree(path)


def pyinfra(inventory: Path, *words: str) -> str:
    """Run pyinfra's own program, and return all that it said."""
    done = subprocess.run(
        [str(PYINFRA), "-y", str(inventory), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
        cwd=inventory.parent,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def told(host: Host, *words: str, **arguments: Any) -> tuple[bool, str]:
    """Run one command, and return whether it was a success, and its stdout."""
    done, output = host.run_shell_command(StringCommand(*words), **arguments)
    return done, output.stdout


def test_exec_runs_a_command_on_every_machine(inventory: Path) -> None:
    said = pyinfra(inventory, "exec", "--", "uname")
    assert ("[m1] Linux" in said, "[m2] Linux" in said) == (True, True)


def test_fact_asks_every_machine(inventory: Path) -> None:
    said = pyinfra(inventory, "fact", "server.Kernel", "files.File", f"path={inventory}")
    assert said.count('"Linux"') == 2
    assert said.count(f'"size": {inventory.stat().st_size}') == 2


def test_debug_inventory_knows_the_machines_by_their_plain_names(inventory: Path, fleet: Fleet) -> None:
    said = pyinfra(inventory, "debug-inventory")
    _, _, data = said.partition("[m2]")
    assert json.loads(data[data.index("{") : data.rindex("}") + 1])["ssh_port"] == fleet["m2"].port
    assert "@roosync-ssh" not in said


def test_limit_takes_the_plain_name(inventory: Path) -> None:
    said = pyinfra(inventory, "--limit", "m2", "exec", "--", "uname")
    assert ("[m1] Linux" in said, "[m2] Linux" in said) == (False, True)


def test_operations_of_pyinfra_s_own_change_what_differs_and_nothing_twice(inventory: Path, tmp_path: Path) -> None:
    deploy = tmp_path / "deploy.py"
    source, target = tmp_path / "source", tmp_path / "it's $HOME"
    source.write_bytes(bytes(range(256)) * 500)
    deploy.write_text(
        "from pyinfra.operations import files, server\n"
        f"files.put(src={str(source)!r}, dest={str(target)!r}, mode='640')\n"
        f"files.line(path={str(tmp_path / 'lines')!r}, line='one', present=True)\n"
        f"files.file(path={str(tmp_path / 'made')!r}, mode='600')\n"
        f"server.shell(commands=['cat {source} >/dev/null'])\n"
    )
    (tmp_path / "lines").write_text("zero\n")
    pyinfra(inventory, "--limit", "m1", str(deploy))
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (source.read_bytes(), 0o640)
    assert (tmp_path / "lines").read_text() == "zero\none\n"
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o600
    again = pyinfra(inventory, "--limit", "m1", str(deploy))
    total = next(line.split() for line in again.splitlines() if "Grand total" in line)
    assert total[2:] == ["4", "1", "-", "3"], "only the shell's command is run again"


def test_where_and_with_what_a_command_runs(host: Host, folder: Path) -> None:
    place = folder / "a b"
    place.mkdir()
    words = ("echo", '"$PWD $WORD"')
    assert told(host, *words, _chdir=str(place), _env={"WORD": "it's $HOME"}) == (True, f"{place} it's $HOME")


def test_stdin_and_the_exit_codes_of_success(host: Host) -> None:
    assert told(host, "cat", _stdin=["one", "two"]) == (True, "one\ntwo")
    assert told(host, "exit 3") == (False, "")
    assert told(host, "exit 3", _success_exit_codes=[0, 3]) == (True, "")


def test_both_outputs_are_told_apart(host: Host) -> None:
    _, output = host.run_shell_command(StringCommand("echo out; echo err >&2"))
    assert (output.stdout, output.stderr) == ("out", "err")


def test_what_is_no_utf_8_is_read_all_the_same(host: Host) -> None:
    done, said = told(host, "printf '\\351l\\351ment'")
    assert (done, len(said)) == (True, len("élément"))


def test_a_command_that_does_not_end_is_ended_in_its_time_and_the_next_one_runs(host: Host) -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        told(host, "sleep 600", _timeout=2)
    assert time.monotonic() - began < 60
    assert told(host, "echo on") == (True, "on")


@becomes
@pytest.mark.parametrize("other", AS_OTHER)
def test_another_user_runs_it_with_the_place_and_the_variables(host: Host, folder: Path, other: dict[str, Any]) -> None:
    words = ("echo", '"$(id -un) $PWD $WORD"')
    assert told(host, *words, _chdir=str(folder), _env={"WORD": "a b"}, **other) == (True, f"{OTHER} {folder} a b")


@becomes
@pytest.mark.parametrize("other", AS_OTHER)
def test_another_user_has_a_file_of_its_own_there_and_back(host: Host, folder: Path, other: dict[str, Any]) -> None:
    data, target = bytes(range(256)) * 400, folder / "it's one"
    assert host.put_file(io.BytesIO(data), str(target), **other)
    assert (target.read_bytes(), target.owner()) == (data, OTHER)
    target.chmod(0o600)
    back = io.BytesIO()
    assert host.get_file(str(target), back, **other)
    assert back.getvalue() == data


@becomes
def test_a_file_that_another_user_may_not_write_is_not_put_and_leaves_no_temporary_one(
    host: Host, folder: Path
) -> None:
    folder.chmod(0o755)
    target = str(folder / "no")
    with pytest.raises(TransferError):
        host.put_file(io.BytesIO(b"x"), target, _sudo=True, _sudo_user=OTHER)
    assert list(folder.iterdir()) == []


def test_files_go_there_and_back_whole(host: Host, folder: Path, tmp_path: Path) -> None:
    data, target, back = bytes(range(256)) * 400, folder / 'a "b" é', tmp_path / "back"
    assert host.put_file(io.BytesIO(data), str(target))
    assert host.get_file(str(target), str(back))
    assert (target.read_bytes(), back.read_bytes()) == (data, data)


def test_a_file_that_cannot_be_had_leaves_nothing_here(host: Host, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TransferError):
        host.get_file(str(folder / "none"), str(tmp_path / "back"))
    assert not (tmp_path / "back").exists()
    with pytest.raises(TransferError):
        host.put_file(io.BytesIO(b"x"), str(folder / "no" / "folder"))
