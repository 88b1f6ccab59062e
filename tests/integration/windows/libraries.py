"""Two libraries that programs for Windows expect and do not find: one that Wine 8 lacks, one the kit's CPython."""

import subprocess
from pathlib import Path

from tests.kits.hosts import PATIENCE_S

_COMPILER = ("x86_64-w64-mingw32-gcc-win32", "-shared", "-O2", "-s", "-o")
_RANDOM = """
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG); /* RtlGenRandom */
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) { return SystemFunction036(data, (ULONG)size); }
"""


def random_numbers(folder: Path) -> Path:
    """Make bcryptprimitives.dll, from which programs written in Rust take random numbers."""
    (folder / "random.c").write_text(_RANDOM)
    _compile(folder, "bcryptprimitives.dll", "random.c", "-ladvapi32")
    return folder / "bcryptprimitives.dll"


def stable_interface(folder: Path, python311: Path) -> Path:
    """Make python3.dll, which passes every call on to python311.dll: extension modules of any CPython 3 want it."""
    dump = ("x86_64-w64-mingw32-objdump", "-p", str(python311))
    listing = subprocess.run(dump, check=True, capture_output=True, text=True, timeout=PATIENCE_S).stdout
    exported = listing.partition("[Ordinal/Name Pointer] Table")[2].split("\n\n")[0].split()
    passed_on = (f"  {name} = python311.{name}\n" for name in exported if name.startswith(("Py", "_Py")))
    (folder / "python3.def").write_text("LIBRARY python3.dll\nEXPORTS\n" + "".join(passed_on))
    (folder / "nothing.c").write_text("int nothing;\n")
    _compile(folder, "python3.dll", "nothing.c", "python3.def", "-nostdlib", "-Wl,--entry=0")
    return folder / "python3.dll"


def _compile(folder: Path, *words: str) -> None:
    subprocess.run((*_COMPILER, *words), check=True, timeout=PATIENCE_S, cwd=folder)
