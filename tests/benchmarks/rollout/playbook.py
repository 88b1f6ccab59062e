"""Ansible's sides, alone and with Mitogen: in an environment of its own, its configuration, its inventory, its runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

from tests.kits.sshd import PYTHON, USER

if TYPE_CHECKING:
    from tests.benchmarks.rollout.hosts import Hosts
    from tests.kits.sshd import Host

PLAYBOOK = Path(__file__).with_name("rollout.yml")

#: What a practised user sets for speed. Compression (ssh's default arguments have -C) only costs time on loopback.
_CONFIG = """\
[defaults]
forks = 50
strategy = {strategy}
strategy_plugins = {plugins}
gathering = explicit
host_key_checking = True
interpreter_python = {python}
internal_poll_interval = 0.001
inject_facts_as_vars = False
retry_files_enabled = False
display_skipped_hosts = False
deprecation_warnings = False
localhost_warning = False
home = {home}
local_tmp = {home}/tmp
[ssh_connection]
pipelining = True
ssh_args = -o ControlMaster=auto -o ControlPersist=60s
control_path_dir = {home}/cp
ssh_common_args = -o UserKnownHostsFile={known_hosts} -o IdentitiesOnly=yes
"""


class AnsibleError(RuntimeError):
    """ansible-core could not be installed."""


def install(cache: Path) -> Path:
    """Install ansible-core and Mitogen into `cache`, unless they are there; return their bin folder."""
    folder = cache / f"ansible-mitogen-py{sys.version_info.major}.{sys.version_info.minor}"
    scripts = folder / "bin"
    if not (scripts / "ansible-playbook").exists():
        venv.create(folder, with_pip=True, clear=True)
        done = subprocess.run([scripts / "pip", "install", "--quiet", "ansible-core", "mitogen"], check=False)
        if done.returncode != 0:
            raise AnsibleError("pip could not install ansible-core and mitogen; is the package index reachable?")
    return scripts


def versions(scripts: Path) -> dict[str, str]:
    """Return the versions of ansible-core and of the OpenSSH client it uses."""
    ansible = subprocess.run([scripts / "ansible", "--version"], check=True, capture_output=True, text=True).stdout
    ssh = subprocess.run(["ssh", "-V"], check=True, capture_output=True, text=True).stderr
    listed = subprocess.run(
        [scripts / "pip", "list", "--format=json"], check=True, capture_output=True, text=True
    ).stdout
    return {
        "ansible-core": ansible.split("core ", 1)[1].split("]", 1)[0],
        "mitogen": next(row["version"] for row in json.loads(listed) if row["name"] == "mitogen"),
        "OpenSSH": ssh.split(",")[0].split("_")[1],
    }


class Ansible:
    """The playbook for one set of machines, ready to be timed."""

    def __init__(self, scripts: Path, hosts: Hosts, agent: Path, *, mitogen: bool = False) -> None:
        self._home = hosts.root / ("mitogen" if mitogen else "ansible")
        (self._home / "cp").mkdir(parents=True)
        self._config = self._home / "ansible.cfg"
        plugins = next((scripts.parent / "lib").glob("python*/site-packages")) / "ansible_mitogen/plugins/strategy"
        values = {"python": PYTHON, "home": self._home, "known_hosts": hosts.known_hosts, "plugins": plugins}
        self._config.write_text(_CONFIG.format(strategy="mitogen_free" if mitogen else "free", **values))
        inventory = self._home / "inventory.json"
        inventory.write_text(json.dumps(_inventory(hosts, agent), indent=1))
        self.command = [str(scripts / "ansible-playbook"), "-i", str(inventory), str(PLAYBOOK)]
        self.cwd = self._home

    @property
    def env(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
        return {**kept, "ANSIBLE_CONFIG": str(self._config), "LC_ALL": "C.UTF-8"}

    def disconnect(self) -> None:
        """Close the connections that ControlPersist keeps, so that the next run is a first one."""
        for path in (self._home / "cp").iterdir():
            subprocess.run(["ssh", "-o", f"ControlPath={path}", "-O", "exit", "x"], check=False, capture_output=True)


def _inventory(hosts: Hosts, agent: Path) -> dict[str, object]:
    shared = {
        "ansible_host": "127.0.0.1",
        "ansible_user": USER,
        "ansible_ssh_private_key_file": str(hosts.key),
        "shared": str(hosts.shared),
        "agent": str(agent),
        "agent_command": [PYTHON, "{{ local_dir }}/agent.pyz"],
        "agent_flags": ["--local-dir", "{{ local_dir }}", "--json"],
    }
    return {"all": {"vars": shared, "hosts": {host.machine_id: _variables(host, hosts) for host in hosts}}}


def _variables(host: Host, hosts: Hosts) -> dict[str, object]:
    config = {
        "machineId": host.machine_id,
        "shared": str(hosts.shared),
        "heartbeatInterval": 30_000,
        "offlineTimeout": 120_000,
        "enableAutoSync": True,
        "permanence": "process",
    }
    return {"ansible_port": host.port, "local_dir": str(host.local_dir), "config": config}
