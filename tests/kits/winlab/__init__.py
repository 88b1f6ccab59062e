"""winlab: Windows-like hosts on this machine: real Windows CPython under Wine behind real OpenSSH, each a machine.

    with WinFleet([WinHostSpec("MYIA-PO-2024"), WinHostSpec("MyIA-Web1", drive=False)]) as fleet:
        fleet["MYIA-PO-2024"].ssh("ver")
        fleet["MYIA-PO-2024"].restart()

Root only; `why_not()` says why a fleet cannot run here. See tests/kits/README.md for what is not real Windows.
"""

from tests.kits.hosts import CommandError, HostDownError

from .fleet import WinFleet
from .host import WinHost
from .requirements import why_not
from .spec import WinHostSpec

__all__ = ["CommandError", "HostDownError", "WinFleet", "WinHost", "WinHostSpec", "why_not"]
