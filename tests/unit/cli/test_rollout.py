"""What a rollout says of how long what it did will last."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from roosync_ops import show
from roosync_ops.agent.trial import WHY
from roosync_ops.cli import acting, output, ramp, report, rollout
from roosync_ops.cli.journal import RunLog
from roosync_ops.fleet import Machine
from roosync_ops.pyinfra_ops.ledger import ROLLED_BACK, WAITS
from roosync_ops.pyinfra_ops.plan import Difference
from roosync_ops.pyinfra_ops.run import Event, Result
from roosync_ops.show.messages import translated
from roosync_ops.show.report import report_markdown
from roosync_ops.show.text import Style
from roosync_ops.state.shared import SharedState, StateUnavailableError
from roosync_ops.transport.link import Failure
from roosync_ops.wire.merge import Evidence
from roosync_ops.wire.record import parse
from roosync_ops.wire.times import to_iso

PC, SERVER = Machine(machine_id="pc", system="windows"), Machine(machine_id="server")
BOUND = "survives a reboot once its user has logged on"
AT_NIGHT = "Use my sign-in info to automatically finish setting up after an update"


def test_beyond_forty_machines_those_alone_have_a_line_that_something_is_to_be_said_of(
    capsys: pytest.CaptureFixture[str],
) -> None:
    good = [Result(f"m{number}", {"push": "changed"}) for number in range(40)]
    bad = Result("bad", failure=Failure("proved", ROLLED_BACK, "its loop ended", "roosync-ops diagnose bad"))
    acting.tell(good)
    assert len(capsys.readouterr().out.splitlines()) == 42
    acting.tell([*good, bad])
    said = capsys.readouterr().out
    assert "its loop ended" in said
    assert "41 machines: 40 done, 1 rolled back" in said
    assert len(said.splitlines()) == 4
    output.speak("fr")
    acting.tell([*good, bad])
    assert "41 machines : 40 fait, 1 annulé" in capsys.readouterr().out


def test_a_dry_run_shows_what_would_differ_and_who_would_come_when(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        Result(name, {"push": "planned"}, differences=(Difference("build", "a", "b"),)) for name in ("pc", "server")
    ]
    acting.tell(rows, dry=True)
    assert capsys.readouterr().out.count("build a -> b") == 2
    steps = ramp.Ramp(chosen=(PC, SERVER), act=lambda _, __: (), note=lambda _: None, by=ramp.Batches(batch="1"))
    assert steps.plan(rows) == [(PC,), (SERVER,)]
    assert "Batches: pc; server" in capsys.readouterr().err


class _Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("tty", [True, False])
def test_whoever_is_done_has_a_line_at_once_with_or_without_a_terminal(
    monkeypatch: pytest.MonkeyPatch, *, tty: bool
) -> None:
    stream = _Tty() if tty else io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    off = Failure("connect", "X", "off", "")
    rows = (Result("pc", {"push": "changed"}), Result("server", failure=off), Result("w", skipped=WAITS))

    def run(*_: Any, tell: Any, **__: Any) -> tuple[Result, ...]:
        tell(Event("pc"))
        tell(Event("pc"))  # by pyinfra, once more
        for row in rows:
            tell(row)
        return rows

    monkeypatch.setattr(acting, "run", run)
    monkeypatch.setattr(acting, "look", lambda *_, **__: None)
    usual = acting.Run(how=acting.How(), log=RunLog("rollout", (), wanted=False))
    usual.act("ramp", (PC, SERVER))
    said = stream.getvalue().replace("\r\x1b[2K", "|").replace("\n", "|")
    assert [line for line in said.split("|") if line and "looked at" not in line] == [
        "pc done: push",
        "server unreachable: off",
    ]
    assert stream.getvalue().endswith("\n")
    assert ("1/2 machines looked at" in said, "2/2 machines looked at" in said) == (tty, False)
    for quiet in (replace(usual, how=acting.How(dry=True)), replace(usual, total=41)):
        stream.truncate(0)
        quiet.act("rollout", (PC, SERVER))
        assert "done" not in stream.getvalue()
    stream.truncate(0)
    usual.act("prove", (PC, SERVER))
    assert "done" not in stream.getvalue()


@pytest.mark.parametrize(
    ("agent", "age_s", "word"),
    [
        pytest.param({"buildId": "new"}, 1, None, id="beats as the new one"),
        pytest.param({"buildId": "old"}, 1, "online as build old, not new", id="another build"),
        pytest.param({"buildId": "new"}, 999, "offline as build new", id="beats no more"),
        pytest.param(None, 0, "unknown as build -", id="never seen"),
    ],
)
def test_the_shared_state_shows_the_new_build_only_by_a_beat_of_it(
    agent: dict[str, Any] | None, age_s: int, word: str | None
) -> None:
    now, records = 1_700_000_000_000, {}
    if agent is not None:
        data = {"machineId": "pc", "lastHeartbeat": to_iso(now - age_s * 1000), "agent": agent}
        records["pc"] = Evidence(parse(data, "pc")[0], "file", "pc.json")
    state = SharedState("/share", now, records, (), None, "missing", len(records))
    found = rollout._unseen(lambda: state, [(PC, "new")])  # type: ignore[arg-type] # what it is called for
    assert (word in found["pc"]) if word else found == {}


def test_a_shared_state_that_cannot_be_read_shows_nobody() -> None:
    def unavailable() -> SharedState:
        raise StateUnavailableError("it hangs", "wait")

    found = rollout._unseen(unavailable, [(PC, None)])  # type: ignore[arg-type] # as above
    assert "it hangs" in found["pc"]


def test_a_rollout_is_junit_too_with_whoever_was_not_reached() -> None:
    rows = (Result("pc", {"push": "changed"}), Result("server", failure=Failure("connect", "TIMEOUT", "<off>", "x")))
    document = rollout._document(rows, None, ok=False, dry=False, lang="en")
    suite = ET.fromstring(show.junit(None, rollout=report.report_of(document).rollout))[0]  # noqa: S314 - our own
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [failure.get("type") for failure in suite.iter("failure")] == ["unreachable"]


def test_every_outcome_has_its_word_in_a_report_too() -> None:
    back = Result("pc", failure=Failure("proved", ROLLED_BACK, "its loop ended", ""))
    document = rollout._document((back,), None, ok=False, dry=False, lang="fr")
    assert "annulé" in report_markdown(report.report_of(document), Style("fr"))


@pytest.mark.parametrize("code", WHY)
def test_why_a_build_was_left_again_is_told_in_the_language_that_was_asked_for(
    capsys: pytest.CaptureFixture[str], code: str
) -> None:
    reason = f"back on the build before: {WHY[code].format(*range(10))}"
    back = Result("pc", failure=Failure("proved", ROLLED_BACK, reason, ""))
    french = translated(reason, "fr")
    assert french.startswith("de retour à la version précédente : ")
    assert not set(WHY[code].split()) & {"its", "it", "beat"} & set(french.split())
    for lang, told in (("en", reason), ("fr", french)):
        output.speak(lang)
        acting.tell([back])
        assert told in " ".join(capsys.readouterr().out.split())
        assert acting.document(back, lang)["reason"].endswith(told)


def test_a_reason_that_no_catalogue_has_is_told_as_it_was_said() -> None:
    back = Result("pc", failure=Failure("proved", ROLLED_BACK, "as it was said", ""))
    assert acting.document(back, "fr")["reason"] == "proved: as it was said"


@pytest.mark.parametrize(
    ("result", "dry", "told"),
    [
        pytest.param(Result("pc"), False, True, id="a Windows machine"),
        pytest.param(Result("server"), False, False, id="systemd needs nobody"),
        pytest.param(Result("pc"), True, False, id="nothing was done"),
        pytest.param(Result("pc", failure=Failure("connect", "SILENT", "off", "")), False, False, id="not there"),
    ],
)
def test_permanence_bound_to_a_logon_is_told_after_a_rollout_with_what_helps_at_night(
    capsys: pytest.CaptureFixture[str], result: Result, *, dry: bool, told: bool
) -> None:
    rollout._tell((result,), (PC, SERVER), dry=dry)
    said = " ".join(capsys.readouterr().out.split())
    assert (BOUND in said, AT_NIGHT in said) == (told, told)
