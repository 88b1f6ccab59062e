"""Compiles schtasks.exe."""

import shutil
import subprocess
from pathlib import Path

_COMPILERS = ("x86_64-w64-mingw32-gcc-win32", "x86_64-w64-mingw32-gcc")


def build(bin_dir: Path) -> Path:
    """Compile schtasks.exe into a folder with mingw and return its path; FileNotFoundError without a compiler."""
    compiler = next(filter(None, map(shutil.which, _COMPILERS)), None)
    if compiler is None:
        raise FileNotFoundError(f"none of {', '.join(_COMPILERS)}: apt install gcc-mingw-w64-x86-64-win32")
    program, source = bin_dir / "schtasks.exe", Path(__file__).with_name("schtasks.c")
    subprocess.run([compiler, "-municode", "-DUNICODE", "-O2", "-s", "-Wall", "-o", program, source], check=True)
    return program
