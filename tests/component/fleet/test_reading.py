"""An inventory has one reading: pyinfra's own machines for every command, or one sentence with file and line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from roosync_ops.cli import main
from roosync_ops.fleet import FleetError, Machine, load_inventory
from roosync_ops.fleet.inventory import MAX_BYTES
from roosync_ops.pyinfra_ops.run import run
from tests.kits.hosts import wait_for

REPOSITORY = Path(__file__).parents[3]
_LINES = "from roosync_ops.fleet import machine\nlab = [machine('m1', host='127.0.0.1', port=9)]\n"
#: What is wrong with a file, its bytes, and what is told after its name.
BROKEN = [
    pytest.param(b"", "line 1: no machine is listed", id="empty"),
    pytest.param(b"\n# nothing yet\n", "line 1: no machine is listed", id="a comment"),
    pytest.param(b"x = 1\nlab = []\n", "line 2: no machine is listed", id="an empty list"),
    pytest.param(b"lab = [1, 2]\n", "line 1: no machine is listed", id="numbers"),
    pytest.param(b"lab = {'m1': {}}\n", "line 1: no machine is listed", id="a dict"),
    pytest.param(b"_lab = ['m1']\n", "line 1: no machine is listed", id="a private list"),
    pytest.param(b"\nlab = ['m1'], ['m2']\n", "line 2: lab: a tuple is no list of machines", id="two lists"),
    pytest.param(b"lab = (['m1'], {}, {})\n", "line 1: lab: a tuple is no list", id="three in a tuple"),
    pytest.param(b"lab = ('m1', {})\n", "line 1: lab: a tuple is no list", id="a machine in no list"),
    pytest.param(b"lab = ('m1', 'm2')\n", "line 1: lab: a tuple is no list", id="a tuple of names"),
    pytest.param(b"lab = ['m1']\nPORTS = (1, 2)\n", "line 2: PORTS: a tuple is no list", id="a tuple beside"),
    pytest.param(b"lab = ['m1']\nnone = ()\n", "line 2: none: a tuple is no list", id="an empty tuple"),
    pytest.param(b"lab = ['m1', None]\n", "line 1: lab: number 2: None: a host is a name", id="None among them"),
    pytest.param(b"lab = [['m1']]\n", "line 1: lab: number 1: ['m1']: a host is a name", id="a list of lists"),
    pytest.param(b"a = [('m1', 3, 4)]\n", "line 1: a: number 1: m1: a host is a name, or a pair", id="no pair"),
    pytest.param(b"a = [()]\n", "line 1: a: number 1: (): a host is a name", id="an empty pair"),
    pytest.param(b"a = [(1, {})]\n", "line 1: a: number 1: 1: a host is a name", id="a number for a name"),
    pytest.param(b"a = ['m1']\nall = ['m2']\n", "m1: not in the group all", id="a machine that all leaves out"),
    pytest.param(_LINES.encode() + b"import sys\nsys.exit()\n", "line 4: it exits (None)", id="sys.exit()"),
    pytest.param(_LINES.encode() + b"import sys; sys.exit(1)\n", "line 3: it exits (1)", id="sys.exit(1)"),
    pytest.param(_LINES.encode() + b"raise SystemExit('no VPN')\n", "line 3: it exits ('no VPN')", id="SystemExit"),
    pytest.param(_LINES.encode() + b"exit()\n", "line 3: it exits (None)", id="exit()"),
    pytest.param(_LINES.encode() + b"import os; os._exit(0)\n", "line 3: it exits (0)", id="os._exit()"),
    pytest.param(_LINES.encode() + b"quit(0)\n", "line 3: it exits (0)", id="quit()"),
    pytest.param(_LINES.encode() + b"1/0\n", "line 3: ZeroDivisionError", id="an exception"),
    pytest.param(_LINES.encode() + b"def f(): f()\nf()\n", "line 3: RecursionError", id="endless recursion"),
    pytest.param(b"raise GeneratorExit\n", "line 1: GeneratorExit", id="GeneratorExit"),
    pytest.param(b"class E(BaseException): pass\nraise E('x')\n", "line 2: E: x", id="a BaseException"),
    pytest.param(b"import no_such\n", "line 1: ModuleNotFoundError", id="a missing module"),
    pytest.param(_LINES.encode() + b"x = machine('m2', prot=1)\n", "line 3: m2: prot: unknown field", id="a field"),
    pytest.param(b"a = [\n\n", "line 1: '[' was never closed", id="syntax"),
    pytest.param(b"(" * 5_000, "line 1: ", id="too deep"),
    pytest.param(b"\xef\xbb\xbf", "line 1: no machine is listed", id="nothing but a BOM"),
    pytest.param(_LINES.encode("utf-16"), "line 1: it is UTF-16", id="UTF-16"),
    pytest.param(b"\xfe\xff" + _LINES.encode("utf-16-be"), "line 1: it is UTF-16", id="UTF-16, big end first"),
    pytest.param(_LINES.encode("utf-16-le"), "line 1: it holds a NUL byte", id="UTF-16 without a mark"),
    pytest.param(_LINES.encode() + b"\0", "line 3: it holds a NUL byte", id="NUL"),
    pytest.param(b"# coding: latin-1\n# \xe9\n", "line 2: byte 0xe9 is no UTF-8", id="latin-1"),
    pytest.param(
        b"class E(Exception):\n    def __str__(self):\n        raise self\nraise E\n", "line 4: E: <", id="says naught"
    ),
    pytest.param(b"#" * (MAX_BYTES + 1), f"more than {MAX_BYTES} bytes", id="huge"),
]
#: A command of every path on which an inventory is read, with what it needs.
COMMANDS = [
    ["validate", "--shared", "."],
    ["status", "--via", "m1"],
    ["machines", "check"],
    ["machines", "list"],
    ["diagnose"],
    ["matrix"],
    ["history", "--shared", "."],
    ["watch", "--shared", ".", "--for", "1"],
    ["report", "--shared", "."],
    ["dashboard", "--shared", ".", "-o", "out"],
    ["verify-share", "--via", "m1"],
    ["rollout", "--dry"],
    ["restart", "--dry"],
    ["stop", "--dry"],
    ["uninstall", "--dry"],
]


@pytest.mark.parametrize(("data", "expected"), BROKEN)
def test_a_broken_file_is_one_sentence_with_its_name_and_line(tmp_path: Path, data: bytes, expected: str) -> None:
    path = tmp_path / "inventory.py"
    path.write_bytes(data)
    with pytest.raises(FleetError) as caught:
        load_inventory(path)
    assert str(caught.value).startswith(f"{path}: {expected}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, make: Any) -> None:
    make(tmp_path / "inventory.py")
    with pytest.raises(FleetError, match=r"inventory\.py: not a regular file; name one with --inventory"):
        load_inventory(tmp_path / "inventory.py")


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words[:2]))
@pytest.mark.parametrize("text", ["exit()\n", "lab = []\n", "lab = 'm1',\n", "lab = ['m1']\0\n"])
def test_no_command_judges_by_a_broken_inventory(
    words: list[str],
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "heartbeats").mkdir()
    (tmp_path / "inventory.py").write_text(text, encoding="utf-8")
    wants_json = words[0] not in ("dashboard", "watch", "report")
    assert main([*words, *(["--json"] if wants_json else [])]) == 2
    out, err = capsys.readouterr()
    assert "inventory.py: line 1: " in err
    if wants_json:
        assert json.loads(out)["error"]["code"] == "INVENTORY"


@pytest.mark.parametrize("text", ["\ufeff" + _LINES, "\ufeff" + _LINES.replace("\n", "\r\n"), _LINES.rstrip() + ",\n"])
def test_a_slip_with_one_meaning_has_that_for_who_checks_and_who_acts(text: str, tmp_path: Path) -> None:
    path = tmp_path / "inventory.py"
    path.write_bytes(text.encode())
    assert main(["machines", "check", "-i", str(path)]) == 0
    (result,) = run("rollout", tuple(load_inventory(path)), dry=True)
    assert result.outcome == "unreachable"


@pytest.mark.parametrize(
    "does",
    [
        "import subprocess; subprocess.run(['echo', 'x'])",
        "import os; os.write(1, b'x'); os.chdir('/')",
        "import os; os.fork()",
        "import multiprocessing as m; p = m.get_context('fork').Process(target=print, args=['x']); p.start(); p.join()",
    ],
    ids=["a program prints", "another folder", "a copy of this process", "a process"],
)
def test_what_an_inventory_starts_prints_and_changes_reaches_nobodys_answer(does: str, tmp_path: Path) -> None:
    path = tmp_path / "inventory.py"
    path.write_text(f"{does}\nfrom roosync_ops.fleet import machine\nlab = [machine('m1')]\n", encoding="utf-8")
    reads = "import os; from pathlib import Path; from roosync_ops.fleet import load_inventory as load"
    says = "print([m.machine_id for m in load(Path('inventory.py'))], os.path.exists('inventory.py'))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"{reads}; {says}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("['m1'] True\n", "")


_DEAF = "import os\nwhile os.path.exists('waits'):\n  try:\n"


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("import os\nwhile os.path.exists('waits'): pass\n", "it has not ended within 1 s"),
        (
            f"{_DEAF}    with open('waits') as waits: waits.read()\n  except BaseException: pass\n",
            "it has not ended within",
        ),
        ("input()\n", "line 1: EOFError"),
    ],
    ids=["turns", "is deaf and waits", "asks"],
)
def test_a_file_that_never_ends_is_told_and_left(
    does: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("roosync_ops.fleet.inventory.LIMIT_S", 1)
    os.mkfifo("waits")
    Path("inventory.py").write_text(does)
    assert main(["machines", "list", "--json"]) == 2
    out, err = capsys.readouterr()
    assert err.startswith(f"Error: inventory.py: {said}")
    assert json.loads(out)["error"]["code"] == "INVENTORY"
    Path("waits").rename("gone")
    os.close(os.open("gone", os.O_RDWR))  # whoever opened it to read has its end


def test_a_file_that_never_ends_is_interrupted_as_any_other_and_keeps_no_process(tmp_path: Path) -> None:
    (tmp_path / "inventory.py").write_text("open('runs', 'w')\nwhile True: pass\n")
    words = [sys.executable, "-m", "roosync_ops", "machines", "list"]
    started = subprocess.Popen(words, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(REPOSITORY)})
    wait_for("the inventory to run", (tmp_path / "runs").exists)
    started.send_signal(signal.SIGINT)
    assert started.wait(20) == 130


def test_standard_input_is_open_after_an_inventory_that_exits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "inventory.py"
    path.write_text("exit()\n")
    with (tmp_path / "stdin").open("w+") as given:
        monkeypatch.setattr("sys.stdin", given)
        with pytest.raises(FleetError):
            load_inventory(path)
        assert not given.closed


#: What plain pyinfra makes of files, as our deploys see it; in a process of its own, which pyinfra makes gevent's.
_BY_PYINFRA = """
import json, os, sys
from pyinfra_cli.inventory import make_inventory
from pyinfra.api.state import State
from pyinfra.context import ctx_state
from roosync_ops.fleet import Machine
ctx_state.set(State())
sys.path.append("")
for folder in sys.argv[1:]:
    os.chdir(folder)
    sys.modules.pop("more", None)
    inventory = make_inventory(os.path.join(folder, "inventory.py"), cwd=folder)
    inventory.state = ctx_state.get()
    machines = [Machine.of_host(host.name, host.data.dict()) for host in inventory]
    print(json.dumps({machine.machine_id: machine.model_dump() for machine in machines}))
