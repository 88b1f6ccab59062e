"""A stand-in for PowerShell on a host of the kit: a stub of the cmdlets that `doctor windows` asks, and nothing else.

It knows what a line should print, never whether the line is right: that is for the grammar, and for a real Windows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.kits.winlab import WinHost

#: Runs on the host. What is asked comes as UTF-16 in base64, as PowerShell takes it; so does what a hung drive does.
_PROGRAM: Final = r"""
import base64, os, re, sys, time
assert sys.argv[1:-1] == ["-NoProfile", "-NonInteractive", "-OutputFormat", "Text", "-EncodedCommand"], sys.argv
asked = base64.b64decode(sys.argv[-1], validate=True).decode("utf-16-le")
share = re.search(r"\$share = '((?:[^']|'')*)'", asked)[1].replace("''", "'")
names = ("COMPUTERNAME", "USERNAME", "USERDOMAIN", "USERDNSDOMAIN", "USERPROFILE", "ROOSYNC_SHARED_PATH")
if "$env:COMPUTERNAME" in asked:
    said = "|".join(os.environ.get(name, "") for name in names)
elif "Test-Path -LiteralPath $share" in asked:
    said = "%s\r\nC G" % os.path.exists(share)
elif "Get-Acl" in asked:
    time.sleep(600)
elif "where.exe" in asked:
    said = os.environ["USERPROFILE"] + r"\AppData\Local\Microsoft\WindowsApps\py.exe"
elif "NTAccount" in asked:
    said = "VORDEFINIERT\\Administratoren\r\nMatch Group administrators"
else:
    said = "%s on %s as %s at 192.0.2.20" % (share, os.environ["COMPUTERNAME"], "S-1-5-21-1-2-3-1001")
sys.stdout.buffer.write((said + "\r\n\r\n").encode("utf-8"))
"""


def install(host: WinHost) -> None:
    """Put the stub where the host's PATH has it first."""
    windows = host.prefix / "drive_c" / "windows"
    (windows / "powershell.py").write_text(_PROGRAM, encoding="utf-8")
    line = "@C:\\winlab\\python\\python.exe -I -S C:\\windows\\powershell.py %*\r\n"
    (windows / "powershell.bat").write_bytes(line.encode())
