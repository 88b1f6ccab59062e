"""Keeps a file open with a given share mode until standard input ends, as Drive, a virus scanner or an editor does.

hold.py PATH SHARE      SHARE: the sum of 1 (others may read), 2 (write) and 4 (delete and replace)
"""

import ctypes
import sys
from ctypes import wintypes

if sys.platform != "win32":
    raise SystemExit("this program runs on the host")

GENERIC_READ = 0x80000000
OPEN_EXISTING = 3
INVALID = wintypes.HANDLE(-1).value

kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
kernel32.CreateFileW.restype = wintypes.HANDLE

handle = kernel32.CreateFileW(sys.argv[1], GENERIC_READ, int(sys.argv[2]), None, OPEN_EXISTING, 0, None)
if handle == INVALID:
    sys.exit(f"cannot hold {sys.argv[1]}: error {ctypes.get_last_error()}")
sys.stdout.write("held\n")
sys.stdout.flush()
sys.stdin.read()
