"""The fleet itself: start it, switch its machines off and on, kill and stop their agents, end it without a trace."""

import asyncio
import json
import os
import secrets
import shutil
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

import asyncssh

from roosync_ops import typed
from roosync_ops.fleet import load_inventory
from roosync_ops.pyinfra_ops.plan import config_of
from roosync_ops.remote_script import bundle
from roosync_ops.remote_script.on_common import parse_last_line
from roosync_ops.transport.ssh import PROGRAM_VARIABLE

from . import scenario, ssh_client
from .faults import LOCAL, LabError, check_name
from .guardian import LAB_VARIABLE, end_marked, guarded, marked_processes
from .host import DRIVE, LabHost, Nest
from .replica import FolderReplica
from .replicator import DEFAULT_DELAY_S, Delay, Replicator, stepping
from .scenario import PROCEDURE, Part
from .sshd import SshServer

#: Nothing the lab asks of its servers takes longer than this, in seconds.
_TIMEOUT_S = 30.0
#: The admin machine's own replica takes part in the replication under this name.
ADMIN = "admin"
#: The name of a drive that is not mounted; hidden, beside its own.
_UNMOUNTED = ".{name} (not mounted)"
_WAY_OUT = (
    "it takes Linux, nsenter (util-linux), and either root or user name spaces and a /dev/fuse that you may open: "
    "`sudo modprobe fuse`, `sudo chmod 666 /dev/fuse`, or run the lab as root"
)


class _Machine(NamedTuple):
    host: LabHost
    server: SshServer
    nest: Nest


