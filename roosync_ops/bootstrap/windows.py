"""The PowerShell script that makes a bare Windows machine reachable over SSH.

It has never been run on real Windows: it parses under a PowerShell grammar, and that is what is known.
"""

import base64
import ipaddress
import re
from collections.abc import Sequence
from importlib import resources
from typing import Final, Literal

from roosync_ops import __version__
from roosync_ops.errors import CommandError, usage

from .keys import PublicKey

#: Which file sshd looks for the key in; `auto` decides on the machine, by whether the account is an administrator.
Kind = Literal["auto", "administrator", "standard"]

#: The firewall's own word for the networks that the machine is in itself.
LOCAL_SUBNET: Final = "LocalSubnet"
_SLOT: Final = re.compile(r"@@([A-Z]+)@@")
_ASCII: Final = re.compile(r"[ -~]*")


def script(key: PublicKey, *, port: int = 22, lan: Sequence[str] = (), account: str = "", kind: Kind = "auto") -> str:
    """Return the script, in ASCII whatever its values hold. `lan` are CIDRs, none means the machine's own subnets.

    Raises CommandError.
    """
    values = {
        "VERSION": __version__,
        "KEY": literal(str(key)),
        "ACCOUNT": literal(account),
        "KIND": literal(kind),
        "PORT": str(int(port)),
        "LAN": ", ".join(literal(addresses(each)) for each in lan) or literal(LOCAL_SUBNET),
    }
    template = resources.files(__package__).joinpath("windows.ps1").read_text(encoding="ascii")
    # In one pass, so that a value which looks like a slot stays what it is.
    return _SLOT.sub(lambda slot: values[slot[1]], template)


def literal(text: str) -> str:
    """Return `text` as a PowerShell expression that nothing in it can break out of.

    Within single quotes nothing is special but the quote, which is doubled; PowerShell takes typographic quotes for
    quotes too, so that what is not plain ASCII travels as base64.
    """
    if _ASCII.fullmatch(text):
        doubled = text.replace("'", "''")
        return f"'{doubled}'"
    encoded = base64.b64encode(text.encode()).decode()
    return f"([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('{encoded}')))"


def addresses(cidr: str) -> str:
    """Return a range as Windows' firewall tells it back (IPv4 with a mask), so that a second run finds it unchanged.

    Raises CommandError for what is no range, for one with host bits set, and for one that is every address there is.
    """
    try:
        network = ipaddress.ip_network(cidr)
    except ValueError as error:
        raise _no_lan(f"{cidr!r} is no range of addresses: {error}") from None
    if "%" in cidr:
        raise _no_lan(f"{cidr!r} names an interface of this machine, which the other does not have")
    if network.prefixlen == 0:
        raise _no_lan(f"{cidr!r} is every address there is, not a local network")
    if network.prefixlen == network.max_prefixlen:
        return str(network.network_address)
    return network.with_netmask if isinstance(network, ipaddress.IPv4Network) else str(network)


def _no_lan(reason: str) -> CommandError:
    return usage(reason, "roosync-ops bootstrap windows --lan 192.168.1.0/24")
