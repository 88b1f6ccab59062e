"""nslab: a fleet of real systemd hosts on this machine (Debian, systemd-nspawn, real OpenSSH).

    with Fleet([HostSpec("myia-web1"), HostSpec("myia-po-2023", suite="trixie")]) as fleet:
        fleet["myia-web1"].ssh("systemctl is-system-running")
        fleet["myia-web1"].power_cut()

Root only; `why_not()` says why a fleet cannot run here. See tests/kits/README.md.
"""

from tests.kits.hosts import HostDownError

from .base import SUITES, build, build_all
from .fleet import Fleet
from .host import Host, HostSpec
from .requirements import why_not
from .share import SHARED

__all__ = ["SHARED", "SUITES", "Fleet", "Host", "HostDownError", "HostSpec", "build", "build_all", "why_not"]
