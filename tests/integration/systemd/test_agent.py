"""The agent file on a bare Debian 11, 12 and 13: every verb, a kill, a reboot, a share that fails, and nothing left."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from roosync_ops.remote_script import bundle
from tests.kits.hosts import wait_for
from tests.kits.nslab import SHARED, SUITES, Fleet, Host, HostSpec
from tests.kits.product import Agent, Answer, record, sequence

pytestmark = [
    pytest.mark.systemd,
    pytest.mark.timeout(600),  # the first run builds the bases
]
BEATS = ("--heartbeat-interval", "500", "--offline-timeout", "2000", "--share-deadline", "1")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    file = tmp_path_factory.mktemp("bundle") / "agent.pyz"
    bundle.build(file)
    with Fleet([HostSpec(f"agent-{suite}", suite) for suite in SUITES], share="each") as fleet:
        for host in fleet:
            host.put(file, "/usr/local/lib/agent.pyz")
        yield fleet


@pytest.fixture(autouse=True)
def _a_fresh_share(fleet: Fleet) -> None:
    fleet.mend()
    for host in fleet:
        host.run("find", SHARED, "-mindepth", "1", "-delete")


@pytest.fixture(params=SUITES)
def host(fleet: Fleet, request: pytest.FixtureRequest) -> Host:
    return fleet[f"agent-{request.param}"]


@pytest.fixture
def bookworm(fleet: Fleet) -> Host:
    return fleet["agent-bookworm"]


def agent_of(host: Host, user: str = "root") -> Agent:
    def shell(line: str) -> Answer:
        began = time.monotonic()
        done = host.ssh(line, user=user, check=False)
        return Answer(done.returncode, done.stdout, done.stderr, time.monotonic() - began)

    return Agent(shell, f"ROOSYNC_SHARED_PATH={SHARED} python3 /usr/local/lib/agent.pyz")


class started:  # noqa: N801 - used as a statement
    """An installed, beating agent; and afterwards nothing of it but its local notes."""

    def __init__(self, host: Host, user: str = "root") -> None:
        self.host = host
        self.agent = agent_of(host, user)
        if user != "root" and host.suite == "bullseye":  # no polkit there: root has to allow it first
            host.run("loginctl", "enable-linger", user)

    def __enter__(self) -> Agent:
        self.before = left_on(self.host)
        self.agent("install", *BEATS)
        self.agent("start", *BEATS)
        wait_for("the first beat", lambda: beats(self.host))
        return self.agent

    def __exit__(self, kind: object, *_: object) -> None:
        self.agent.shell(f"{self.agent.start} stop --json")
        self.agent.shell(f"{self.agent.start} uninstall --json")
        assert kind is not None or left_on(self.host) == self.before


def left_on(host: Host) -> set[str]:
    """Return what is on a host's disk, and who lingers, without logs and the agent's local notes."""
    files = host.disk.files("^/var/(log|tmp)/", "/roosync/[a-z0-9-]+-[0-9a-f]{8}/")
    return {path for path, said in files.items() if not said.startswith("4")}  # folders are no litter


def beats(host: Host) -> int:
    """Return how many beats of the host lie in its share; 0 where there is none."""
    try:
        return sequence(host.share, host.name)
    except FileNotFoundError:
        return 0


def session(host: Host) -> str:
    return str(record(host.share, host.name)["agent"]["sessionId"])


def beats_on(host: Host, within: float) -> float:
    """Wait for a beat that is newer than now; returns after how many seconds it came."""
    number, began = beats(host), time.monotonic()
    wait_for(f"a beat of {host.name} after {number}", lambda: beats(host) > number, within)
    return time.monotonic() - began


def share_state(agent: Agent, wanted: str) -> dict[str, Any]:
    """Wait until the agent's own status says that the share is `wanted`."""

    def look() -> dict[str, Any] | None:
        share: dict[str, Any] = agent("status")["share"]
        return share if share["state"] == wanted else None

    return wait_for(f"the share to be {wanted}", look)


def test_version_and_one_registration_need_nothing_but_a_bare_python(host: Host) -> None:
    agent = agent_of(host)
    version = agent("version")
    assert version["python"].startswith(SUITES[host.suite])
    registered = agent("register", "--metadata", '\'{"registeredBy": "nslab"}\'')
    assert registered["message"] == f"Heartbeat enregistré pour {host.name}"
    assert registered["result"]["isNewMachine"] is True
    written = record(host.share, host.name)
    assert written["agent"]["buildId"] == version["buildId"]
    assert written["metadata"]["registeredBy"] == "nslab"
    assert agent("status")["running"] is False
    seen = agent("state")
    assert seen["view"] is None or seen["view"] == json.loads((host.share / "heartbeat.json").read_bytes())
    assert [piece["machineId"] for piece in seen["evidence"] if piece["kind"] == "file"] == [host.name]


