"""Commands, values and files reach Windows-like hosts and come back as they were, and a Python is found on each."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from pyinfra.api.command import StringCommand
from pyinfra.api.config import Config
from pyinfra.api.inventory import Inventory
from pyinfra.api.state import State

from roosync_ops import process
from roosync_ops.fleet import machine
from roosync_ops.pyinfra_ops import facts
from roosync_ops.pyinfra_ops.connector import Ask
from roosync_ops.pyinfra_ops.preflight import machine_of
from roosync_ops.pyinfra_ops.ssh import SshConnector
from roosync_ops.remote_script import checks
from roosync_ops.remote_script.facts_model import ProbeReport, Reply
from roosync_ops.remote_script.question import SilenceError
from roosync_ops.transport import windows_link
from roosync_ops.transport.link import TransferError
from roosync_ops.transport.sftp import WindowsSsh
from roosync_ops.transport.windows_link import PYTHON
from tests.kits.hosts import PATIENCE_S, wait_for
from tests.kits.product import roosync_ops
from tests.kits.winlab import WinFleet, WinHost, WinHostSpec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyinfra.api.host import Host

pytestmark = [
    pytest.mark.wine,
    pytest.mark.timeout(600),  # the first run builds the kit
]
#: As the installer leaves it for one user, on PATH with the py launcher, and not at all.
ELODIE = WinHostSpec(
    "MYIA-PO-2024",
    user_profile="Élodie Dupont",
    python=r"C:\users\Élodie Dupont\AppData\Local\Programs\Python\Python311",
)
USUAL = WinHostSpec("MYIA-PO-2023", py=True)
BARE = WinHostSpec("MyIA-Web1", drive=False, python=None)
KITS_PYTHON = r"C:\winlab\python\python.exe"

HOSTILE = {
    "spaces": "  a  b ",
    "quotes": 'say "hi" it\'s',
    "variable": "%PATH% %% %CD%",
    "delayed": "!PATH! !!",
    "caret": "^^ a^b",
    "operators": "a & b && c | d > e < f",
    "PowerShell": "$HOME `n $(calc) @{} ; # {}",
    "other scripts": "Élodie Dupont 日本 🎉",
    "trailing backslash": "G:\\",
    "lines": "a\r\nb\n",
    "long": "x% \"é'^" * 1000,
}


@pytest.fixture(scope="module")
def fleet() -> Iterator[WinFleet]:
    with WinFleet([ELODIE, USUAL, BARE]) as fleet:
        yield fleet


def ssh(host: Host) -> WindowsSsh:
    assert isinstance(host.connector, SshConnector)
    assert isinstance(host.connector.link, WindowsSsh)
    return host.connector.link


def connected(fleet: WinFleet, host: WinHost, **fields: Any) -> Host:
    """Return pyinfra's host, logged in on, as a worker of ours has it."""
    entry = machine(host.name.lower(), **_fields(fleet, host), **fields)
    inventory = Inventory(([entry], {}))
    state = State(inventory, Config(CONNECT_TIMEOUT=30))
    found = inventory.get_host(host.name.lower())
    found.connect(raise_exceptions=True)
    state.activate_host(found)
    return found


def _fields(fleet: WinFleet, host: WinHost) -> dict[str, Any]:
    ssh = {"ssh_key": str(fleet.key), "ssh_known_hosts_file": str(fleet.known_hosts), "ssh_allow_agent": False}
    place = {"host": host.address, "port": host.port, "user": host.user, "shared": host.shared}
    return {"system": "windows", "ssh": ssh, **place}


@pytest.fixture(scope="module")
def usual(fleet: WinFleet) -> Host:
    return connected(fleet, fleet[USUAL.name])


def probe(host: Host) -> ProbeReport | SilenceError:
    """Ask as a run does that knows of no Python yet."""
    ssh(host).memory.clear()
    found = machine_of(host)
    assert not isinstance(found, tuple), found
    answer: ProbeReport | SilenceError = host.get_fact(facts.MachineFacts, **facts.arguments(found), _timeout=120)
    return answer


def python(host: Host) -> str:
    answer = probe(host)
    assert isinstance(answer, ProbeReport), answer
    return answer.python.executable


def apply(host: Host, local_dir: str, config: dict[str, Any]) -> Reply:
    step = {"step": "configure", "do": "configure", "config": config}
    ask = Ask({"do": "apply", "localDir": local_dir, "steps": [step], "look": False}, None)
    return Reply.read(host.run_shell_command(ask, _timeout=120)[1].stdout_lines)


def fetched(host: Host, path: str) -> bytes:
    came = BytesIO()
    assert host.get_file(path, came)
    return came.getvalue()


