"""winlab's promises to the tests that stand on it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko
import pytest

from tests.kits.hosts import PATIENCE_S, child_process, wait_for
from tests.kits.winlab import CommandError, HostDownError, WinFleet, WinHost, WinHostSpec
from tests.kits.winlab.cache import cache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.wine
ROOT = Path(__file__).parents[3]
FOREVER = "python -I -S -c __import__('time').sleep(600)"


@pytest.fixture(scope="module")
def fleet() -> Iterator[WinFleet]:
    hidden = WinHostSpec(
        "MYIA-PO-2024",
        user_profile="Élodie Dupont",
        drive_in_ssh=False,
        py=True,
        environment={"ROOSYNC_SHARED_PATH": r"C:\un été"},
    )
    with WinFleet([hidden, WinHostSpec("MYIA-PO-2023")]) as fleet:
        yield fleet


@pytest.fixture
def plain(fleet: WinFleet) -> WinHost:
    """Return the host whose SSH sessions see the drive, its user being `me`."""
    return fleet["MYIA-PO-2023"]


@pytest.fixture
def hidden(fleet: WinFleet) -> WinHost:
    """Return the host whose drive is the logon session's alone, its user's name having a space and an accent."""
    return fleet["MYIA-PO-2024"]


def over_ssh(host: WinHost, program: str) -> str:
    done = host.ssh("python -I -S -X utf8 -", input=program.encode())
    return done.stdout.decode("utf-8").strip()


def at_the_console(host: WinHost, program: str) -> str:
    done = host.run("python", "-I", "-S", "-X", "utf8", "-", input=program.encode())
    assert done.returncode == 0, done.stderr
    return done.stdout.decode("utf-8").strip()


def running(host: WinHost, word: str) -> list[int]:
    return [number for number, line in host.processes() if word in line]


def ended(host: WinHost, word: str) -> Callable[[], bool]:
    return lambda: not running(host, word)


def test_a_command_over_ssh_is_cmd_s_and_keeps_its_exit_code_and_streams(plain: WinHost) -> None:
    done = plain.ssh("echo %COMPUTERNAME%& echo oops 1>&2& exit 7", check=False)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (7, b"MYIA-PO-2023\r\n", b"oops")
    assert plain.ssh("exit 300", check=False).returncode == 255
    with pytest.raises(CommandError, match="exited 7"):
        plain.ssh("exit 7")


def test_the_console_runs_any_argument_and_input_in_no_session(plain: WinHost) -> None:
    told = at_the_console(plain, "import os, sys; print(os.path.realpath(os.curdir), ascii(sys.argv))")
    assert told == r"C:\users\me ['-']"
    words = ['two words and a "quote"', "C:\\back slash\\", "100 % d'été & ^ | <>", ""]
    script = "import sys; sys.stdout.reconfigure(encoding='utf-8'); print(sys.argv[1:]); sys.exit(300)"
    done = plain.run("python", "-c", script, *words)
    assert (done.stdout.decode("utf-8").strip(), done.returncode) == (repr(words), 255)


def test_a_child_dies_with_its_ssh_session(plain: WinHost) -> None:
    start = (
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600); orphan = 1'])"
    )
    over_ssh(plain, start)
    wait_for("the child to die", ended(plain, "orphan"))


def test_a_command_dies_with_its_connection(plain: WinHost) -> None:
    argv = ("ssh", "-F", str(plain.ssh_config), plain.name, FOREVER)
    with child_process(argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as client:
        wait_for("the command to run", lambda: running(plain, "sleep(600)"))
        client.kill()
    wait_for("the command to die", ended(plain, "sleep(600)"))


def test_sftp_reaches_windows_paths_and_the_drive(fleet: WinFleet, plain: WinHost, tmp_path: Path) -> None:
    here = tmp_path / "there"
    here.write_bytes(b"\r\nall of it\x1a" * 50_000)
    with sftp(fleet, plain) as client:
        client.put(str(here), "C:/Users/me/été.bin")
        client.put(str(here), "G:/Mon Drive/dé jà.bin")
        client.get("/c:/users/ME/ÉTÉ.bin", str(tmp_path / "back"))
        client.posix_rename("C:/Users/me/été.bin", "C:\\ProgramData\\hiver.bin")
        assert client.listdir("/") == ["C:", "G:"]
        assert client.normalize("été") == "/C:/users/me/été"
        with pytest.raises(FileNotFoundError):
            client.stat("D:/nothing")
    assert (tmp_path / "back").read_bytes() == here.read_bytes()
    assert (plain.share.parents[2] / "dé jà.bin").read_bytes() == here.read_bytes()
    assert list(plain.files()) == [r"C:\ProgramData\hiver.bin"]
    plain.ssh(r"del C:\ProgramData\hiver.bin")
    assert plain.files() == {}


@contextlib.contextmanager
def sftp(fleet: WinFleet, host: WinHost) -> Iterator[paramiko.SFTPClient]:
    with paramiko.SSHClient() as ssh:
        ssh.load_host_keys(str(fleet.known_hosts))
        ssh.connect(host.address, host.port, host.user, key_filename=str(fleet.key), allow_agent=False)
        with ssh.open_sftp() as client:
            yield client


def test_a_file_that_another_process_holds_is_not_replaced(plain: WinHost) -> None:
    (plain.share / "held").write_text("old")
    (plain.share / "new").write_text("new")
    path = plain.shared.replace("/", "\\")
    replace = f"import os\ntry: os.replace(r'{path}\\new', r'{path}\\held')\nexcept OSError as e: print(e.winerror)"
    with plain.hold(rf"{path}\held"):
        assert over_ssh(plain, replace) in ("5", "32")
        assert over_ssh(plain, rf"print(open(r'{path}\held').read())") == "old"
    with plain.hold(rf"{path}\held", share="none"):
        refused = f"try: open(r'{path}\\held')\nexcept OSError as e: print(type(e).__name__)"
        assert over_ssh(plain, refused) == "PermissionError"
    assert over_ssh(plain, replace) == ""
    assert (plain.share / "held").read_text() == "new"


def test_the_user_s_profile_and_variables_are_the_same_in_every_session(hidden: WinHost) -> None:
    names = ("USERPROFILE", "LOCALAPPDATA", "APPDATA", "TEMP", "USERNAME", "ROOSYNC_SHARED_PATH")
    ask = f"import os; print([os.environ[name] for name in {names!r}], os.path.isdir(os.environ['LOCALAPPDATA']))"
    profile = r"C:\users\Élodie Dupont"
    folders = [profile, rf"{profile}\AppData\Local", rf"{profile}\AppData\Roaming", rf"{profile}\Temp"]
    expected = f"{[*folders, hidden.spec.user, hidden.spec.environment['ROOSYNC_SHARED_PATH']]} True"
    assert over_ssh(hidden, ask) == expected
    assert at_the_console(hidden, ask) == expected


def test_the_drive_of_the_logon_session_is_not_there_over_ssh(hidden: WinHost) -> None:
    (hidden.share / "beat").write_text("1")
    path = hidden.shared
    use = (
        f"import os; p = r'{path}/'; text = open(p + 'beat').read(); open(p + 'temp', 'w').write(text + '2');"
        "os.replace(p + 'temp', p + 'beat'); print(os.path.exists('G:/'), os.listdir('G:/'))"
    )
    assert over_ssh(hidden, "import os; print(os.path.exists('G:/'))") == "False"
    assert at_the_console(hidden, use) == "True ['Mon Drive']"
    assert (hidden.share / "beat").read_text() == "12"
    assert os.listdir(hidden.share) == ["beat"]  # noqa: PTH208 - names


def test_a_drive_is_unmapped_and_mapped_again_under_running_programs(plain: WinHost) -> None:
    ask = "import os; print(os.path.exists('G:/'))"
    watch = (
        "import os, sys, time\nwhile os.path.exists('G:/'): time.sleep(.1)\nprint('gone', flush=True)\n"
        "while not os.path.exists('G:/'): time.sleep(.1)\nprint('back', flush=True)\n"
    )
    argv = ("ssh", "-F", str(plain.ssh_config), plain.name, "python -I -S -")
    with child_process(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as watcher:
        assert watcher.stdin
        assert watcher.stdout
        watcher.stdin.write(watch.encode())
        watcher.stdin.close()
        plain.unmap_drive()
        assert watcher.stdout.readline().strip() == b"gone"
        assert over_ssh(plain, ask) == "False"
        plain.map_drive()
        assert watcher.stdout.readline().strip() == b"back"


def test_the_py_launcher_runs_the_registered_python(hidden: WinHost) -> None:
    done = hidden.ssh("py -3 -I -S -", input=b"import sys; print(sys.executable); sys.exit(9)", check=False)
    assert (done.returncode, done.stdout.strip()) == (9, rb"C:\Python311\python.exe")
    assert hidden.ssh("py -3.9 -c pass", check=False).returncode == 103


def test_a_process_is_ended_by_its_windows_id(plain: WinHost) -> None:
    argv = ("ssh", "-F", str(plain.ssh_config), plain.name, FOREVER)
    with child_process(argv, stdin=subprocess.DEVNULL) as client:
        numbers = wait_for("the command to run", lambda: running(plain, "sleep(600)"))
        plain.kill(numbers[-1])
        assert client.wait(PATIENCE_S) == 1
    with pytest.raises(CommandError, match="cannot end process"):
        plain.kill(numbers[-1])


def test_a_restart_keeps_files_and_registry(plain: WinHost) -> None:
    plain.ssh(r"reg add HKCU\Software\RooSync /v Kept /d yes /f")
    over_ssh(plain, "open('C:/kept.txt', 'w').write('kept')")
    plain.restart()
    assert over_ssh(plain, "print(open('C:/kept.txt').read())") == "kept"
    assert b"yes" in plain.ssh(r"reg query HKCU\Software\RooSync /v Kept").stdout
    assert list(plain.files()) == [r"C:\kept.txt"]
    plain.ssh(r"del C:\kept.txt & reg delete HKCU\Software\RooSync /f")


def test_a_power_cut_ends_everything_and_the_host_comes_back(plain: WinHost) -> None:
    first = plain.pid1
    plain.power_cut()
    assert not plain.is_on
    assert not Path(f"/proc/{first}").exists()
    assert plain.ssh("ver", check=False).returncode == 255
    with pytest.raises(HostDownError):
        plain.run("cmd", "/c", "ver")
    plain.power_on()
    assert b"Windows" in plain.ssh("ver").stdout
    assert plain.files() == {}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])
def test_nothing_stays_of_a_fleet_whose_tests_are(how: signal.Signals) -> None:
    script = (
        "import time\nfrom tests.kits.winlab import WinFleet, WinHostSpec\n"
        "with WinFleet([WinHostSpec('PASSING')]) as fleet:\n"
        "    print(fleet.folder, fleet['PASSING'].pid1, flush=True)\n    time.sleep(600)\n"
    )
    argv = (sys.executable, "-c", script)
    with child_process(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT) as tests:
        assert tests.stdout
        folder, pid1 = tests.stdout.readline().split()
        assert str(cache()) in folder
        tests.send_signal(how)
    wait_for("the folder to go", lambda: not Path(folder).exists())
    wait_for("the host to end", lambda: not Path(f"/proc/{pid1}").exists())
    assert left_of(folder) == []


def left_of(folder: str) -> list[str]:
    """Return what on this machine still mentions a folder: command lines and mounts of any process."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if process.name != str(os.getpid()):
                texts = [(process / name).read_bytes() for name in ("cmdline", "mountinfo")]
                found += [f"{process.name}: {text!r}" for text in texts if folder.encode() in text]
    return found
