"""`roosync-ops report` as it is typed: what it says, where it writes, and our one comment in an issue."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from roosync_ops.admin import comment
from roosync_ops.judge.flip import FlipRow
from roosync_ops.show import schemas
from roosync_ops.watch.memory import WatchMemory
from roosync_ops.wire.times import now_ms
from tests.kits.github import GitHub
from tests.kits.github import comment as comment_of
from tests.kits.shares import ours, put

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Done

REPORT = ("report", "--shared", "shared", "--memory", "kept")
POST = (*REPORT, "--post", "o/r#460")
MARK = "<!-- roosync-ops report: run "


@pytest.fixture
def github(place: Path, monkeypatch: pytest.MonkeyPatch) -> GitHub:
    found = GitHub(place / "github")
    found.install(monkeypatch)
    monkeypatch.setattr(comment, "_LOOKS_AFTER_S", (0.0, 0.0))
    return found


def _rollout(**changes: Any) -> dict[str, Any]:
    machine = {
        "machineId": "a",
        "outcome": "changed",
        "ok": True,
        "steps": [{"step": "push", "outcome": "changed"}, {"step": "register", "outcome": "unchanged"}],
        "code": None,
        "reason": None,
        "hint": None,
        "checks": None,
    }
    return {"ok": True, "dry": False, "machines": [machine | changes], "validation": None}


def test_a_validation_is_the_procedures_table_with_its_objective(
    run: Callable[..., Done], beat: Callable[..., None]
) -> None:
    beat("a")
    done = run(*REPORT, "--lang", "fr")
    assert done.code == 0
    assert "| Machine | Status Attendu | Heartbeat Actif |" in done.out
    assert "**Objectif :** 1/2 machines online (50%)" in done.out
    assert "**Observé :** 1/2 machines online (50%) ✅" in done.out


def test_what_is_not_as_expected_is_told_with_the_commands_to_type(run: Callable[..., Done]) -> None:
    done = run(*REPORT)
    assert done.code == 1
    assert "### Not as expected, and why\n\n- a was never seen" in done.out
    assert (
        "```sh\nroosync-ops rollout --limit a --shared shared\nroosync-ops diagnose a --shared shared\n```" in done.out
    )


def test_the_flips_a_watcher_told_are_what_changed(place: Path, run: Callable[..., Done]) -> None:
    put(place / "shared", ours("a", 1_000, now_ms(), sequence=1))
    assert "roosync-ops schedule --install" in run(*REPORT).out  # nobody watches: that nothing is told means nothing
    memory = WatchMemory(place / "kept", str(place / "shared"))
    memory.step(lambda flips: flips.step([FlipRow("a", "online", now_ms(), 1)], now_ms()))
    put(place / "shared", ours("a", 1_000, now_ms(), sequence=2, state="left", leftAt="2100-01-01T00:00:00.000Z"))
    run("watch", "--shared", "shared", "--memory", "kept", "--for", "0")
    done = run(*REPORT)
    assert "a: online -&gt; left: stopped on purpose" in done.out
    assert "schedule" not in done.out


def test_the_document_is_what_the_schema_says(run: Callable[..., Done]) -> None:
    document = run(*REPORT, "--json").document
    schemas.of("report").validate_python(document)
    assert document["next"] == [
        "roosync-ops rollout --limit a --shared shared",
        "roosync-ops diagnose a --shared shared",
    ]
    assert run("report", "--schema").code == 0


def test_a_rollouts_own_document_becomes_a_report(place: Path, run: Callable[..., Done]) -> None:
    rolled = _rollout() | {"validation": run("validate", "--shared", "shared", "--json", "--lang", "fr").document}
    (place / "rollout.json").write_text(json.dumps(rolled))
    done = run("report", "--rollout", "rollout.json", "--lang", "fr")
    assert done.code == 1  # the table says so
    assert "### Ce qui a changé\n\n- a : fait (push)" in done.out
    assert "a n'a jamais été vue" in done.out
    schemas.of("report").validate_python(run("report", "--rollout", "rollout.json", "--json").document)
    suites = ET.fromstring(run("report", "--rollout", "rollout.json", "--format", "junit").out)  # noqa: S314 - our own
    assert [(suite.get("name"), suite.get("failures")) for suite in suites] == [
        ("roosync-ops rollout", "0"),
        ("roosync-ops validate", "1"),
    ]


def test_what_failed_in_a_rollout_is_told_with_its_hint(place: Path, run: Callable[..., Done]) -> None:
    bad = _rollout(ok=False, outcome="failed", code="X", reason="start: `no` @you", hint="roosync-ops diagnose a")
    (place / "rollout.json").write_text(json.dumps(bad | {"ok": False}))
    done = run("report", "--rollout", "rollout.json")
    assert done.code == 1
    assert "- a: `` start: `no` @you ``" in done.out
    assert "roosync-ops diagnose a" in done.out
    (case,) = ET.fromstring(run("report", "--rollout", "rollout.json", "-f", "junit").out).iter("testcase")  # noqa: S314 - our own
    (failure,) = case
    assert (failure.tag, failure.get("message")) == ("failure", "start: `no` @you")


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param("", id="empty"),
        pytest.param("{", id="cut off"),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param('{"ok": true}', id="another document"),
        pytest.param(json.dumps(_rollout(machineId="../evil\n```")), id="no machineId"),
        pytest.param(json.dumps(_rollout(outcome="<b>")), id="no outcome"),
        pytest.param(json.dumps(_rollout(surprise=1)), id="one thing more"),
    ],
)
def test_a_file_that_is_no_rollout_is_refused(place: Path, run: Callable[..., Done], raw: str) -> None:
    (place / "rollout.json").write_text(raw)
    done = run("report", "--rollout", "rollout.json")
    assert done.code == 2
    assert "Next:  roosync-ops rollout --json > rollout.json" in done.err
    assert "Traceback" not in done.err


def test_a_rollout_that_failed_as_a_whole_is_no_report(place: Path, run: Callable[..., Done]) -> None:
    error = {"code": "INVENTORY", "message": "no such file", "hint": "roosync-ops machines check"}
    (place / "rollout.json").write_text(json.dumps({"ok": False, "error": error}))
    done = run("report", "--rollout", "rollout.json")
    assert (done.code, "no such file" in done.err) == (2, True)


def test_output_is_a_file_and_nothing_else_is_printed(
    place: Path, run: Callable[..., Done], beat: Callable[..., None]
) -> None:
    beat("a")
    done = run(*REPORT, "--output", "report.md")
    assert done.out == ""
    assert (place / "report.md").read_text("utf-8").startswith("## Validation report")
    assert run(*REPORT, "--output", "none/report.md").code == 2


def test_a_second_run_edits_the_comment_of_the_first(github: GitHub, run: Callable[..., Done]) -> None:
    github.write("somebody", "hello")
    first = run(*POST)
    assert first.out.strip() == github.comments[1]["html_url"]
    second = run(*POST, "--json")
    assert (first.code, second.code) == (1, 1)  # as validate
    assert [entry["user"]["login"] for entry in github.comments] == ["somebody", "me"]
    assert github.comments[1]["body"].startswith(MARK)
    assert second.document["posted"] == {"url": github.comments[1]["html_url"], "action": "edited"}
    assert github.methods[-1] == "PATCH repos/o/r/issues/comments/2"


def test_a_comment_is_ours_only_by_its_mark_and_its_author(github: GitHub, run: Callable[..., Done]) -> None:
    github.write("somebody", f"{MARK}1 -->\nquoted, mark and all")
    github.write(None, f"{MARK}2 -->\nan account that is gone")
    github.write("me", f"I wrote this by hand about {MARK}3 -->")
    run(*POST)
    assert len(github.comments) == 4
    assert github.methods[-1].startswith("POST")


@pytest.mark.parametrize("merged", [True, False])
def test_our_comment_is_found_on_a_later_page(github: GitHub, run: Callable[..., Done], merged: bool) -> None:
    others = [comment_of(number, "somebody", "hello") for number in range(1, 251)]
    mine = comment_of(251, "ME", f"{MARK}1 -->")  # as GitHub writes the name, not as it was typed
    github.set(merged=merged, comments=[*others, mine, comment_of(252, "somebody", "hello")], next_id=253)
    assert run(*POST).code == 1
    assert github.methods[-1] == "PATCH repos/o/r/issues/comments/251"


def test_of_two_comments_the_newest_is_edited_and_that_is_said(github: GitHub, run: Callable[..., Done]) -> None:
    github.write("me", f"{MARK}1 -->\nold")
    github.write("me", f"{MARK}2 -->\nnew")
    done = run(*POST)
    assert github.comments[0]["body"].endswith("old")
    assert not github.comments[1]["body"].endswith("new")
    assert f"were left as they are: {github.comments[0]['html_url']}" in done.err


def test_dry_prints_what_would_be_sent_and_asks_nobody(github: GitHub, run: Callable[..., Done]) -> None:
    done = run(*POST, "--dry")
    assert done.out.startswith(MARK)
    assert "## Validation report" in done.out
    assert github.asked == []


@pytest.mark.parametrize("how", ["lose", "hang"])
def test_an_answer_that_is_lost_leads_to_no_second_comment(
    github: GitHub, run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(comment, "TIMEOUT_S", 5.0 if how == "hang" else 60.0)
    github.set(**{how: ["POST"]})
    done = run(*POST)
    assert done.code == 1  # found by its run, so it was delivered
    assert len(github.comments) == 1
    assert [each for each in github.methods if each.startswith("POST")] == ["POST repos/o/r/issues/460/comments"]


def test_what_never_arrived_is_said_and_not_sent_again(github: GitHub, run: Callable[..., Done]) -> None:
    github.set(drop=["POST"])
    done = run(*POST)
    assert done.code == 4
    assert "Next:  the same command again" in done.err
    assert len([each for each in github.methods if each.startswith("POST")]) == 1


@pytest.mark.parametrize(
    ("fail", "code", "following"),
    [
        pytest.param(
            {"GET comments": [1, "gh: Not Found (HTTP 404)"]}, "GH_NOT_FOUND", "gh auth status", id="no issue"
        ),
        pytest.param(
            {"GET user": [1, "gh: Bad credentials (HTTP 401)"]}, "GH_NOT_LOGGED_IN", "gh auth login", id="401"
        ),
        pytest.param(
            {"POST comments": [1, "gh: Unable to create comment because issue is locked. (HTTP 403)"]},
            "GH_FORBIDDEN",
            "gh auth status",
            id="locked",
        ),
        pytest.param(
            {"GET user": [1, "gh: Resource not accessible by integration (HTTP 403)"]},
            "GH_FORBIDDEN",
            "gh auth login",
            id="a token of no user",
        ),
        pytest.param(
            {"GET user": [1, "gh: API rate limit exceeded for user ID 1. (HTTP 403)"]},
            "GH_RATE_LIMITED",
            "gh api rate_limit",
            id="rate limit",
        ),
        pytest.param(
            {"GET user": [1, "error connecting to api.github.com"]}, "GH_UNREACHABLE", "gh auth", id="network"
        ),
        pytest.param({"GET comments": [1, "gh: HTTP 502"]}, "GH_FAILED", "gh api", id="server"),
    ],
)
def test_each_refusal_is_one_sentence_with_the_next_command(
    github: GitHub, run: Callable[..., Done], fail: dict[str, Any], code: str, following: str
) -> None:
    github.set(fail=fail)
    done = run(*POST, "--json")
    assert done.code == 4
    assert done.document["error"]["code"] == code
    assert done.document["error"]["hint"].startswith(following)
    assert github.comments == []


def test_without_a_login_the_way_to_one_is_said(github: GitHub, run: Callable[..., Done]) -> None:
    github.set(login=None)
    done = run(*POST)
    assert (done.code, "Next:  gh auth login" in done.err) == (4, True)


def test_without_gh_that_is_said(place: Path, run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(place))
    done = run(*POST)
    assert (done.code, "is not on this computer's PATH" in done.err) == (4, True)


@pytest.mark.parametrize(
    "target", ["460", "o/r", "o/r#0", "../..#1", "o/..#1", "o/r#1?x", "o/r#1\n", "-o/r#1", "ö/r#1"]
)
def test_what_is_no_issue_is_refused_before_anything_is_read(run: Callable[..., Done], target: str) -> None:
    done = run("report", "--shared", "nowhere", "--post", target)
    assert (done.code, "is no issue" in done.err) == (2, True)
