"""One fleet behind real OpenSSH servers in which each machine has a trouble of its own; and a fleet that is well."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.show import schemas
from tests.capabilities import need
from tests.kits.agent_process import current
from tests.kits.hosts import PATIENCE_S, free_ports
from tests.kits.hung import hung_server
from tests.kits.product import Answer, roosync_ops
from tests.kits.sshd import PYTHON, USER, Fleet, Host, deaf_port

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What a loop of these fleets waits between beats, and what counts as silence, in ms.
INTERVAL_MS, TIMEOUT_MS = 500, 2_500
ROLLED_OUT = ("well", "frozen", "killed", "stopped", "share-gone", "stalled", "outdated", "broken")
NEVER = ("bare", "other-name", "no-python", "new-key", "unknown-key", "refused", "down")


@dataclass
class Scene:
    """A fleet, its inventory, and the command line over it."""

    fleet: Fleet
    inventory: Path
    shares: dict[str, Path] = field(default_factory=dict)

    def diagnose(self, *argv: str) -> Answer:
        return roosync_ops("diagnose", *argv, "-i", self.inventory, "--shared", self.fleet.shared)

    def document(self, *argv: str) -> dict[str, Any]:
        """Return what --json says, checked against its schema."""
        answer = self.diagnose(*argv, "--json")
        document: dict[str, Any] = schemas.of("diagnose").validate_python(answer.document)
        assert (answer.code == 0) == document["ok"], answer
        return document

    def act(self, command: str, *argv: str) -> Answer:
        return roosync_ops(command, *argv, "-i", self.inventory)

    def status(self, name: str) -> dict[str, Any]:
        """Return the local truth of a machine's agent, asked on the machine itself."""
        host = self.fleet[name]
        argv = [PYTHON, str(host.local_dir / "agent.pyz"), "status", "--local-dir", str(host.local_dir), "--json"]
        environment = {**os.environ, "HOME": str(host.home), "ROOSYNC_LAB_HOSTNAME": name}
        done = subprocess.run(argv, capture_output=True, check=True, env=environment, timeout=PATIENCE_S)
        value: dict[str, Any] = json.loads(done.stdout)
        return value

    def freeze(self, name: str) -> int:
        """Stop a machine's loop as a debugger would: it is there, and does nothing."""
        pid = int(self.status(name)["pid"])
        os.kill(pid, signal.SIGSTOP)
        return pid

    def kill(self, name: str) -> None:
        """Kill a machine's loop and what would bring it back."""
        folder = str(self.fleet[name].home).encode()
        for pid in self.fleet.sessions():
            if folder in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)


def causes(document: dict[str, Any]) -> dict[str, str]:
    return {row["machineId"]: row["cause"] for row in document["machines"]}


def row_of(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in document["machines"] if row["machineId"] == name)
    return found


def _line(group: str, name: str, fields: dict[str, Any]) -> str:
    return f"{group} = [machine({name!r}, **{fields!r})]"


def _fields(fleet: Fleet, host: Host, **fields: Any) -> dict[str, Any]:
    return fleet.fields(host, heartbeat_interval=INTERVAL_MS, offline_timeout=TIMEOUT_MS, **fields)


def _absent(fleet: Fleet, port: int, **fields: Any) -> dict[str, Any]:
    """Return the fields of a machine that is nothing but a port."""
    ssh = {"ssh_key": str(fleet.key), "ssh_known_hosts_file": str(fleet.known_hosts), "ssh_allow_agent": False}
    return {"host": "127.0.0.1", "port": port, "user": USER, "ssh": ssh, **fields}


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """The fleet of the troubles, rolled out where that is possible, and then harmed."""
    need("sshd")
    root = tmp_path_factory.mktemp("troubled")
    names = {"other-name": "SOMEBODY-ELSE"}
    with deaf_port() as deaf, hung_server() as hung, Fleet(root, [*ROLLED_OUT, *NEVER], hostnames=names) as fleet:
        scene = _written(fleet, deaf, hung)
        answer = scene.act("rollout", "--limit", ",".join(ROLLED_OUT))
        assert answer.code == 0, answer
        _harm(scene)
        yield scene


def _written(fleet: Fleet, deaf: int, hung: int) -> Scene:
    """Write the inventory: what is wrong on the way to a machine is wrong there."""
    root = fleet.root
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(root / "strange")], check=True)
    shares = {name: root / f"share-of-{name}" for name in ("share-gone", "stalled")}
    for share in (fleet.shared, *shares.values()):
        (share / "heartbeats").mkdir(parents=True)  # nobody else's record will ever arrive here
    own: dict[str, dict[str, Any]] = {name: {"shared": str(share)} for name, share in shares.items()}
    own["no-python"] = {"python": "/nowhere/python3"}
    lines = ["from roosync_ops.fleet import machine", ""]
    for host in fleet:
        fields = _fields(fleet, host, **own.get(host.machine_id, {}))
        if host.machine_id == "refused":
            fields["ssh"]["ssh_key"] = str(root / "strange")
        lines.append(_line(host.machine_id.replace("-", "_"), host.machine_id, fields))
    lines += [
        _line("silent", "silent", _absent(fleet, hung)),
        _line("off", "off", _absent(fleet, deaf)),
        _line("off_on_purpose", "off-on-purpose", _absent(fleet, free_ports(1)[0], expected="offline", why="sold")),
        _line("nameless", "nameless", _absent(fleet, 22, host="nowhere.invalid")),
    ]
    path = root / "inventory.py"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Scene(fleet, path, shares)


def _harm(scene: Scene) -> None:
    fleet = scene.fleet
    keys = fleet.known_hosts.read_text().splitlines(keepends=True)
    strange = " ".join((fleet.root / "strange.pub").read_text().split()[:2])
    keys = [line for line in keys if f":{fleet['unknown-key'].port} " not in line]
    keys = [line for line in keys if f":{fleet['new-key'].port} " not in line]
    fleet.known_hosts.write_text("".join([*keys, f"[127.0.0.1]:{fleet['new-key'].port} {strange}\n"]))
    fleet.down(fleet["down"])
    # The others got one beat of it, and none since.
    (fleet.shared / "heartbeats" / "stalled.json").write_bytes(
        (scene.shares["stalled"] / "heartbeats" / "stalled.json").read_bytes()
    )
    scene.act("stop", "stopped")
    scene.shares["share-gone"].rename(fleet.root / "elsewhere")
    with current(fleet["outdated"].local_dir).open("ab") as file:
        file.write(b"\0")
    (fleet["broken"].local_dir / "agent.pyz").write_bytes(b"no zip archive")
    scene.freeze("frozen")
    scene.kill("killed")
