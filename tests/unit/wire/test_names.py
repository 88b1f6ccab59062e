"""No name in the share is more than it is: a machine, a conflict copy about one, or nothing of ours."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from roosync_ops.wire.identity import InvalidMachineIdError, check_machine_id, is_machine_id, machine_id_of
from roosync_ops.wire.merge import CONFLICT, FILE
from roosync_ops.wire.names import file_of, machine_of, owner_of

ids = st.from_regex(r"[a-z0-9-]{1,63}", fullmatch=True).filter(is_machine_id)


@given(ids)
def test_a_machines_own_file_is_its_own(machine_id: str) -> None:
    assert owner_of(f"{machine_id}.json") == (machine_id, FILE)
    assert owner_of(f"{machine_id.upper()}.json") == (machine_id, FILE)


@pytest.mark.parametrize(
    "name",
    [
        "myia-web1 (1).json",
        "MyIA-Web1 (2).json",
        "myia-web1 (MYIA-PO-2024's conflicted copy 2026-02-12).json",
        "myia-web1.sync-conflict-20260212-101530-ABCDEFG.json",
        "myia-web1 - Copy.json",
        "myia-web1 - Copie (2).json",
        "Copy of myia-web1.json",
        "Copie de myia-web1.json",
        "Kopie von myia-web1.json",
        "Kopie van myia-web1.json",
        "Copia de myia-web1.json",
        "Copia di myia-web1 (2).json",
        "C\u00f3pia de myia-web1.json",
        "Co\u0301pia de myia-web1.json",
        "Copy (2) of myia-web1.json",
        "Copy of Copy of myia-web1.json",
        "myia-web1 - Kopie.json",
        "myia-web1 - kopia (2).json",
        "myia-web1 - Kopi.json",
        "myia-web1 - copia (3).json",
        "myia-web1 - C\u00f3pia.json",
        "myia-web1 copy 2.json",
        "myia-web1 kopie.json",
        "myia-web1 (Copie en conflit de MYIA-PO-2024 2026-02-12).json",
        "myia-web1 (In Konflikt stehende Kopie von B\u00fcro 2026-02-12).json",
        "myia-web1 (In Konflikt stehende Kopie von Bu\u0308ro 2026-02-12).json",
        "myia-web1 (copia en conflicto de PC 2026-02-12).json",
        "myia-web1 (copia in conflitto di PC 2026-02-12).json",
        "myia-web1 (C\u00f3pia em conflito de PC 2026-02-12).json",
        "myia-web1 (conflicterende kopie van PC 2026-02-12).json",
        "myia-web1 (conflicted copy 2026-02-12 101530).json",
        "myia-web1 (PC (2)'s conflicted copy).json",
        "myia-web1_conflict-20260212-101530.json",
        "myia-web1(1).json",
        "myia-web1.json (1)",
        "myia-web1.json(1)",
        "myia-web1 2.json",
        "myia-web1.json - Copy",
        "myia-web1.json (PC's conflicted copy 2026-02-12)",
        "Kopie von myia-web1(1).json",
    ],
)
def test_a_conflict_copy_tells_of_its_machine_and_is_none(name: str) -> None:
    assert owner_of(name) == ("myia-web1", CONFLICT)


def test_what_a_machine_said_as_it_left_tells_of_it_and_is_no_file_of_its_own() -> None:
    assert owner_of("MyIA-web1.left") == ("myia-web1", CONFLICT)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".left",
        "con.left",
        "../evil.left",
        "myia-web1 (1).left",
        ".json",
        ".myia-web1.json",
        "myia-web1.json.tmp",
        "myia-web1.tmp",
        "a.b.json",
        "con.json",
        "NUL.json",
        "com1.json",
        "../evil.json",
        "a/b.json",
        "é.json",
        "\N{KELVIN SIGN}.json",  # whose lower case is an ASCII k
        "myia_web1.json",
        "a" * 64 + ".json",
        "heartbeat.json.bak",
    ],
)
def test_what_names_no_machine_is_nobodys(name: str) -> None:
    assert owner_of(name) is None


@given(st.text(max_size=80))
def test_whatever_the_name_the_owner_is_a_machine_id(name: str) -> None:
    owner = owner_of(name)
    assert owner is None or is_machine_id(owner[0])


@given(st.text(max_size=80))
def test_no_host_name_makes_a_path(hostname: str) -> None:
    try:
        machine_id = machine_id_of(hostname)
    except InvalidMachineIdError:
        return
    assert not set(machine_id) & set("./\\: \0")
    assert machine_id == check_machine_id(machine_id)


def test_the_machine_id_is_the_first_label_in_lower_case() -> None:
    assert machine_id_of("MyIA-Web1.local") == "myia-web1"


_PARTS = [" (a)", "(1)", " 2", ".json", " - Copy", " copy", "_conflict-1", "x", "(", ")", "a", " ("]


@example(["a", *["_conflict-1"] * 22, "!"])
@given(
    st.lists(
        st.sampled_from([" (a)", "(1)", " 2", ".json", " - Copy", " copy", "_conflict-1", "x", "(", ")", "a", " ("]),
        max_size=60,
    )
)
def test_no_name_takes_long_to_read(parts: list[str]) -> None:
    """A pattern with two readings of one name would take years for a long one."""
    began = time.perf_counter()
    owner_of(f"myia-web1{''.join(parts)}!.json")
    assert time.perf_counter() - began < 1.0


@pytest.mark.parametrize(
    ("file", "machine_id"),
    [
        (file_of("myia-web1"), "myia-web1"),
        ("heartbeats/MyIA-Web1 (1).json", "myia-web1"),
        ("heartbeats (1)/myia-web1.json", "myia-web1"),
        ("../.shared-state (1)/heartbeats/myia-web1.left", "myia-web1"),
        ("heartbeat.json", None),
        ("presence/myia-web1.json", None),
        ("heartbeats", None),
        ("", None),
    ],
)
def test_a_finding_is_about_the_machine_whose_own_file_or_copy_it_names(file: str, machine_id: str | None) -> None:
    assert machine_of(file) == machine_id
