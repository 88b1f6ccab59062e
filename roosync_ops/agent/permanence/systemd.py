"""A systemd unit: the system's when root, the user's own with lingering otherwise."""

from __future__ import annotations

import os
import subprocess
import zlib

from roosync_ops.agent.config import default_local_dir
from roosync_ops.agent.errors import LocalError
from roosync_ops.wire.child import run
from roosync_ops.wire.small import suppress, wait_until
from roosync_ops.wire.typed import Sequence

from . import Mechanism
from .launch import agent_command, changed_lines, text_in, write_text

_TEMPLATE = """\
[Unit]
Description=RooSync heartbeat agent
After=remote-fs.target
StartLimitIntervalSec=0

[Service]
ExecStart={command}
Restart=always
RestartSec=1
KillMode=mixed
TimeoutStopSec=30

[Install]
WantedBy={target}
"""
#: Says in the unit that lingering was off before it: uninstall then leaves it as it was found. systemd skips `X-`.
LINGERING_IS_OURS = "\n[X-RooSync]\nLingering=switched-on-with-this-unit\n"
#: There, and only there, systemd is PID 1: sd_booted(3).
BOOTED = "/run/systemd/system"
SYSTEM_UNITS = "/etc/systemd/system"
LINGERING = "/var/lib/systemd/linger"
#: How long one systemctl may take, in s: `stop` waits for a loop that writes its last record.
_SYSTEMCTL_S = 45.0
#: How long a user's systemd may take to come up once lingering is switched on, in s.
_USER_MANAGER_S = 10.0


class Systemd(Mechanism):
    """Permanence by a unit with Restart=always."""

    def __init__(self, local_dir: str) -> None:
        self._user = os.geteuid() != 0
        self._whose = ["--user"] if self._user else []
        self.kind = "systemd-user" if self._user else "systemd-system"
        self._target = "default.target" if self._user else "multi-user.target"
        self._folder = units()
        self.unit = unit_name(local_dir, default_local_dir(os.environ))
        self._path = os.path.join(self._folder, self.unit)
        self._wants = os.path.join(self._folder, f"{self._target}.wants", self.unit)

    def unavailable(self) -> str | None:
        if not os.path.isdir(BOOTED):
            return "systemd n'est pas le processus 1 de cette machine"
        if self._user and not manager_is_up() and not os.path.isdir(LINGERING):
            return "le systemd de cet utilisateur n'est pas joignable"
        return None

    def installed(self) -> bool:
        return os.path.isfile(self._path)

    def enabled(self) -> bool:
        """As `systemctl is-enabled`, by the link it makes: no process for a question."""
        return os.path.islink(self._wants)

    def survives_reboot(self) -> bool:
        return self.enabled() and (not self._user or lingers())

    def active(self) -> bool:
        """Running, or about to: between two lives of the loop systemd says `activating`."""
        if not self.installed() or not os.path.isdir(BOOTED):
            return False
        return self._ask("show", "--property=ActiveState", "--value") in ("active", "activating", "reloading")

    def install(self, words: list[str]) -> bool:
        """Write and enable the unit; True where anything was not as it should be already."""
        reason = self.unavailable()
        if reason is not None:
            raise LocalError(reason, "action install --permanence process")
        changed = self._linger() if self._user else False
        if self._write(self._wanted(words, changed)):
            self._systemctl("daemon-reload")
            changed = True
        if not self.enabled():
            self._systemctl("enable", self.unit)
            changed = True
        return changed

    def changes(self, words: list[str]) -> tuple[str, str]:
        return changed_lines(text_in(self._path), self._wanted(words))

    def _wanted(self, words: list[str], lingering_is_new: bool = False) -> str:
        ours = lingering_is_new or self._lingering_is_ours()
        return unit_text(agent_command(words), self._target) + (LINGERING_IS_OURS if ours else "")

    def uninstall(self) -> bool:
        if not self.installed() and not self.enabled():
            return False
        lingering_is_ours = self._lingering_is_ours()
        self._systemctl("disable", self.unit)
        with suppress(FileNotFoundError):
            os.unlink(self._path)
        self._systemctl("daemon-reload")
        if lingering_is_ours:
            self._set_lingering("disable-linger")
        return True

    def start(self, words: list[str] | None) -> None:
        """Start the unit; what was typed now goes into it first, so that it holds after a reboot too."""
        if words is not None:
            self.install(words)
        self._systemctl("reset-failed", self.unit, check=False)
        self._systemctl("start", self.unit)

    def stop(self) -> None:
        self._systemctl("stop", self.unit)

    def run_beside(self, line: list[str]) -> bool:
        run_it = ["systemd-run", *self._whose, "--collect", "--quiet", "--no-ask-password", *line]
        with suppress(LocalError):
            return _run(run_it).returncode == 0
        return False

    def last_words(self) -> str | None:
        """What `journalctl` would show is the operator's to read; here only the unit's own verdict."""
        return self._ask("show", "--property=Result", "--value") or None

    def _write(self, text: str) -> bool:
        try:
            os.makedirs(self._folder, exist_ok=True)
            return write_text(self._path, text, 0o644)  # all users may read a unit
        except OSError as error:
            raise LocalError(f"{self._path}: {error.strerror or error}", "vérifier les droits") from None

    def _linger(self) -> bool:
        """Let the user's services live without a login; True where they did not yet."""
        if lingers():
            return False
        self._set_lingering("enable-linger")
        wait_until(manager_is_up, _USER_MANAGER_S, 0.1)
        return True

    def _set_lingering(self, verb: str) -> None:
        done = _run(["loginctl", verb])
        if done.returncode != 0:
            raise LocalError(f"loginctl {verb}: {_said(done)}", f"sudo loginctl {verb} {user_name()}")

    def _lingering_is_ours(self) -> bool:
        return text_in(self._path).endswith(LINGERING_IS_OURS)

    def _ask(self, *words: str) -> str:
        done = _run(self._line(*words, self.unit))
        return done.stdout.decode("utf-8", "replace").strip()

    def _systemctl(self, *words: str, check: bool = True) -> None:
        done = _run(self._line(*words))
        if check and done.returncode != 0:
            hint = " ".join(["journalctl", *self._whose, "-u", self.unit])
            raise LocalError(f"systemctl {' '.join(words)}: {_said(done)}", hint)

    def _line(self, *words: str) -> list[str]:
        return ["systemctl", *self._whose, "--no-ask-password", *words]


