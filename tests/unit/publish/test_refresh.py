"""`refresh`: into an existing share or a named folder, read back, one writer per file; refused with one clear error."""

from __future__ import annotations

import json
import os
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.errors import UNAVAILABLE, USAGE, CommandError
from roosync_ops.fleet import Fleet, Machine
from roosync_ops.gather.dashboard import dashboard as look_at
from roosync_ops.gather.limits import Limits, Probe
from roosync_ops.publish import dashboard
from roosync_ops.publish.dashboard import refresh
from roosync_ops.state import StateUnavailableError
from roosync_ops.state.folder import read_folder
from roosync_ops.wire.identity import LAB_HOSTNAME_VARIABLE
from roosync_ops.wire.times import now_ms
from tests.kits.shares import ours, put

if TYPE_CHECKING:
    from collections.abc import Callable

FLEET = Fleet([Machine.of("a", {}), Machine.of("b", {"expected": "offline"})])


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(LAB_HOSTNAME_VARIABLE, "MYIA-PO-2024")
    folder = tmp_path / "Mon Drive"
    folder.mkdir()
    put(folder, ours("a", 1_000, now_ms()))
    return folder


def names_in(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def done(
    shared: Path, *, output_dir: str | None = None, baseline: str | None = None, presence: bool = False
) -> dict[str, Any]:
    look = partial(look_at, FLEET, str(shared), Limits(), baseline=baseline, probe=Probe.never)
    return refresh(look, str(shared), output_dir, None, presence=presence)


def test_it_is_written_into_dashboards_under_this_computers_name(shared: Path) -> None:
    result = done(shared)
    names = names_in(shared / "dashboards")
    assert names == [f"mcp-dashboard-myia-po-2024.{kind}" for kind in ("html", "md", "svg")]
    assert result["dashboardPath"] == str(shared / "dashboards" / "mcp-dashboard-myia-po-2024.md")
    assert result["success"] is True
    assert done(shared)["dashboardPath"] == result["dashboardPath"]
    assert names_in(shared / "dashboards") == names


def test_two_computers_never_write_one_file(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = done(shared)["dashboardPath"]
    monkeypatch.setenv(LAB_HOSTNAME_VARIABLE, "myia-ai-01.local")
    assert done(shared)["dashboardPath"] != first
    assert len(names_in(shared / "dashboards")) == 6


def test_a_share_that_is_not_there_is_never_made(tmp_path: Path) -> None:
    with pytest.raises(StateUnavailableError):
        done(tmp_path / "gone")
    assert not (tmp_path / "gone").exists()


def test_a_share_that_goes_before_the_writing_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(CommandError) as caught:
        dashboard.put({"x": b""}, 5.0, None, str(tmp_path / "gone"))
    assert caught.value.exit_code == UNAVAILABLE
    assert not (tmp_path / "gone").exists()


def test_a_dashboards_folder_that_is_a_link_is_not_followed(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (shared / "dashboards").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CommandError, match="a link, which is never followed"):
        done(shared)
    assert not names_in(tmp_path / "elsewhere")


def test_a_link_under_our_own_name_is_replaced_and_not_written_through(shared: Path, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("kept")
    (shared / "dashboards").mkdir()
    (shared / "dashboards" / "mcp-dashboard-myia-po-2024.md").symlink_to(target)
    done(shared)
    assert target.read_text() == "kept"


@pytest.mark.skipif(os.name != "posix", reason="folders have access lists there; does not apply")
def test_all_who_share_the_folder_read_the_page_and_one_s_own_is_as_the_umask_has_it(
    shared: Path, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    before = os.umask(0o077)
    try:
        done(shared)
        done(shared, output_dir=str(tmp_path / "own"))
    finally:
        os.umask(before)
    for folder, mode in ((shared / "dashboards", 0o644), (tmp_path / "own", 0o600)):
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {mode}


def test_a_folder_of_ones_own_is_written_into(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    result = done(shared, output_dir=str(tmp_path / "out"))
    assert result["dashboardPath"].startswith(str(tmp_path / "out"))
    assert not (shared / "dashboards").exists()


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(lambda at: str(at / "missing"), id="missing"),
        pytest.param(lambda at: str(at / "a file"), id="a file"),
        pytest.param(lambda at: str(at / "a file" / "below"), id="below a file"),
        pytest.param(lambda _: "", id="empty"),
        pytest.param(lambda _: "a\0b", id="NUL"),
        pytest.param(lambda at: str(at / ("x" * 300)), id="too long"),
        pytest.param(lambda _: "\ud800", id="no text"),
    ],
)
def test_what_is_no_folder_is_refused_in_one_sentence(shared: Path, tmp_path: Path, name: Callable[..., str]) -> None:
    (tmp_path / "a file").write_text("")
    with pytest.raises(CommandError) as caught:
        done(shared, output_dir=name(tmp_path))
    failure = caught.value
    assert failure.code == "DASHBOARD_NOT_WRITTEN"
    assert failure.hint
    assert "\n" not in failure.reason
    assert not (tmp_path / "missing").exists()


@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="root may write anywhere; does not apply")
def test_a_folder_that_may_not_be_written_is_refused(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "sealed").mkdir(mode=0o500)
    with pytest.raises(CommandError, match="Permission denied"):
        done(shared, output_dir=str(tmp_path / "sealed"))


@pytest.mark.parametrize("name", ["../x", "", "con", "a" * 70, "<b>"])
def test_a_baseline_that_is_no_machine_is_refused(shared: Path, name: str) -> None:
    with pytest.raises(CommandError) as caught:
        done(shared, baseline=name)
    assert caught.value.exit_code == USAGE
    assert not (shared / "dashboards").exists()


def test_a_computer_without_a_machine_id_names_no_file(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LAB_HOSTNAME_VARIABLE, "../../evil")
    with pytest.raises(CommandError, match="is no machineId"):
        done(shared)


def test_a_share_that_hangs_is_told_within_its_deadline(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    monkeypatch.setattr(dashboard, "replace_file", lambda *_: never.wait())
    with pytest.raises(CommandError, match=r"no answer within 0\.2 s") as caught:
        dashboard.put({"x": b""}, 0.2, None, str(shared))
    never.set()
    assert caught.value.exit_code == UNAVAILABLE


def test_what_does_not_read_back_the_same_is_no_success(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("roosync_ops.agent.share.read_file", lambda *_: b"other")
    with pytest.raises(CommandError, match="does not read back the same"):
        done(shared)


def test_a_failed_write_leaves_nothing_of_its_own(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done(shared)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("roosync_ops.agent.writing.patiently", full)
    with pytest.raises(CommandError, match="No space left"):
        done(shared)
    assert not [name for name in names_in(shared / "dashboards") if name.endswith(".tmp")]


def test_newer_services_are_told_of_machines_that_beat_and_only_where_that_was_asked_for(shared: Path) -> None:
    """Their own line is `### [time] machine|workspace`; ours is dated by the beat, and is no sign of life to us."""
    put(shared, ours("gone", 900_000, now_ms()))
    plain = Path(str(done(shared)["dashboardPath"])).read_text(encoding="utf-8")
    assert "### [" not in plain
    told = Path(str(done(shared, presence=True)["dashboardPath"])).read_text(encoding="utf-8")
    lines = [line for line in told.splitlines() if line.startswith("### [")]
    record = json.loads((shared / "heartbeats" / "a.json").read_bytes())
    assert f"### [{record['lastHeartbeat']}] a|roosync-ops" in lines
    assert not any("gone" in line for line in lines)
    assert read_folder(shared, now_ms()).signs == {}
