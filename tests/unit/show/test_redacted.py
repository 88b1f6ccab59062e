"""What is attached to a report in public tells nobody's name, address or account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.show.redacted import redacted

if TYPE_CHECKING:
    import ipaddress
    from collections.abc import Callable


@given(st.ip_addresses(v=4).map(str), st.sampled_from(["{}", "from {} port 22", "({})", "[{}]:22", "{}/24", "{},"]))
def test_no_ipv4_address_is_left_but_what_is_a_version(address: str, around: str) -> None:
    told = redacted(around.format(address), [])
    assert address not in told or address.startswith("10.0.") or address[0] in "456789"


@given(st.ip_addresses(v=6).filter(int), st.sampled_from([str, lambda address: address.exploded]))
def test_no_ipv6_address_is_left(
    address: ipaddress.IPv6Address, written: Callable[[ipaddress.IPv6Address], str]
) -> None:
    assert written(address) not in redacted(f"from {written(address)} port 22", [])


@given(st.text(st.characters(categories=["Lu", "Ll"]), min_size=2, max_size=20))
def test_no_name_that_was_told_is_left_in_either_case(name: str) -> None:
    told = redacted(f"{name}@x {name.upper()}\\y C:\\{name.lower()}", [name])
    if name.lower() not in ("administrator", "system", "users", "public", "default", "workgroup", "localhost"):
        assert f"{name}@" not in told
        assert f"C:\\{name.lower()}" not in told or name.lower().upper() != name.upper()


@pytest.mark.parametrize(
    "kept",
    [
        "10.0.17763.0",
        "9.5.4.1",
        "7.7.2.2",
        "O:SYG:SYD:PAI(A;OICI;FA;;;BA)",
        "S-1-16-12288",
        "S-1-5-32-544",
        "PT1M",
        "2026-02-12T10:15:30",
        "True C G",
        "Match Group administrators",
    ],
)
def test_what_decides_is_left(kept: str) -> None:
    assert redacted(kept, ["C", "host.local", "192.0.2.1", r"C:\Users\me"]) == kept


def test_the_share_is_left_out_whatever_its_slashes_and_case() -> None:
    told = redacted(r"g:\MON DRIVE/.Shared-State\heartbeats", [], ["G:/Mon Drive/.shared-state/", ""])
    assert told == r"<share>\heartbeats"