@pytest.mark.parametrize(("suite", "user"), [("bullseye", "fleet"), ("bookworm", "root"), ("trixie", "fleet")])
def test_killed_it_is_back_by_itself_with_another_pid_and_a_newer_beat(fleet: Fleet, suite: str, user: str) -> None:
    host = fleet[f"agent-{suite}"]
    with started(host, user) as agent:
        ask = f"systemctl {'' if user == 'root' else '--user '}show -p RestartUSec --value roosync-heartbeat.service"
        assert host.ssh(ask, user=user).stdout.strip() == "1s", "it is back within seconds"
        before, last = agent("status"), record(host.share, host.name)["agent"]
        host.run("kill", "-9", str(before["pid"]))
        wait_for("a beat of another", lambda: session(host) != last["sessionId"])
        after = agent("status")
        assert beats(host) > last["sequence"]
        assert after["running"] is True
        assert after["pid"] != before["pid"]
        assert after["supervised"] == "systemd"
        assert after["permanence"]["survivesReboot"] is True
        assert Path(after["localDir"]).is_relative_to("/var/lib" if user == "root" else "/home/fleet")
        assert agent.refused("start", *BEATS)["message"].startswith("Heartbeat service déjà démarré")
        agent("stop")
        assert record(host.share, host.name)["agent"]["state"] == "left"


@pytest.mark.parametrize("user", ["root", "fleet"])
def test_after_a_reboot_and_after_a_power_cut_it_beats_without_anybodys_help(bookworm: Host, user: str) -> None:
    with started(bookworm, user) as agent:
        number = beats(bookworm)
        bookworm.reboot()
        wait_for("a beat after the reboot", lambda: beats(bookworm) > number)
        assert record(bookworm.share, bookworm.name)["agent"]["state"] == "running"
        number = beats(bookworm)
        bookworm.power_cut()
        bookworm.power_on()
        wait_for("a beat after the power cut", lambda: beats(bookworm) > number)
        bookworm.wait_ready()
        assert agent("status")["running"] is True


def test_a_shutdown_is_silence_and_not_leaving(bookworm: Host) -> None:
    with started(bookworm):
        bookworm.power_off()
        try:
            assert record(bookworm.share, bookworm.name)["agent"]["state"] == "running"
        finally:
            bookworm.power_on()
            bookworm.wait_ready()


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        pytest.param("share_ro", "read-only", id="read-only"),
        pytest.param("share_gone", "missing", id="missing"),
        pytest.param("share_full", "full", id="full"),
        pytest.param("share_hung", "hung", id="hung"),
    ],
)
def test_a_share_that_fails_is_named_with_its_time_and_used_at_its_first_good_moment(
    bookworm: Host, fault: str, named: str
) -> None:
    with started(bookworm) as agent:
        pid = agent("status")["pid"]
        getattr(bookworm, fault)()
        try:
            share = share_state(agent, named)
            assert share["since"] is not None
            time.sleep(1.5)  # a fault that lasts: it must be the loop that waits, not one lucky beat
            assert agent("status")["share"]["since"] == share["since"]
        finally:
            bookworm.share_rw() if fault == "share_ro" else bookworm.share_back()
        assert beats_on(bookworm, within=5) < 2.5
        assert agent("status")["pid"] == pid
        assert share_state(agent, "ok")["since"] is None


@pytest.mark.parametrize("user", ["root", "fleet"])
def test_uninstall_leaves_no_unit_no_process_and_lingering_as_it_was(bookworm: Host, user: str) -> None:
    bookworm.run("loginctl", "disable-linger", "fleet")
    before = left_on(bookworm)
    with started(bookworm, user) as agent:
        pid = agent("status")["pid"]
        assert left_on(bookworm) != before
        agent("stop")
        agent("uninstall")
        assert agent("status")["permanence"]["installed"] is False
    assert not bookworm.run("sh", "-c", f"ls -d /proc/{pid} 2>/dev/null || true")
    assert left_on(bookworm) == before
    assert bookworm.run("ls", "/var/lib/systemd/linger") == ""


def test_a_user_who_may_not_linger_is_told_what_root_has_to_type(fleet: Fleet) -> None:
    bullseye = fleet["agent-bullseye"]
    bullseye.run("loginctl", "disable-linger", "fleet")
    agent = agent_of(bullseye, "fleet")
    refused = agent.refused("install", *BEATS)
    assert refused["hint"] == "sudo loginctl enable-linger fleet"
    assert refused["message"].isprintable()
    bullseye.ssh(refused["hint"], user="fleet")
    agent("install", *BEATS)
    agent("uninstall")


def test_lingering_that_was_on_before_stays_on(bookworm: Host) -> None:
    bookworm.run("loginctl", "enable-linger", "fleet")
    try:
        with started(bookworm, "fleet") as agent:
            agent("stop")
            agent("uninstall")
            assert bookworm.run("ls", "/var/lib/systemd/linger") == "fleet\n"
    finally:
        bookworm.run("loginctl", "disable-linger", "fleet")
