"""Lists the host's processes as JSON, [[id, command line]...], or ends one: processes.py [kill PID].

Neither tasklist nor taskkill: under Wine the one shows no command lines, and the other's exit codes say nothing.
"""

import ctypes
import json
import sys
from ctypes import wintypes

if sys.platform != "win32":
    raise SystemExit("this program runs on the host")

QUERY, TERMINATE = 0x0400 | 0x0010, 0x0001
#: Offsets of a 64-bit PEB and its RTL_USER_PROCESS_PARAMETERS.
PARAMETERS_IN_PEB, LINE_IN_PARAMETERS = 0x20, 0x70
MOST = 4096

kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
ntdll = ctypes.WinDLL("ntdll")
kernel32.OpenProcess.restype = wintypes.HANDLE
kernel32.OpenProcess.argtypes = (wintypes.DWORD, wintypes.BOOL, wintypes.DWORD)
kernel32.TerminateProcess.argtypes = (wintypes.HANDLE, wintypes.UINT)
kernel32.ReadProcessMemory.argtypes = (
    wintypes.HANDLE,
    ctypes.c_uint64,
    wintypes.LPVOID,
    ctypes.c_size_t,
    wintypes.LPVOID,
)
kernel32.CloseHandle.argtypes = (wintypes.HANDLE,)


def ids() -> list[int]:
    found, size = (wintypes.DWORD * MOST)(), wintypes.DWORD()
    kernel32.K32EnumProcesses(found, ctypes.sizeof(found), ctypes.byref(size))
    return list(found[: size.value // ctypes.sizeof(wintypes.DWORD)])


def command_line(process: int) -> str:
    """Read a process's own copy of its command line (Wine 8 has no ProcessCommandLineInformation)."""
    basic = (ctypes.c_uint64 * 6)()
    if ntdll.NtQueryInformationProcess(wintypes.HANDLE(process), 0, basic, ctypes.sizeof(basic), None) != 0:
        return ""
    parameters = number(process, basic[1] + PARAMETERS_IN_PEB)
    length = number(process, parameters + LINE_IN_PARAMETERS) & 0xFFFF
    text = memory(process, number(process, parameters + LINE_IN_PARAMETERS + 8), length)
    return text.decode("utf-16-le", "replace")


def number(process: int, address: int) -> int:
    return int.from_bytes(memory(process, address, 8), "little")


def memory(process: int, address: int, size: int) -> bytes:
    room = ctypes.create_string_buffer(size)
    kernel32.ReadProcessMemory(process, address, room, size, None)
    return room.raw


def listing() -> list[tuple[int, str]]:
    lines = []
    for pid in ids():
        process = kernel32.OpenProcess(QUERY, False, pid)
        if process:
            lines.append((pid, command_line(process)))
            kernel32.CloseHandle(process)
    return lines


def kill(pid: int) -> None:
    process = kernel32.OpenProcess(TERMINATE, False, pid)
    if not process or not kernel32.TerminateProcess(process, 1):
        sys.exit(f"cannot end process {pid}: error {ctypes.get_last_error()}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["kill"]:
        kill(int(sys.argv[2]))
    else:
        json.dump(listing(), sys.stdout)