"""
#: A way to write a fleet, to a file that pyinfra reads.
WAYS = {
    "plain names": "lab = ['m1', 'm2']\n",
    "pairs": "lab = [('m1', {'ssh_hostname': '10.0.0.9', 'ssh_user': 'me', 'ssh_port': '2222'})]\n",
    "data that are no JSON": "import pathlib\nlab = [('m1', {'ssh_key': pathlib.Path('k'), 'mine': object})]\n",
    "data of a group": "a = (['m1', ('m2', {'ssh_user': 'own'})], {'ssh_user': 'group', '_sudo': True})\n",
    "the last group's data": "a, b, all = ((['m1'], {'ssh_user': user}) for user in 'abc')\n",
    "data for a machine()": (
        "from roosync_ops.fleet import machine\na = [machine('m1', user='own'), machine('m2')], {'ssh_user': 'group'}\n"
    ),
    "a module in the current folder": "from more import lab\n",
    "group_data": "enroll = ['m1']\nother = ['m2', ('m3', {'expected': 'offline'})]\n",
    "put together": "if True:\n    lab = ['m1']\nlab += ['m2']\n",
    "Windows": "lab = [('@roosync-ssh/m1', {'ssh_user': 'me'}), '@roosync-winrm/m2']\n",
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, dict[str, Machine]]]:
    """Write a fleet in every way; return where, and what plain pyinfra makes of it."""
    folders = []
    for text in WAYS.values():
        folder = tmp_path_factory.mktemp("way")
        (folder / "more.py").write_text("lab = ['m1', ('m2', {'ssh_port': 2222})]\n")
        (folder / "group_data").mkdir()
        (folder / "group_data" / "enroll.py").write_text("import os\nssh_user = 'enroller'\nshared = '/mnt/share'\n")
        (folder / "group_data" / "all.py").write_text("ssh_key = '~/.ssh/all'\n")
        (folder / "inventory.py").write_text(text)
        folders.append(folder)
    words = [sys.executable, "-c", _BY_PYINFRA, *map(str, folders)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True, timeout=120)
    found = [{name: Machine(**one) for name, one in json.loads(line).items()} for line in done.stdout.splitlines()]
    return dict(zip(WAYS, zip(folders, found, strict=True), strict=True))


@pytest.mark.parametrize("way", WAYS)
def test_every_command_has_the_machines_that_pyinfra_has(
    written: dict[str, tuple[Path, dict[str, Machine]]], way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, by_pyinfra = written[way]
    monkeypatch.chdir(folder)
    sys.modules.pop("more", None)
    ours = {one.machine_id: one for one in load_inventory(folder / "inventory.py")}
    assert ours
    assert {name: reached(one) for name, one in ours.items()} == {
        name: reached(one) for name, one in by_pyinfra.items()
    }


def reached(machine: Machine) -> Machine:
    """Return a machine with the address it is reached by: its name, where there is no other."""
    return machine.model_copy(update={"host": machine.host or machine.machine_id})


def test_what_is_written_by_hand_is_found_where_machine_puts_it() -> None:
    data = {"ssh_hostname": "10.0.0.9", "ssh_user": "me", "ssh_port": 2222, "ssh_key": "~/k"}
    assert Machine.of_host("m1", data) == Machine.of(
        "m1", {"host": "10.0.0.9", "user": "me", "port": 2222, "ssh": {"ssh_key": "~/k"}}
    )
    winrm = Machine.of_host("@roosync-winrm/m1", {"winrm_hostname": "h", "winrm_user": "u", "winrm_port": 5999})
    assert (winrm.host, winrm.user, winrm.port, winrm.transport) == ("h", "u", 5999, "winrm")


def test_an_inventory_is_run_once_however_much_is_done_with_its_machines(tmp_path: Path) -> None:
    (tmp_path / "inventory.py").write_text(f"open('runs', 'a').write('x')\n{_LINES}")
    words = [sys.executable, "-m", "roosync_ops", "rollout", "--dry", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert json.loads(done.stdout)["machines"][0]["outcome"] == "unreachable"
    assert (tmp_path / "runs").read_text() == "x"
