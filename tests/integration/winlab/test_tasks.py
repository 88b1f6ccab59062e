"""The stand-in task service on real (Wine) hosts: it does to real processes what its engine decides."""

from __future__ import annotations

import csv
import inspect
import io
from typing import TYPE_CHECKING

import pytest

from roosync_ops.agent.permanence import schtasks as scheduler
from tests.kits.hosts import wait_for
from tests.kits.winlab import WinFleet, WinHost, WinHostSpec
from tests.kits.winlab.tasks.document import NAMESPACE

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.wine
NAME = r"\kit\sleeper"
#: A minute of a task lasts so many seconds.
MINUTE_S = 1

RUNNING, REFUSED, TERMINATED, LOGGED_OFF = "267009", "-2147020576", "267014", "1073807364"

#: Writes its process id and a child's, then sleeps.
SLEEPER = """\
import os, subprocess, sys, time
if len(sys.argv) == 1:
    child = subprocess.Popen([sys.executable, "-I", "-S", __file__, "child"], stdin=-3, stdout=-3, stderr=-3)
    with open(r"C:\\pids.txt", "a") as pids:
        pids.write("%d %d\\n" % (os.getpid(), child.pid))
time.sleep(600)
"""
ALIVE = (
    "<TimeTrigger><StartBoundary>2024-01-01T00:00:00</StartBoundary>"
    "<Repetition><Interval>PT1M</Interval></Repetition></TimeTrigger>"
)
AT_LOGON = "<LogonTrigger/>"
#: Due at the next boot, so not while a test lasts.
ON_DEMAND = "<BootTrigger/>"


def document(triggers: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-16"?>'
        f'<Task version="1.2" xmlns="{NAMESPACE}"><Triggers>{triggers}</Triggers>'
        "<Principals><Principal><LogonType>InteractiveToken</LogonType></Principal></Principals>"
        "<Settings><ExecutionTimeLimit>PT0S</ExecutionTimeLimit></Settings>"
        r"<Actions><Exec><Command>C:\Python311\pythonw.exe</Command><Arguments>-I -S C:\sleeper.py</Arguments></Exec>"
        "</Actions></Task>"
    ).encode("utf-16")


@pytest.fixture(scope="module")
def fleet() -> Iterator[WinFleet]:
    with WinFleet([WinHostSpec("MYIA-PO-2024"), WinHostSpec("MYIA-PO-2023")]) as fleet:
        yield fleet


@pytest.fixture
def host(fleet: WinFleet) -> Iterator[WinHost]:
    """Return a host on which a task minute is short; its task is gone afterwards."""
    host = fleet["MYIA-PO-2024"]
    host.mend()
    (state(host) / "speed").write_text(str(1 / MINUTE_S))
    (drive(host) / "sleeper.py").write_text(SLEEPER)
    yield host
    host.mend()
    host.run("schtasks", "/Change", "/TN", NAME, "/DISABLE")
    host.run("schtasks", "/End", "/TN", NAME)
    host.run("schtasks", "/Delete", "/TN", NAME, "/F")
    (drive(host) / "pids.txt").unlink(missing_ok=True)


def drive(host: WinHost) -> Path:
    return host.prefix / "drive_c"


def state(host: WinHost) -> Path:
    return drive(host) / "winlab" / "tasks" / "state"


def schtasks(host: WinHost, *words: str) -> subprocess.CompletedProcess[bytes]:
    return host.run("schtasks", *words, elevated=True)


def create(host: WinHost, triggers: str = ALIVE) -> None:
    (drive(host) / "task.xml").write_bytes(document(triggers))
    done = schtasks(host, "/Create", "/TN", NAME, "/XML", r"C:\task.xml", "/F")
    assert done.returncode == 0, done


def last_result(host: WinHost) -> str:
    done = schtasks(host, "/Query", "/TN", NAME, "/V", "/FO", "CSV", "/NH")
    return next(csv.reader(io.StringIO(done.stdout.decode("cp437"))))[6]


def starts(host: WinHost) -> list[list[int]]:
    """Process ids of each start so far: of the sleeper and of its child."""
    try:
        whole = (drive(host) / "pids.txt").read_text().splitlines(keepends=True)
        return [[int(pid) for pid in line.split()] for line in whole if line.endswith("\n")]
    except FileNotFoundError:
        return []


def started(host: WinHost, times: int) -> list[int]:
    wait_for(f"start {times} of the task", lambda: len(starts(host)) >= times)
    return starts(host)[times - 1]


def gone(host: WinHost, pids: list[int]) -> None:
    wait_for(f"the end of {pids}", lambda: not set(pids) & {pid for pid, _ in host.processes()})


def minutes(host: WinHost, count: int) -> None:
    """Let so many of a task's minutes pass on the host, once it starts programs: a session that ends is in its way."""
    words = ("python", "-I", "-S", "-c", f"__import__('time').sleep({count * MINUTE_S})")
    wait_for("a program to start", lambda: host.run(*words).returncode == 0)