def units() -> str:
    """Return the folder of units: the system's for root, else the user's own."""
    if os.geteuid() == 0:
        return SYSTEM_UNITS
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(base, "systemd", "user")


def lingers() -> bool:
    """Return True if the user's services live without a login."""
    return os.path.exists(os.path.join(LINGERING, user_name()))


def manager_is_up() -> bool:
    """Return True if the user's systemd can be reached."""
    return os.path.exists(os.path.join(runtime_dir(), "systemd", "private"))


def user_name() -> str:
    """Return what the system calls this user."""
    import pwd  # noqa: PLC0415 - no such module on Windows

    return pwd.getpwuid(os.geteuid()).pw_name


def runtime_dir() -> str:
    """Return the user's; a command over SSH may come without a session, and so without the variable."""
    return os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"


def _run(line: list[str]) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "SYSTEMD_LOG_COLOR": "0"}  # an older loginctl colours even into a pipe
    if os.geteuid() != 0:
        environment["XDG_RUNTIME_DIR"] = runtime_dir()
    try:
        return run(line, _SYSTEMCTL_S, env=environment)
    except (OSError, subprocess.SubprocessError) as error:
        raise LocalError(f"{line[0]}: {error}", "action install --permanence process") from None


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    return (done.stderr or done.stdout).decode("utf-8", "replace").strip() or f"code {done.returncode}"


def unit_name(local_dir: str, default_dir: str) -> str:
    """Return the unit's name: one for the usual local folder, another for each further one."""
    if local_dir == default_dir:
        return "roosync-heartbeat.service"
    return f"roosync-heartbeat-{zlib.crc32(os.fsencode(local_dir)):08x}.service"


def unit_text(command: Sequence[str], target: str) -> str:
    """Return the unit that keeps `command` running."""
    return _TEMPLATE.format(command=" ".join(quoted(word) for word in command), target=target)


def quoted(word: str) -> str:
    r"""Return `word` as systemd reads one argument back.

    systemd.service(5): C escapes in double quotes, then `%` specifiers and `$` variables; each is doubled.
    """
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    escaped = "".join(
        char if char.isprintable() else "".join(f"\\x{byte:02x}" for byte in os.fsencode(char)) for char in escaped
    )
    return f'"{escaped}"'
