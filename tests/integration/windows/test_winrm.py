"""Windows machines by WinRM: lines, programs and files through Wine's cmd.exe, as the connector has them run.

A winlab host behind the tests' own WS-Management endpoint (tests/kits/wsman), by pypsrp's own client; not Windows.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import random
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pyinfra.api.config import Config
from pyinfra.api.inventory import Inventory
from pyinfra.api.state import State

from roosync_ops.fleet import load_inventory
from roosync_ops.pyinfra_ops.run import run
from roosync_ops.pyinfra_ops.winrm import WinrmConnector
from roosync_ops.transport import winrm_files
from roosync_ops.transport.winrm import Winrm
from roosync_ops.transport.winrm_access import PASSWORD
from tests.kits import wsman
from tests.kits.hosts import PATIENCE_S, wait_for
from tests.kits.winlab import WinFleet, WinHost, WinHostSpec
from tests.kits.wsman import USER, Endpoint, Runner

pytest.importorskip("pypsrp", reason="no pypsrp (the extra winrm)")

if TYPE_CHECKING:
    from collections.abc import Iterator

    from roosync_ops.transport.link import Finished

pytestmark = pytest.mark.wine
NAME = "MYIA-WEB1"
PYTHON = "python -I -S -"
#: A user whose name no plain word can hold, as is normal.
PROFILE = "Élodie Dupont"
FOLDER = f"C:/users/{PROFILE}/Local"


@pytest.fixture(scope="module")
def host() -> Iterator[WinHost]:
    with WinFleet([WinHostSpec(NAME, drive=False, user_profile=PROFILE)]) as fleet:
        yield fleet[NAME]


@pytest.fixture(scope="module")
def endpoint(host: WinHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with Endpoint(tmp_path_factory.mktemp("wsman"), wine=Runner.of(host)) as endpoint:
        yield endpoint


def entry(endpoint: Endpoint) -> tuple[str, dict[str, Any]]:
    keys = {"winrm_hostname": "127.0.0.1", "winrm_user": USER, "winrm_transport": "http", "winrm_port": endpoint.http}
    return f"@roosync-winrm/{NAME.lower()}", keys


@pytest.fixture(scope="module")
def machine(endpoint: Endpoint) -> Iterator[WinrmConnector]:
    """The connector as pyinfra makes it, logged in by negotiate over http: every message is encrypted."""
    inventory = Inventory(([entry(endpoint)], {}))
    state = State(inventory, Config(CONNECT_TIMEOUT=20))
    host = inventory.get_host(NAME.lower())
    host.init(state)
    connector = host.connector
    assert isinstance(connector, WinrmConnector)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PASSWORD, endpoint.password)
        connector.connect()
    yield connector
    connector.disconnect()


def way(machine: WinrmConnector) -> Winrm:
    assert isinstance(machine.link, Winrm)
    return machine.link


def python(machine: WinrmConnector, program: str, timeout_s: float | None = 120) -> Finished:
    return way(machine).execute(PYTHON, program.encode(), timeout_s)


def noise(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311 - contents, not keys


@pytest.mark.parametrize("code", [0, 7, 300, -1073741510])
def test_exit_codes_come_back_whole(machine: WinrmConnector, code: int) -> None:
    assert python(machine, f"import os; os._exit({code})").code == code


def test_output_is_told_apart_and_comes_whole_however_it_was_cut(machine: WinrmConnector) -> None:
    done = python(
        machine,
        "import sys\nsys.stdout.buffer.write('é€日'.encode() * 9001)\nsys.stderr.buffer.write(b'line\\r\\n' * 3)\n",
    )
    assert done.out.decode() == "é€日" * 9001
    assert done.err == b"line\r\n" * 3


def test_what_cmd_prints_is_read_by_its_code_page(machine: WinrmConnector) -> None:
    assert way(machine).profile() == rf"C:\users\{PROFILE}"


def test_stdin_of_200_kb_arrives_as_it_was_sent(machine: WinrmConnector) -> None:
    value = base64.b64encode(noise(7, 150_000))
    done = python(machine, f"import hashlib\nprint(hashlib.sha256({value!r}).hexdigest())")
    assert done.out.split() == [hashlib.sha256(value).hexdigest().encode()]


VALUES = [
    "a b", 'say "yes"', "%PATH%", "!x!", "^&|<>", "it's", "$HOME", "`x`", "Élodie 日本", "C:\\Users\\", "x" * 8_000,
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=[value[:8] for value in VALUES])
def test_values_come_out_unchanged(machine: WinrmConnector, value: str) -> None:
    token = base64.b64encode(json.dumps(value).encode())
    program = f"import base64, json\nvalue = json.loads(base64.b64decode({token!r}))\nprint(ascii(value))"
    assert python(machine, program).out.decode().strip() == ascii(value)


def test_a_command_that_does_not_end_is_ended_in_time(machine: WinrmConnector, host: WinHost) -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        python(machine, "import time\nmark = 'unmistakable'\ntime.sleep(600)", timeout_s=3)
    assert time.monotonic() - began < PATIENCE_S
    wait_for("its end", lambda: not [line for _, line in host.processes() if PYTHON in line])
    assert way(machine).execute("cmd.exe /c ver", timeout_s=60).code == 0


def here(host: WinHost, path: str) -> Path:
    """Return where a file of the machine lies, seen from here; a relative path begins in the user's profile."""
    drive = host.prefix / "drive_c"
    return drive / path.removeprefix("C:/") if path.startswith("C:/") else drive / "users" / host.spec.user / path