def test_a_killed_task_is_started_again_by_its_repetition_and_a_running_one_is_not(host: WinHost) -> None:
    create(host)
    first = started(host, 1)
    minutes(host, 2)
    assert starts(host) == [first]
    assert last_result(host) == REFUSED
    host.kill(first[0])
    second = started(host, 2)
    assert second != first


def test_end_ends_the_task_with_its_children(host: WinHost) -> None:
    create(host, ON_DEMAND)
    assert schtasks(host, "/Run", "/TN", NAME).returncode == 0
    pids = started(host, 1)
    wait_for("the task to run", lambda: last_result(host) == RUNNING)
    assert schtasks(host, "/End", "/TN", NAME).returncode == 0
    gone(host, pids)
    wait_for("the last result", lambda: last_result(host) == TERMINATED)


def test_a_disabled_task_is_not_started(host: WinHost) -> None:
    host.logoff()
    create(host)
    assert schtasks(host, "/Change", "/TN", NAME, "/DISABLE").returncode == 0
    host.logon()
    minutes(host, 2)
    assert starts(host) == []
    assert schtasks(host, "/Run", "/TN", NAME).returncode == 1


def test_nothing_runs_without_a_session_and_a_logoff_ends_what_ran(host: WinHost) -> None:
    host.logoff()
    create(host, AT_LOGON)
    minutes(host, 1)
    assert schtasks(host, "/Run", "/TN", NAME).returncode == 0
    assert last_result(host) == REFUSED
    assert starts(host) == []
    host.logon()
    pids = started(host, 1)
    host.logoff()
    gone(host, pids)
    wait_for("the last result", lambda: last_result(host) == LOGGED_OFF)


def test_a_task_outlives_a_restart_and_runs_when_its_user_is_back(host: WinHost) -> None:
    create(host, AT_LOGON)
    host.restart(logon=False)
    before = starts(host)
    minutes(host, 1)
    assert starts(host) == before
    host.logon()
    started(host, len(before) + 1)


def test_two_hosts_do_not_see_each_others_tasks(host: WinHost, fleet: WinFleet) -> None:
    create(host)
    started(host, 1)
    other = fleet["MYIA-PO-2023"]
    assert schtasks(other, "/Query", "/TN", NAME).returncode == 1
    assert schtasks(other, "/Query").stdout == b""


def test_what_windows_does_not_document_fails_over_ssh_too(host: WinHost) -> None:
    for line in (
        "schtasks /Create /TN x /SC MINUTE",
        "schtasks /Frobnicate",
        r"schtasks /Create /TN x /XML C:\none.xml /F",
    ):
        done = host.ssh(line, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith(b"ERROR:")
    (drive(host) / "bad.xml").write_bytes(document(ALIVE.replace("PT1M", "PT1S")))
    done = host.ssh(r"schtasks /Create /TN x /XML C:\bad.xml /F", check=False)
    assert done.returncode == 1
    assert b":Interval:PT1S" in done.stderr


def test_an_empty_folder_of_tasks_stays_until_com_removes_it(host: WinHost) -> None:
    folder = drive(host) / "windows" / "system32" / "tasks" / "kit"
    create(host, ON_DEMAND)
    assert (folder / "sleeper").is_file()
    schtasks(host, "/Delete", "/TN", NAME, "/F")
    assert list(folder.iterdir()) == []
    names = ("_SCHEDULER", "_SERVICE", "_RELEASE", "_GET_FOLDER", "_CONNECT", "_DELETE_FOLDER")
    named = "".join(f"{name} = {getattr(scheduler, name)!r}\n" for name in names)
    product = f"import ctypes, sys\n{named}{inspect.getsource(scheduler.remove_if_empty)}"
    done = host.run("python", "-I", "-S", "-", input=f"{product}\nprint(remove_if_empty('kit'))\n".encode())
    assert done.stdout.strip() == b"True"
    assert not folder.exists()
    wait_for("no such folder", lambda: b"path" in schtasks(host, "/Query", "/TN", NAME).stderr)


@pytest.mark.parametrize(("level", "sees"), [("LeastPrivilege", "True"), ("HighestAvailable", "False")])
def test_the_ordinary_token_has_the_drive_and_the_elevated_one_has_not(host: WinHost, level: str, sees: str) -> None:
    said = drive(host) / "sees.txt"
    said.unlink(missing_ok=True)
    program = r"import os; open(r'C:\sees.new', 'w').write(str(os.path.isdir('G:/Mon Drive'))); "
    program += r"os.replace(r'C:\sees.new', r'C:\sees.txt')"
    text = document(ON_DEMAND).decode("utf-16").replace("</LogonType>", f"</LogonType><RunLevel>{level}</RunLevel>")
    text = text.replace(r"-I -S C:\sleeper.py", f'-I -S -c "{program}"')
    (drive(host) / "task.xml").write_bytes(text.encode("utf-16"))
    assert schtasks(host, "/Create", "/TN", NAME, "/XML", r"C:\task.xml", "/F").returncode == 0
    assert schtasks(host, "/Run", "/TN", NAME).returncode == 0
    wait_for("the task's word", said.exists)
    assert said.read_text() == sees
