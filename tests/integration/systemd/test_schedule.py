"""`roosync-ops schedule` on a real systemd: its timer fires, its run looks and tells, uninstalled it leaves nothing."""

import json
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from roosync_ops.wire.times import now_ms
from tests.kits.hosts import wait_for
from tests.kits.nslab import SHARED, Fleet, Host, HostSpec
from tests.kits.nslab.library import SUITE, install
from tests.kits.shares import ours, put

pytestmark = [
    pytest.mark.systemd,
    pytest.mark.skipif(SUITE is None, reason="does not apply: no Debian here runs this CPython"),
    pytest.mark.timeout(600),  # the first run builds the base
]
INVENTORY = "from roosync_ops.fleet import machine\nenroll = [machine('a'), machine('b')]\n"
HOSTILE = "/var/tmp/é \"q\" 'p' %h $HOME ${x} \\ ;#"  # noqa: S108 - on the host, which is the test's own
NOTE = '#!/bin/sh\necho "$ROOSYNC_FLIP_MACHINE $ROOSYNC_FLIP_TO" >> "$1"\n'


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with Fleet([HostSpec("admin", SUITE or "bookworm")]) as fleet:
        host = fleet["admin"]
        host.run("loginctl", "enable-linger", "fleet")
        install(host, "filelock", "pydantic", "typer")
        (host.disk.root / "srv/inventory.py").write_text(INVENTORY)
        script = host.disk.root / "usr/local/bin/note"
        script.write_text(NOTE)
        script.chmod(0o755)
        yield host


class Schedule:
    """`roosync-ops schedule` for one user of the host."""

    def __init__(self, host: Host, user: str) -> None:
        self.host = host
        self.user = user
        self.folder = f"{HOSTILE} {user}"
        self.log = f"/var/tmp/told by {user}"  # noqa: S108 - as above
        self._scope = "" if user == "root" else "--user "

    def __call__(self, *words: str, command: str = "schedule", check: bool = True) -> Any:
        fleet = ("--inventory", "/srv/inventory.py", "--shared", SHARED, "--memory", self.folder)
        line = shlex.join(["python3", "-m", "roosync_ops", command, *fleet, *words])
        done = self.host.ssh(line, user=self.user, check=check)
        return json.loads(done.stdout) if done.stdout.strip() else None

    def systemctl(self, *words: str) -> str:
        return self.host.ssh(f"systemctl {self._scope}{shlex.join(words)}", user=self.user, check=False).stdout.strip()

    @contextmanager
    def soon(self) -> Iterator[None]:
        """Have the timer fire seconds after it starts, not minutes: by a drop-in, which is the test's own."""
        units = "etc/systemd/system" if self.user == "root" else f"home/{self.user}/.config/systemd/user"
        folder = self.host.disk.root / units / f"{self('--json')['name']}.d"
        self.host.ssh(f"mkdir -p {shlex.quote(f'/{units}/{folder.name}')}", user=self.user)
        (folder / "soon.conf").write_text("[Timer]\nOnActiveSec=1s\n")
        try:
            yield
        finally:
            shutil.rmtree(folder)

    def told(self) -> str:
        return (self.host.disk.root / self.log.removeprefix("/")).read_text()

    def has_run(self) -> bool:
        folder = self.host.disk.root / self.folder.removeprefix("/")
        return any(folder.glob("schedule-*.last.json"))


@pytest.mark.parametrize("user", ["root", "fleet"])
def test_the_timer_fires_the_run_tells_and_nothing_is_left(host: Host, user: str) -> None:
    schedule = Schedule(host, user)
    _beats(host, a=1, b=1)
    schedule("--for", "0", "--json", command="watch")  # the first look is told to nobody
    _beats(host, a=2, b=2, left="a")
    before = _left_on(host)
    install = ("--install", "--every", "1", "--no-dashboard", "--exec", shlex.join(["note", schedule.log]), "--json")
    with schedule.soon():
        first, again = schedule(*install), schedule(*install)
        assert (first["mechanism"], first["changed"], again["changed"]) == ("systemd", True, False)
        _ran(schedule, first["name"])
        (host.disk.root / schedule.log.removeprefix("/")).unlink()
        assert schedule("--uninstall", "--json")["changed"] is True
    assert schedule("--uninstall", "--json")["changed"] is False
    assert schedule.systemctl("list-units", "--all", "--plain", "--no-legend", "roosync-*") == ""
    assert _left_on(host) == before


def _ran(schedule: Schedule, timer: str) -> None:
    """The timer fired, and all that a run does was done."""
    service = timer.replace(".timer", ".service")
    wait_for("the timer's first run", schedule.has_run)
    status = schedule("--status", "--json", check=False)
    assert status["state"] == "installed"
    assert status["last"]["summary"] == "1/2 machines online (50%)"
    assert status["last"]["exitCode"] == 1  # as validate: a is expected online
    assert schedule.told() == "a left\n"
    assert schedule.systemctl("show", "-P", "ExecMainStatus", service) == "1"
    assert schedule.systemctl("show", "-P", "LastTriggerUSec", timer) not in ("", "n/a")
    wait_for("the next run to be planned", lambda: _is_planned(schedule, timer))


def _is_planned(schedule: Schedule, timer: str) -> bool:
    """A run that failed is followed by the next one all the same."""
    return schedule.systemctl("show", "-P", "NextElapseUSecMonotonic", timer) not in ("", "0", "infinity")


def _beats(host: Host, left: str = "", **sequences: int) -> None:
    for name, sequence in sequences.items():
        gone = {"state": "left", "leftAt": "2100-01-01T00:00:00.000Z"} if name == left else {}
        put(host.share, ours(name, 1_000, now_ms(), sequence=sequence, **gone))


def _left_on(host: Host) -> set[str]:
    """Return what is on the host's disk, but logs, caches and what the watchers of this computer remember."""
    caches = "/__pycache__/", "/.cache/roosync-ops/"
    files = host.disk.files("^/var/log/", *caches, "/(watch|seen)-[0-9a-f]{8}", "^/var/lib/systemd/(timesync|linger)")
    return {path for path, said in files.items() if not said.startswith("4")}  # folders are no litter