@pytest.mark.parametrize("size", [0, 500_003], ids=["empty", "three pieces"])
def test_a_file_goes_there_and_back_to_a_folder_in_any_script(
    machine: WinrmConnector, host: WinHost, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(winrm_files, "PIECE", 200_000)
    content = noise(size, size)
    path = f"{FOLDER}/agent {size}.pyz"
    machine.put_file(io.BytesIO(content), path)
    assert here(host, path).read_bytes() == content
    back = io.BytesIO()
    machine.get_file(path, back)
    assert back.getvalue() == content


def test_a_file_that_somebody_holds_open_is_replaced_when_they_let_go_and_not_before(
    machine: WinrmConnector, host: WinHost
) -> None:
    path = f"{FOLDER}/held.pyz"
    machine.put_file(io.BytesIO(b"old"), path)
    with host.hold(path.replace("/", "\\"), share="read"), pytest.raises(winrm_files.UploadError, match="held"):
        machine.put_file(io.BytesIO(b"new"), path)
    assert here(host, path).read_bytes() == b"old"
    machine.put_file(io.BytesIO(b"new"), path)
    assert sorted(found.name for found in here(host, path).parent.glob("held*")) == ["held.pyz"]
    assert here(host, path).read_bytes() == b"new"


def test_an_upload_that_is_cut_off_leaves_the_old_file(machine: WinrmConnector, host: WinHost) -> None:
    path = f"{FOLDER}/cut.pyz".replace("/", "\\")
    machine.put_file(io.BytesIO(b"old"), path)
    sent = []

    def cut_off(line: str, stdin: bytes = b"", timeout_s: float | None = None) -> Finished:
        sent.append(line)
        if len(sent) > 1:
            raise ConnectionResetError
        return way(machine).execute(line, stdin, timeout_s)

    with pytest.raises(ConnectionResetError):
        winrm_files.put_by_python(cut_off, ("python",), bytes(winrm_files.PIECE + 1), path)
    assert here(host, path.replace("\\", "/")).read_bytes() == b"old"


def test_without_a_python_a_plain_path_is_no_place_for_what_certutil_did_not_verify(
    machine: WinrmConnector, host: WinHost
) -> None:
    """Wine's own certutil answers 0 and does nothing."""
    with pytest.raises(winrm_files.UploadError, match="certutil told no hash"):
        winrm_files.put_by_tools(way(machine).execute, b"\0\1\2", r"AppData\Local\roosync-ops\uv.exe")
    assert list(here(host, "AppData/Local/roosync-ops").iterdir()) == []


def test_without_a_python_a_launcher_arrives_as_it_is(machine: WinrmConnector, host: WinHost) -> None:
    text = '@"C:\\Élodie\\python.exe" %*\r\n@exit /b 5\r\n'.encode("cp850")
    winrm_files.put_by_tools(way(machine).execute, text, r"AppData\Local\roosync-ops\python-000000000000.cmd")
    assert here(host, "AppData/Local/roosync-ops/python-000000000000.cmd").read_bytes() == text
    way(machine).delete("AppData/Local/roosync-ops/python-000000000000.cmd")


def test_without_a_python_a_program_arrives_by_certutil(
    machine: WinrmConnector, host: WinHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for certutil, since Wine's does nothing."""
    monkeypatch.setattr(winrm_files, "PIECE", 200_000)
    source = Path(wsman.__file__).parent / "source" / "certutil.c"
    program = tmp_path / "certutil.exe"
    subprocess.run(
        ["x86_64-w64-mingw32-gcc-win32", "-municode", "-O2", "-s", "-o", program, source, "-lcrypt32"], check=True
    )
    stand_in = here(host, f"C:/users/{PROFILE}/certutil.exe")  # cmd.exe looks in its own folder first
    shutil.copy(program, stand_in)
    content = noise(1, 300_003)
    try:
        winrm_files.put_by_tools(way(machine).execute, content, r"AppData\Local\roosync-ops\uv.exe")
    finally:
        stand_in.unlink()
    assert here(host, "AppData/Local/roosync-ops/uv.exe").read_bytes() == content
    assert [found.name for found in here(host, "AppData/Local/roosync-ops").iterdir()] == ["uv.exe"]
    way(machine).delete("AppData/Local/roosync-ops/uv.exe")


def test_without_a_python_a_path_that_is_not_plain_is_refused_before_anything_is_sent() -> None:
    def nothing(*_: Any, **__: Any) -> Finished:
        pytest.fail("something was sent")

    with pytest.raises(ValueError, match="command line"):
        winrm_files.put_by_tools(nothing, b"x", rf"C:\users\{PROFILE}\x.exe")


def test_the_main_job_by_winrm(
    endpoint: Endpoint, host: WinHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our worker, pyinfra, the connector, pypsrp, the endpoint, cmd.exe, the machine's own Python, the agent's task."""
    monkeypatch.setenv(PASSWORD, endpoint.password)
    inventory = tmp_path / "inventory.py"
    winrm = {"winrm_transport": "http"}
    inventory.write_text(
        "from roosync_ops.fleet import machine\n"
        f"lab = [machine({NAME.lower()!r}, system='windows', transport='winrm', host='127.0.0.1', user={USER!r}, "
        f"port={endpoint.http}, winrm={winrm!r}, shared={host.shared!r})]\n",
        encoding="utf-8",
    )
    machines = load_inventory(inventory).select(["lab"])
    before = host.files()
    (first,) = run("rollout", machines)
    assert (first.failure, first.outcome, first.steps.get("online")) == (None, "changed", "unchanged")
    (second,) = run("rollout", machines)
    assert (second.failure, second.outcome, second.round_trips) == (None, "unchanged", 1)
    (removed,) = run("uninstall", machines)
    assert (removed.failure, removed.outcome) == (None, "changed")
    assert host.files().items() <= before.items()
