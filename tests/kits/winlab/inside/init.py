"""The first process of a host, in namespaces of its own: puts the machine together, boots it, and ends it.

    init.py FOLDER      FOLDER/kit/plan.json says what the machine is; standard input is its power cable

A line `off` is the button on the case. When the cable's other end goes, however that happens, this process ends, and
with it every process of the host: the kernel ends what is left of a pid namespace.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

#: Where the machine's parts are in its own mount namespace, wherever they are on this machine.
ROOT = Path("/srv")
PREFIX = ROOT / "prefix"
KIT = ROOT / "kit"
#: What a drive lies on: a mount, so that it can be there for one session and not for another.
DRIVE = ROOT / "drive"
#: The interpreter of the kit's own programs on the host. Not on any path, so no test mistakes it for the user's.
PYTHON = r"C:\winlab\python\python.exe"
_PATIENCE_S = 60.0
#: A FUSE file system that nobody serves, for as long as the host is on (sshd itself closes what it inherits). It lies
#: below the drive's root, which Wine itself looks at when a process starts.
_HANG = (
    'exec 9<>/dev/fuse && mount -i -t fuse -o fd=9,rootmode=40000,user_id=0,group_id=0 winlab "/srv/drive/g/Mon Drive"'
    " && { sleep infinity & } && exec 9>&- && "
)


def main(folder: Path) -> None:
    plan = json.loads((folder / "kit" / "plan.json").read_text("utf-8"))
    assemble(folder, plan)
    child = os.fork()
    if child == 0:
        boot(plan)
        os._exit(0)
    threading.Thread(target=_watch_cable, daemon=True).start()
    while os.wait()[0] != child:  # orphans come to the first process
        pass


def _watch_cable() -> None:
    """End the host when nobody holds the cable's other end any more, in the midst of a boot too."""
    poll = select.poll()
    poll.register(0, 0)  # hang-up alone: what is said goes to boot()
    poll.poll()
    os._exit(1)


def assemble(folder: Path, plan: dict[str, object]) -> None:
    """Mount everything the host sees. No mount leaves this namespace, so none can be left behind."""
    socket.sethostname(str(plan["name"]))
    root = folder / "root"
    _mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", str(root))
    for name in ("prefix", "kit", "home", "drive"):
        (root / name).mkdir()
    layers = f"lowerdir={plan['layers']},upperdir={folder / 'upper'},workdir={folder / 'work'}"
    _mount("-t", "overlay", "overlay", "-o", layers, str(root / "prefix"))
    _mount("--bind", str(folder / "kit"), str(root / "kit"))
    for source, target, mode in plan["binds"]:  # type: ignore[attr-defined]  # JSON
        (root / target).mkdir(parents=True, exist_ok=True)
        _mount("--bind", source, str(root / target))
        _mount("-o", f"remount,bind,{mode}", str(root / target))
    _mount("--rbind", str(root), str(ROOT))
    _mount("--bind", str(KIT / "passwd"), "/etc/passwd")
    # Wine's server keeps its socket in /tmp and sshd wants a folder in /run: neither is to be found by anybody else
    _mount("-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/tmp")  # noqa: S108 - the host's own
    _mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/run")
    Path("/run/sshd").mkdir()


def boot(plan: dict[str, object]) -> None:
    """Boot Windows, start the task service and sshd, say so, and serve the power cable until the host is to end."""
    environment = dict(line.split("=", 1) for line in (KIT / "environment").read_text("utf-8").splitlines())
    # names the last boot's server; after a power cut it is still there
    (PREFIX / "wineserver").unlink(missing_ok=True)
    # a persistent server: with the automatic one the machine "reboots" whenever its last process ends
    _run(environment, "wineserver64", "-p")
    _run(environment, "wine64", "cmd", "/c", "ver")
    if plan["tasks"]:
        _start_tasks(environment)
    sshd = _start_sshd(plan)
    _wait_for_port(int(str(plan["port"])))
    (KIT / "ready").touch()
    if sys.stdin.readline().strip() == "off":
        sshd.send_signal(signal.SIGTERM)
        _run(environment, "wineserver64", "-k")
        _run(environment, "wineserver64", "-w")


def _start_tasks(environment: dict[str, str]) -> None:
    """Start the stand-in for the task service, whose children are the user's logon session: they see every drive."""
    argv = ("wine64", PYTHON, "-I", "-S", r"C:\winlab\tasks\taskd.py")
    service = subprocess.Popen(
        argv,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=PREFIX / "drive_c",
    )
    # a Windows Python dies at start where its standard stream is a regular file
    with (KIT / "taskd.log").open("ab") as log:
        subprocess.Popen(("cat",), stdin=service.stdout, stdout=log, stderr=log)


def _start_sshd(plan: dict[str, object]) -> subprocess.Popen[bytes]:
    sshd = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:/usr/bin") or "sshd"
    argv = [sshd, "-D", "-e", "-f", str(KIT / "sshd_config")]
    if plan["drive_in_ssh"] is not True:
        hide = (_HANG if plan["drive_in_ssh"] == "hangs" else f"umount -l {DRIVE} && ") + 'exec "$@"'
        argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", hide, "sh", *argv]
    with (KIT / "sshd.log").open("ab") as log:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _wait_for_port(port: int) -> None:
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            time.sleep(0.02)
    sys.exit(f"sshd does not listen on port {port}")


def _mount(*argv: str) -> None:
    subprocess.run(("mount", *argv), check=True)


def _run(environment: dict[str, str], *argv: str) -> None:
    """Run a program of Wine. Nothing inherits our streams: services keep them open for ever."""
    subprocess.run(
        argv,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=PREFIX / "drive_c",
        timeout=_PATIENCE_S,
        check=False,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
