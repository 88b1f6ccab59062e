"""Makes a Windows installation, in namespaces of its own: template.py FOLDER, where FOLDER/prefix is to be made.

FOLDER/passwd names the user, FOLDER/python is the Windows Python and FOLDER/environment.json Wine's environment.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

_ROOT = Path("/srv")
_PREFIX = _ROOT / "prefix"
_PATH = r"%SystemRoot%\system32;%SystemRoot%;%SystemRoot%\system32\wbem;C:\Python311"
_SYSTEM = r"HKLM\System\CurrentControlSet\Control\Session Manager\Environment"
#: Drive letters that lead into this machine: no Windows machine has them.
_NOT_WINDOWS = ("z:", "com1")


def main(folder: Path) -> None:
    socket.sethostname("WINLAB")
    subprocess.run(("mount", "--bind", str(folder), str(_ROOT)), check=True)
    subprocess.run(("mount", "--bind", str(_ROOT / "passwd"), "/etc/passwd"), check=True)
    subprocess.run(("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/tmp"), check=True)  # noqa: S108 - its own
    environment = json.loads((_ROOT / "environment.json").read_text("utf-8"))
    (_ROOT / "home").mkdir(exist_ok=True)
    _wine(environment, "wineserver64", "-p")
    _wine(environment, "wine64", "wineboot", "-i")
    _wine(environment, "wine64", "winecfg", "-v", "win10")
    _wine(environment, "wine64", "reg", "add", _SYSTEM, "/v", "PATH", "/t", "REG_EXPAND_SZ", "/d", _PATH, "/f")
    _compile_library(environment)
    _wine(environment, "wineserver64", "-k")
    _wine(environment, "wineserver64", "-w")
    for name in _NOT_WINDOWS:
        (_PREFIX / "dosdevices" / name).unlink(missing_ok=True)
    # names this server's socket; a host's own server makes its own
    (_PREFIX / "wineserver").unlink(missing_ok=True)
    # a host that finds its Wine "updated" would install it again at its first boot
    (_PREFIX / ".update-timestamp").write_text("disable\n", encoding="ascii")


def _compile_library(environment: dict[str, str]) -> None:
    """Compile the library where the hosts will have it, so that no host writes a byte beside it."""
    place = _PREFIX / "drive_c" / "Python311"
    place.mkdir()
    subprocess.run(("mount", "--bind", str(_ROOT / "python"), str(place)), check=True)
    _wine(environment, "wine64", r"C:\Python311\python.exe", "-m", "compileall", "-q", r"C:\Python311\Lib")
    subprocess.run(("umount", str(place)), check=True)
    place.rmdir()


def _wine(environment: dict[str, str], *argv: str) -> None:
    null = subprocess.DEVNULL
    # Wine's tools answer anything; what counts is what is there afterwards, which build.py looks at
    subprocess.run(argv, env=environment, stdin=null, stdout=null, stderr=null, check=False, timeout=300)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