class LabFleet:
    """A fleet on this computer. Use it as a context manager: nothing it started is left when the block ends.

    `delay` draws how long one upload or download that begins then takes (both in seconds); `seed` decides what faults
    draw. Attributes are paths: `root` (the lab's folder), `inventory`, `shared` (the admin machine's replica),
    `ssh_config`.
    """

    def __init__(
        self, parts: Sequence[Part] = PROCEDURE, delay: Callable[[float], float] | None = None, seed: int = 0
    ) -> None:
        self.parts = tuple(parts)
        self.lab_id = secrets.token_hex(8)
        self._delay = delay
        self._seed = seed
        self._stack = ExitStack()
        self._machines: dict[str, _Machine] = {}
        self._one_fault = threading.Lock()

    def __enter__(self) -> Self:
        with self._stack as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._machines)

    @property
    def lag_s(self) -> tuple[float, float]:
        """The bounds of the time after which what one machine writes is seen by the others, in seconds."""
        low, high = self._delay.bounds_s if isinstance(self._delay, Delay) else DEFAULT_DELAY_S
        return 2 * low, 2 * high

    @property
    def mark(self) -> tuple[str, str]:
        """The environment variable, and its value, by which this lab's processes are known."""
        return LAB_VARIABLE, self.lab_id

    @property
    def temporary(self) -> Path:
        """Where commands that are run on the lab put what is theirs: it goes with the lab, even if they are killed."""
        return self.root / "tmp"

    def host(self, name: str) -> LabHost:
        return self._machines[name].host

    def port(self, name: str) -> int:
        return self._machines[name].server.port

    def is_on(self, name: str) -> bool:
        return self._machines[name].server.is_listening

    def power_on(self, name: str) -> None:
        """Switch a machine on. As at any boot, an agent that was put there comes up by itself. Raises LabError."""
        if self.is_on(name):
            raise LabError(f"{name} is on already")
        self._on_loop(self._machines[name].server.start())
        self.sync.switch(name, up=True, down=True)
        if self.host(name).agent.exists():
            self.agent(name, "start")

    def power_off(self, name: str) -> None:
        """Cut a machine's power: its SSH server, its sync client and all its processes are gone. Raises LabError."""
        if not self.is_on(name):
            raise LabError(f"{name} is off already")
        machine = self._machines[name]
        self._on_loop(machine.server.stop())
        self.sync.switch(name, up=False, down=False)
        end_marked(*machine.host.marks)

    def kill_agent(self, name: str) -> int:
        """SIGKILL a machine's agent and return its pid; its supervisor brings it back. Raises LabError."""
        pid = self.agent(name, "status").get("pid")
        if not isinstance(pid, int) or pid not in marked_processes(*self.host(name).marks):
            raise LabError(f"{name}: no agent is running there")
        os.kill(pid, signal.SIGKILL)
        return pid

    def crash_agent(self, name: str) -> None:
        """SIGKILL a machine's agent together with its supervisor: nothing brings it back."""
        end_marked(*self.host(name).marks)

    def activate(self, name: str) -> None:
        """Put the agent on a machine and start it, as a rollout before this one would have. Raises LabError."""
        host, (machine,) = self.host(name), self.fleet.select([name])
        host.local_dir.mkdir(parents=True, exist_ok=True)
        bundle.build(host.agent, cache=self.temporary / "roosync-ops")
        config = {**config_of(machine), "shared": machine.shared}
        (host.local_dir / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
        for verb in ("install", "start"):
            self.agent(name, verb)

    def fault(self, name: str, machine: str, *, on: bool = True) -> bool:
        """Switch a fault (faults.FAULTS) of a machine or of ADMIN; tell whether it was not so. Raises LabError."""
        try:
            check_name(name)
            with self._one_fault:
                return self._switch(name, machine, on=on)
        except (OSError, ValueError) as error:
            raise LabError(f"{machine}: {error}") from None

    def _switch(self, name: str, machine: str, *, on: bool) -> bool:
        active = self.faults().get(machine, [])
        # What else makes the same share unusable; one that is worse already is not made worse by being cold.
        others = [other for other in active if other in LOCAL and other != name]
        if on and name in LOCAL and others and name != "cold":
            ends = typed.ours("lab", "fault", others[0], machine, "--off", "--lab", str(self.root))
            raise LabError(f"{machine}: its share is under {others[0]} already; end that first", ends)
        if (name in active) == on:
            return False
        if name in LOCAL and not (name == "cold" and others):
            self._spoil(name, machine, on=on)
        self.sync.fault(name, machine, on=on)
        return True

    def _spoil(self, name: str, machine: str, *, on: bool) -> None:
        """Cause or end a fault of the share itself. Raises OSError, ValueError."""
        nest = None if machine == ADMIN else self._machines[machine].nest
        if name == "unmounted":
            drive = self.shared if machine == ADMIN else self.host(machine).drive
            aside = drive.with_name(_UNMOUNTED.format(name=drive.name))
            (drive if on else aside).rename(aside if on else drive)
        elif nest is None:
            raise ValueError(f"{name} is for machines: the admin's replica is read by your own shell")
        elif not on:
            nest.uncover()
        else:
            try:
                nest.cover(name)
            except OSError as error:
                raise OSError(f"{name} cannot be caused here: {error}; {_WAY_OUT}") from None

    def faults(self) -> dict[str, list[str]]:
        """Return the faults that are on, of every machine that has one."""
        with self.sync.lock:
            active = {name: sorted(link.faults) for name, link in self.sync.links.items()}
        return {name: faults for name, faults in active.items() if faults}

    def processes(self, name: str | None = None) -> list[int]:
        """Return the processes of one machine, or of the whole lab."""
        return marked_processes(*(self.host(name).marks if name else ["=".join(self.mark)]))

    def _start(self, stack: ExitStack) -> None:
        self.root = stack.enter_context(guarded(self.lab_id))
        self._on_loop = stack.enter_context(_loop())
        stack.callback(self._release_ports)
        self.temporary.mkdir()
        self._make_machines(stack)
        self._write_files()
        self.sync = stack.enter_context(stepping(Replicator(self._replicas(), self._delay, self._seed)))
        for part in self.parts:
            if part.powered:
                self.power_on(part.name)
            else:
                self.sync.switch(part.name, up=False, down=False)

    def _release_ports(self) -> None:
        for machine in self._machines.values():
            self._on_loop(machine.server.release())

    def _make_machines(self, stack: ExitStack) -> None:
        self._client_key = asyncssh.generate_private_key("ssh-ed25519")
        for part in self.parts:
            home = self.root / part.name
            nest = Nest(home, home / DRIVE, self.lab_id)
            host = LabHost(part.name, home, self.lab_id, nest.inside)
            host.make()
            stack.enter_context(nest)
            self._machines[part.name] = _Machine(host, SshServer(host, self._client_key), nest)
        for machine in self._machines.values():
            machine.nest.settle()

    def _write_files(self) -> None:
        """Write what an operator needs, and read the inventory back: a wrong one would fail every command later."""
        ssh = self.root / "ssh"
        ssh.mkdir()
        ports = {name: machine.server.port for name, machine in self._machines.items()}
        self.ssh_config = ssh / "config"
        self.ssh_config.write_text(scenario.ssh_config(ssh, ports), encoding="utf-8")
        lines = (machine.server.known_hosts_line() for machine in self._machines.values())
        (ssh / "known_hosts").write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
        key = ssh / "id_ed25519"
        key.touch(mode=0o600)
        self._client_key.write_private_key(key)
        self.inventory = self.root / "inventory.py"
        program = None if shutil.which(os.environ.get(PROGRAM_VARIABLE) or "ssh") else ssh_client.install(ssh)
        self.inventory.write_text(scenario.inventory(self.root, self.parts, ports, program), encoding="utf-8")
        self.fleet = load_inventory(self.inventory)

    def _replicas(self) -> dict[str, FolderReplica]:
        self.shared = self.root / "shared-state"
        (self.shared / "dashboards").mkdir(parents=True)  # a shared state without a heartbeat yet
        folders = {name: machine.host.shared for name, machine in self._machines.items()}
        return {name: FolderReplica(folder) for name, folder in {**folders, ADMIN: self.shared}.items()}

    def agent(self, name: str, verb: str) -> dict[str, Any]:
        """Run one of the agent's verbs on its machine. Raises LabError with the agent's own sentence."""
        if not self.is_on(name):
            raise LabError(f"{name} is switched off")
        host = self.host(name)
        if not host.agent.exists():
            raise LabError(f"{name} has no agent: it is not enrolled")
        done = host.run([f"{host.home}/bin/agent", verb, "--json"])
        answer = parse_last_line(done.out.decode(errors="replace"))
        if done.code or answer is None:
            told = (answer or {}).get("message") or done.err.decode(errors="replace").strip()[-300:]
            raise LabError(f"{name}: {verb}: {told or f'exit code {done.code}'}")
        return answer


@contextmanager
def _loop() -> Iterator[Callable[[Coroutine[Any, Any, None]], None]]:
    """Give what runs a coroutine on an event loop's own thread: what belongs to the loop is touched there alone."""
    with asyncio.Runner() as runner:  # at its end it cancels every session that is still there, and waits for each
        loop = runner.get_loop()
        thread = threading.Thread(target=loop.run_forever, name="lab-ssh", daemon=True)
        thread.start()
        try:
            yield lambda work: asyncio.run_coroutine_threadsafe(work, loop).result(_TIMEOUT_S)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