def test_every_value_comes_out_of_a_real_cmd_exe_as_it_went_in(usual: Host) -> None:
    assert apply(usual, "C:/ProgramData/values", HOSTILE).ok
    assert json.loads(fetched(usual, "C:/ProgramData/values/config.json")) == HOSTILE


def test_so_does_a_path_with_anything_in_it_that_windows_allows(usual: Host) -> None:
    folder = "C:\\ProgramData\\it's %PATH% & $x !y^ (é)"
    assert apply(usual, folder, {"a": 1}).ok
    assert json.loads(fetched(usual, f"{folder}\\config.json")) == {"a": 1}


@pytest.mark.parametrize("code", [0, 1, 7, 255])
def test_an_exit_code_comes_back(usual: Host, code: int) -> None:
    line = StringCommand(windows_link.line("cmd.exe", "/c", "exit", str(code)))
    assert usual.run_shell_command(line)[0] == (code == 0)
    assert usual.run_shell_command(line, _success_exit_codes=[code])[0]


@pytest.mark.parametrize(
    ("printed", "lines"),
    [
        pytest.param(b"a\r\n\r\nb", ["a", "", "b"], id="CRLF"),
        pytest.param("Élodie à Nîmes\n".encode("cp1252"), ["Élodie à Nîmes"], id="ANSI code page"),
        pytest.param("déjà vérifié\r\n".encode("cp437"), ["déjà vérifié"], id="OEM code page"),
        pytest.param("Élodie 日本\r\n".encode(), ["Élodie 日本"], id="UTF-8"),
        pytest.param(b"", [], id="nothing"),
    ],
)
def test_what_a_program_prints_is_text(usual: Host, printed: bytes, lines: list[str]) -> None:
    program = f"import os; os.write(1, {printed!r}); os.write(2, {printed!r})"
    _, output = usual.run_shell_command(StringCommand("python -I -S -"), _stdin=program)
    assert (output.stdout_lines, output.stderr_lines) == (lines, lines)


def test_what_does_not_end_is_given_up_in_time(usual: Host) -> None:
    program, began = "import time; time.sleep(60)", time.monotonic()
    with pytest.raises(TimeoutError):
        usual.run_shell_command(StringCommand("python -I -S -"), _stdin=program, _timeout=1)
    assert time.monotonic() - began < PATIENCE_S


def test_a_file_arrives_whole_in_a_folder_that_was_not_there(usual: Host) -> None:
    data = bytes(range(256)) * 2000
    assert usual.put_file(BytesIO(data), "C:/ProgramData/new é/folder/agent.pyz")
    assert fetched(usual, "C:\\ProgramData\\new é\\folder\\agent.pyz") == data
    assert names(usual, "C:/ProgramData/new é/folder") == ["agent.pyz"]


def test_a_file_that_a_process_holds_open_is_not_replaced_and_says_so(fleet: WinFleet, usual: Host) -> None:
    usual.put_file(BytesIO(b"old"), "C:/ProgramData/held/agent.pyz")
    with (
        fleet[USUAL.name].hold(r"C:\ProgramData\held\agent.pyz", share="read"),
        pytest.raises(TransferError, match=r"held/agent.pyz: not replaced .* a process holds it open"),
    ):
        usual.put_file(BytesIO(b"new"), "C:/ProgramData/held/agent.pyz")
    assert fetched(usual, "C:/ProgramData/held/agent.pyz") == b"old"
    assert names(usual, "C:/ProgramData/held") == ["agent.pyz"]


def test_a_connection_killed_in_mid_upload_leaves_the_old_agent(fleet: WinFleet, usual: Host) -> None:
    target = "C:/ProgramData/killed/agent.pyz"
    usual.put_file(BytesIO(b"old"), target)
    other = connected(fleet, fleet[USUAL.name])
    raised: list[Exception] = []

    def upload() -> None:
        try:
            other.put_file(BytesIO(bytes(60_000_000)), target)
        except Exception as error:  # noqa: BLE001 - whatever the broken connection is told as
            raised.append(error)

    thread = threading.Thread(target=upload)
    thread.start()
    wait_for("both files", lambda: len(names(usual, "C:/ProgramData/killed")) == 2)
    process.end_all()
    thread.join(60)
    assert raised
    assert fetched(usual, target) == b"old"
    # The old session's server may go on writing for a while to what it had open.
    wait_for(
        "the file alone",
        lambda: usual.put_file(BytesIO(b"new"), target) and names(usual, "C:/ProgramData/killed") == ["agent.pyz"],
    )
    assert fetched(usual, target) == b"new"


def names(host: Host, folder: str) -> list[str]:
    found = ssh(host).list_folder(folder)
    return sorted(found)


