"""The kit's own programs for the hosts, from source/, inside/ and tasks/, by their hash: one layer of a disk."""

import hashlib
import shutil
from pathlib import Path

from tests.kits.hosts import sh

from .cache import forget_all_but, obtain

_HERE = Path(__file__).parent
SOURCES = _HERE / "source"
#: The stand-in for the task service; every .c in it becomes a program of system32.
TASKS = _HERE / "tasks"
_INSIDE = _HERE / "inside"
_COMPILER = ("x86_64-w64-mingw32-gcc-win32", "-municode", "-DUNICODE", "-O2", "-s", "-Wall", "-Wextra")
_RESOURCES = "x86_64-w64-mingw32-windres"
#: What of inside/ runs on the hosts' Windows Python; the rest runs beside it.
_WINDOWS = ("sftp.py", "hold.py", "processes.py", "packaged.py")


def compile_launchers(folder: Path) -> None:
    """Make python.exe and pythonw.exe in `folder`, beside python311.dll."""
    manifest = folder / "manifest.res"
    # windres reads the manifest's name relative to where it runs
    sh(_RESOURCES, "python.rc", "-O", "coff", "-o", str(manifest), cwd=SOURCES)
    for name, options in (("python", ()), ("pythonw", ("-mwindows", "-DWINDOWED"))):
        _compile(SOURCES / "launcher.c", folder / f"{name}.exe", *options, str(manifest), "-lshell32")
    manifest.unlink()


def build() -> Path:
    """Return the layer with the kit's programs, making it (about 2 s) where these sources have none."""
    folder = obtain(f"tools-{_hash()}", _build_in)
    forget_all_but(folder, "tools-*[0-9a-f]")
    return folder


def has_tasks() -> bool:
    return (TASKS / "taskd.py").is_file()


def _build_in(layer: Path) -> None:
    drive = layer / "drive_c"
    ours, system = drive / "winlab", drive / "windows" / "system32"
    for folder in (ours / "codes", ours / "tasks" / "state", system):
        folder.mkdir(parents=True)
    for name in _WINDOWS:
        shutil.copy(_INSIDE / name, ours)
    _compile(SOURCES / "shell.c", ours / "shell.exe")
    _compile(SOURCES / "py.c", ours / "py.exe")
    if has_tasks():
        shutil.copytree(TASKS, ours / "tasks", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__", "*.c"))
        for source in TASKS.glob("*.c"):
            _compile(source, system / f"{source.stem}.exe")


def _compile(source: Path, target: Path, *more: str) -> None:
    # what links comes after what needs it
    sh(*_COMPILER, "-o", str(target), str(source), *more)


def _hash() -> str:
    files = [path for folder in (SOURCES, TASKS) if folder.is_dir() for path in folder.rglob("*") if path.is_file()]
    files += [_INSIDE / name for name in _WINDOWS] + [Path(__file__)]
    parts = [
        f"{path.relative_to(_HERE)}".encode() + path.read_bytes() for path in sorted(files) if path.suffix != ".pyc"
    ]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
