"""`roosync-ops doctor windows`: its lines are PowerShell, its report tells nobody's name, silence is told as that."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from roosync_ops.bootstrap import checklist
from roosync_ops.gather import asking
from roosync_ops.transport import windows_link
from roosync_ops.transport.link import Failure

from .powershell_script import defects

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .conftest import Done

    Run = Callable[..., Done]

README = Path(__file__).parents[3] / "roosync_ops" / "agent" / "README.md"
SHARE = "G:/Mon Drive/Élodie's/.shared-state"
NAMES = r"MYIA-PO-2024|Élodie Dupont|MYIA-PO-2024||C:\Users\Élodie Dupont|" + "\r\n"
INVENTORY = f"""\
from roosync_ops.fleet import machine

enroll = [
    machine("myia-po-2024", system="windows", user="edupont", host="myia-po-2024.lan.example", shared={SHARE!r}),
    machine("myia-web1", host="192.0.2.7"),
]
"""
ASKED = [line for line in checklist.lines() if line.over_ssh]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Have a machine answer what it is told to; return what it is asked."""
    (tmp_path / "inventory.py").write_text(INVENTORY, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    asked: list[str] = []

    def answering(answers: Sequence[str | None], failure: Failure | None = None) -> list[str]:
        def put(_machine: object, scripts: Sequence[str], _connect_s: float) -> tuple[list[str | None], Failure | None]:
            asked.extend(scripts)
            return list(answers), failure

        monkeypatch.setattr(asking, "powershell", put)
        return asked

    return answering


def answers(*texts: str) -> list[str | None]:
    rest = ["True"] * (len(ASKED) - len(texts))
    return [NAMES, *texts, *rest]


@pytest.mark.parametrize(
    "line", [*(line.text for line in checklist.lines() if line.places != ("hands",)), checklist.NAMES]
)
def test_every_line_is_powershell_as_it_is_pasted_and_as_it_is_sent(line: str) -> None:
    assert defects(line) == []
    assert "\n" not in line
    sent = checklist.script(line, SHARE)
    assert defects(sent) == []
    encoded = 4 * (2 * len(sent) + 2) // 3
    assert encoded < windows_link.MAX_LINE - 200


def test_every_line_says_what_it_should_print_and_what_that_decides() -> None:
    assert all(line.prints and line.decides for line in checklist.lines())


def test_it_is_at_most_twenty_lines_in_the_agent_s_readme_and_nobody_has_answered_one() -> None:
    text = README.read_text(encoding="utf-8")
    _, _, rest = text.partition("```powershell\n")
    pasted, _, told = rest.partition("\n```\n")
    numbers = [line.number for line in checklist.lines()]
    assert len(pasted.splitlines()) == 1 + len(numbers) <= 20
    assert defects(pasted) == []
    assert numbers == list(range(1, len(numbers) + 1))
    assert told.count("\n| ") == 1 + len(numbers)
    assert {place for line in checklist.lines() for place in line.places} == {"ssh", "ordinary", "elevated", "hands"}
    assert "None of this has been answered yet" in text
    front = README.parents[2] / "README.md"
    assert "None of it has met a real Windows yet" in front.read_text(encoding="utf-8")


def test_the_report_has_every_answer_and_nobody_s_name(run: Run, put: Callable[..., list[str]]) -> None:
    asked = put(
        answers(
            "10.0.26100.0\r\n9.5.4.1",
            "élodie dupont@MYIA-PO-2024 from 192.168.1.20 and fe80::1ff:fe23:4567:890a%12, edupont, Elodie@example.org",
            "O:S-1-5-21-1-2-3-1001D:PAI(A;;FA;;;SY)(A;;FA;;;S-1-12-1-4-5-6-7)",
            r"C:\Users\Somebody Else\AppData\Local g:\mon drive\élodie's\.SHARED-STATE\heartbeats \\nas.lan\x",
            "<b>```\x1b[2J",
        )
    )
    done = run("doctor", "windows", "myia-po-2024")
    assert done.code == 0, done.err
    assert len(asked) == 1 + len(ASKED)
    report = Path("doctor-windows.md").read_text(encoding="utf-8")
    lower = report.lower()
    for private in ("élodie", "myia", "192.168", "fe80", "edupont", "example.org", "s-1-5-21", "s-1-12", "somebody"):
        assert private not in lower, private
    assert "mon drive" not in lower
    assert "nas.lan" not in lower
    assert "10.0.26100.0" in report
    assert "9.5.4.1" in report
    assert r"C:\Users\<user>\AppData\Local <share>\heartbeats" in report
    assert "\x1b" not in report + done.out
    assert all(line.decides in report for line in checklist.lines())


def test_what_only_a_person_there_can_do_is_printed(run: Run, put: Callable[..., list[str]]) -> None:
    put(answers())
    _, _, left = run("doctor", "windows", "myia-po-2024").out.partition("Left to a person")
    assert all(line.text in left for line in checklist.lines() if line.places != ("ssh",))


def test_a_line_that_hangs_is_told_and_is_1(run: Run, put: Callable[..., list[str]]) -> None:
    put([*answers()[:-1], None])
    done = run("doctor", "windows", "myia-po-2024", "--json")
    assert done.code == 1
    assert done.document["ok"] is False
    told = [line["answer"] for line in done.document["lines"] if line["overSsh"]]
    assert told == ["True"] * (len(ASKED) - 1) + [None]


@pytest.mark.parametrize("first", ["", None, "MYIA-PO-2024|x"])
def test_a_machine_that_does_not_say_its_names_gets_no_report(
    run: Run, put: Callable[..., list[str]], first: str | None
) -> None:
    put([first, *answers()[1:]])
    assert run("doctor", "windows", "myia-po-2024").code == 3
    assert not Path("doctor-windows.md").exists()


def test_a_machine_that_is_not_reached_is_3_with_the_reason(run: Run, put: Callable[..., list[str]]) -> None:
    put([], Failure("connect", "LOGIN_REFUSED", "it refused the login", "roosync-ops diagnose myia-po-2024"))
    done = run("doctor", "windows", "myia-po-2024")
    assert done.code == 3
    assert "it refused the login" in done.err
    assert "roosync-ops diagnose myia-po-2024" in done.err


@pytest.mark.parametrize("name", ["myia-web1", "nobody"])
def test_what_is_no_windows_machine_of_the_inventory_is_usage(
    run: Run, put: Callable[..., list[str]], name: str
) -> None:
    asked = put(answers())
    assert run("doctor", "windows", name).code == 2
    assert asked == []


def test_a_report_that_cannot_be_written_is_usage(run: Run, put: Callable[..., list[str]]) -> None:
    put(answers())
    done = run("doctor", "windows", "myia-po-2024", "--output", "missing/doctor.md")
    assert done.code == 2
    assert "missing/doctor.md: cannot be written" in done.err