def test_the_watchdog_of_drive_is_found_among_the_tasks_of_a_machine(fleet: WinFleet, usual: Host) -> None:
    tree = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tree"
    for name in ("Microsoft\\Drive Watchdog", "OneDrive Health", "RooSync\\GDrive-Watchdog"):
        fleet[USUAL.name].run("reg", "add", f"{tree}\\{name}", "/f")
    found = probe(usual)
    assert isinstance(found, ProbeReport)
    assert (found.drive.watchdog, found.drive.launcher) == (r"\RooSync\GDrive-Watchdog", None)


def test_a_python_exe_that_is_found_comes_before_the_py_launcher(usual: Host) -> None:
    probe(usual)
    assert ssh(usual).memory[PYTHON] == r"C:\Python311\python.exe"


def test_the_inventory_s_python_comes_before_all(fleet: WinFleet) -> None:
    assert python(connected(fleet, fleet[USUAL.name], python=KITS_PYTHON)) == KITS_PYTHON


def test_a_python_in_the_profile_of_somebody_with_a_space_and_an_accent_is_found_and_nothing_stays(
    fleet: WinFleet,
) -> None:
    elodie = fleet[ELODIE.name]
    before = elodie.files()
    assert python(connected(fleet, elodie)) == rf"{ELODIE.python}\python.exe"
    assert elodie.files() == before


def test_a_python_is_named_whatever_its_folder_is_called(fleet: WinFleet, usual: Host) -> None:
    name = r"C:\Outils & more\Pythön 100% (3)\python.exe"
    program = f"import shutil; shutil.copytree('C:/Python311', {name[:-11]!r})"
    ok, output = usual.run_shell_command(StringCommand("python -I -S -"), _stdin=program)
    assert ok, output.output
    assert python(connected(fleet, fleet[USUAL.name], python=name)) == name


def test_a_machine_without_a_python_says_where_it_was_sought_and_the_two_ways_out(fleet: WinFleet) -> None:
    host = connected(fleet, fleet[BARE.name])
    answer = probe(host)
    assert isinstance(answer, SilenceError)
    assert answer.code == "NO_PYTHON"
    found = machine_of(host)
    assert not isinstance(found, tuple)
    sentence = checks.silence(found, answer).sentence()
    for words in ("py -3: not there", "python: not there", "python=...", "bootstrap_python=True"):
        assert words in sentence


@contextmanager
def stub(host: Host) -> Iterator[None]:
    """What Windows has on PATH where no Python is: a program that opens the Store."""
    said = "Python was not found; run without arguments to install from the Microsoft Store, or disable this shortcut"
    host.put_file(BytesIO(f"@echo {said}\r\n@exit /b 9009\r\n".encode()), "C:/windows/python.bat")
    try:
        yield
    finally:
        ssh(host).delete("C:/windows/python.bat")


def test_the_store_s_stub_is_no_python(fleet: WinFleet) -> None:
    host = connected(fleet, fleet[BARE.name])
    with stub(host):
        answer = probe(host)
    assert isinstance(answer, SilenceError)
    assert "python: the Microsoft Store's stub" in answer.reason


def test_a_python_that_only_the_registry_knows_is_found(fleet: WinFleet) -> None:
    bare = fleet[BARE.name]
    key = r"HKCU\Software\Python\PythonCore\3.11\InstallPath"
    bare.run("reg", "add", key, "/v", "ExecutablePath", "/t", "REG_SZ", "/d", KITS_PYTHON, "/f")
    try:
        assert python(connected(fleet, bare)) == KITS_PYTHON
    finally:
        bare.run("reg", "delete", r"HKCU\Software\Python", "/f")


def test_a_dry_rollout_tells_what_is_to_do_and_changes_nothing(fleet: WinFleet, tmp_path: Path) -> None:
    elodie = fleet[ELODIE.name]
    inventory = tmp_path / "inventory.py"
    fields = _fields(fleet, elodie)
    inventory.write_text(
        f"from roosync_ops.fleet import machine\nlab = [machine({elodie.name.lower()!r}, **{fields!r})]\n", "utf-8"
    )
    before = elodie.files()
    answer = roosync_ops("rollout", "--inventory", str(inventory), "--dry", "--json")
    told = json.loads(answer.out)["machines"][0]
    assert {step["step"] for step in told["steps"] if step["outcome"] == "planned"} == {
        "push", "configure", "look", "install", "register", "start"
    }  # fmt: skip
    assert elodie.files() == before


def test_the_upload_s_hash_is_what_the_file_has(usual: Host) -> None:
    data = b"agent" * 1000
    usual.put_file(BytesIO(data), "C:/ProgramData/hash/x")
    program = "import hashlib; print(hashlib.sha256(open('C:/ProgramData/hash/x', 'rb').read()).hexdigest())"
    _, output = usual.run_shell_command(StringCommand("python -I -S -"), _stdin=program)
    assert output.stdout_lines == [hashlib.sha256(data).hexdigest()]
