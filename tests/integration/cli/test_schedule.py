"""`roosync-ops schedule`: printed, installed once, removed whole; and what one run does."""

from __future__ import annotations

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from roosync_ops import errors
from roosync_ops.cli import main
from roosync_ops.cli.schedule import run as scheduled
from roosync_ops.judge.flip import FlipRow
from roosync_ops.watch.memory import WatchMemory
from roosync_ops.wire.times import now_ms
from tests.kits.shares import ours, put

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Done

SECRET = "s3cr3t-t0ken"  # noqa: S105 - what must not be seen
SCHEDULE = ("schedule", "--shared", "shared", "--memory", "kept", "--mechanism", "cron")
OTHERS = "MAILTO=ops\n# mine\n0 4 * * * /usr/bin/backup\n"
#: Takes and gives a crontab as crontab(1) does, and refuses a line that is no comment, no setting and no job.
CRONTAB = r"""#!/bin/sh
case "$1" in
-l) if [ -e "$TAB" ]; then cat "$TAB"; else echo "no crontab for me" >&2; exit 1; fi ;;
-) cat > "$TAB.new"; if grep -Evq '^(#|$|[A-Z]+=|([^ ]+ ){5}[^ ])' "$TAB.new"; then echo bad line >&2; exit 1; fi
   mv "$TAB.new" "$TAB" ;;
*) exit 2 ;;
esac
"""


@pytest.fixture
def tab(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's crontab, with lines of the user's own."""
    program = place / "bin" / "crontab"
    program.parent.mkdir()
    program.write_text(CRONTAB)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("TAB", str(place / "tab"))
    (place / "tab").write_text(OTHERS)
    return place / "tab"


@pytest.fixture
def settings(place: Path, tab: Path, run: Callable[..., Done]) -> Path:
    """The settings of an installed schedule without a dashboard."""
    assert run(*SCHEDULE, "--install", "--no-dashboard").code == 0
    assert tab.exists()
    (found,) = (place / "kept").glob("schedule-*.json")
    return found


def _watched(place: Path) -> None:
    """A watcher was here, and `a` has left since."""
    put(place / "shared", ours("a", 1_000, now_ms(), sequence=1))
    memory = WatchMemory(place / "kept", str(place / "shared"))
    memory.step(lambda flips: flips.step([FlipRow("a", "online", now_ms(), 1)], now_ms()))
    put(place / "shared", ours("a", 1_000, now_ms(), sequence=2, state="left", leftAt="2100-01-01T00:00:00.000Z"))


@pytest.mark.usefixtures("tab")
def test_it_is_printed_and_nothing_is_written(place: Path, run: Callable[..., Done]) -> None:
    done = run(*SCHEDULE, "--every", "10")
    assert done.code == 0
    assert f"*/10 * * * * {sys.executable} -P -m roosync_ops schedule run {place}/kept/schedule-" in done.out
    assert not (place / "kept").exists()
    assert (place / "tab").read_text() == OTHERS


def test_installed_twice_it_is_there_once(tab: Path, run: Callable[..., Done]) -> None:
    first, again = run(*SCHEDULE, "--install"), run(*SCHEDULE, "--install")
    assert first.code == again.code == 0
    assert first.out.endswith(": installed\n")
    assert "nothing changed" in again.out
    assert tab.read_text().startswith(OTHERS)
    assert tab.read_text().count("roosync_ops schedule run") == 1
    run(*SCHEDULE, "--install", "--every", "20")
    assert "*/20 " in tab.read_text()
    assert "*/5 " not in tab.read_text()


def test_uninstalled_nothing_is_left_but_what_was_told(
    place: Path, tab: Path, settings: Path, run: Callable[..., Done]
) -> None:
    run("schedule", "run", str(settings))
    assert run(*SCHEDULE, "--uninstall").out == "removed\n"
    assert run(*SCHEDULE, "--uninstall").out == "nothing to remove\n"
    assert tab.read_text() == OTHERS
    assert [path.name for path in (place / "kept").iterdir() if path.name.startswith("schedule-")] == []


@pytest.mark.parametrize("words", [(), ("--json",), ("--install",), ("--install", "--json")])
def test_a_secret_is_in_the_file_of_its_owner_alone(
    place: Path, tab: Path, run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("ROOSYNC_NOTIFY_URL", f"json://me:{SECRET}@127.0.0.1:9")
    done = run(*SCHEDULE, *words)
    assert done.code == 0
    assert SECRET not in done.out + done.err + tab.read_text()
    for path in (place / "kept").glob("schedule-*") if "--install" in words else ():
        assert SECRET in path.read_text()
        assert path.stat().st_mode & 0o777 == 0o600
    status = run(*SCHEDULE, "--status", "--json")
    assert SECRET not in status.out + status.err


def test_a_settings_file_that_others_could_read_is_made_anew(settings: Path, run: Callable[..., Done]) -> None:
    settings.chmod(0o644)
    assert run(*SCHEDULE, "--install", "--no-dashboard").out.endswith(": installed\n")
    assert settings.stat().st_mode & 0o777 == 0o600


def test_status_tells_whether_it_runs_and_what_came_of_it(
    place: Path, run: Callable[..., Done], beat: Callable[..., None], request: pytest.FixtureRequest
) -> None:
    assert run(*SCHEDULE, "--status").code == 1
    settings = request.getfixturevalue("settings")
    assert "not run yet" in run(*SCHEDULE, "--status").out
    beat("a")
    assert run("schedule", "run", str(settings)).code == 0
    done = run(*SCHEDULE, "--status")
    assert done.code == 0
    assert "exit code 0" in done.out
    assert "1/2 machines online (50%)" in done.out
    last = settings.with_suffix(".last.json")
    last.write_text(json.dumps({**json.loads(last.read_text()), "at": "2026-01-01T00:00:00.000Z"}))
    late = run(*SCHEDULE, "--status")
    assert late.code == 1
    assert "longer than it should" in late.out
    (place / "tab").write_text("")
    assert "not installed" in run(*SCHEDULE, "--status").out


def test_a_run_tells_a_flip_once_and_exits_as_validate_does(place: Path, tab: Path, run: Callable[..., Done]) -> None:
    log = place / "log"
    script = place / "note it"
    script.write_text(f'#!/bin/sh\necho "$ROOSYNC_FLIP_MACHINE $ROOSYNC_FLIP_TO" >> "{log}"\n')
    script.chmod(0o755)
    run(*SCHEDULE, "--install", "--no-dashboard", "--exec", f"'{script}'")
    assert tab.exists()
    (settings,) = (place / "kept").glob("schedule-*.json")
    _watched(place)
    first, again = run("schedule", "run", str(settings)), run("schedule", "run", str(settings))
    assert first.code == again.code == 1
    assert "  a  online -> left  stopped on purpose" in first.out
    assert again.out == ""
    assert log.read_text() == "a left\n"


@pytest.mark.parametrize(("share", "last"), [("shared", "/p"), ("away", "/p/fail")])
def test_whoever_would_miss_a_run_is_told_of_each(  # noqa: PLR0913, PLR0917 - fixtures
    place: Path, tab: Path, run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, share: str, last: str
) -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - the base class's

    monkeypatch.setattr(scheduled, "POLL_S", 0.01)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/p"
        shown = run(*SCHEDULE, "--install", "--no-dashboard", "--ping", url)
        assert url not in shown.out + shown.err + tab.read_text()
        (settings,) = (place / "kept").glob("schedule-*.json")
        (place / "shared").rename(place / share)
        run("schedule", "run", str(settings))
        server.shutdown()
    assert asked == ["/p/start", last]
    (place / share).rename(place / "shared")
    refused = run("schedule", "run", str(settings))
    assert refused.code == 1
    assert "--ping: " in refused.err


def test_two_runs_never_overlap(settings: Path, run: Callable[..., Done]) -> None:
    with FileLock(settings.with_suffix(".lock")):
        done = run("schedule", "run", str(settings))
    assert done.code == scheduled.BUSY
    assert "has looked at nothing" in done.err


def test_a_share_that_is_gone_is_told_as_validate_tells_it(
    place: Path, settings: Path, run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduled, "POLL_S", 0.01)
    (place / "shared").rename(place / "away")
    done = run("schedule", "run", str(settings))
    assert done.code == 3
    assert "does not exist" in done.err


def test_what_was_told_and_cannot_be_read_is_said_and_does_not_hide_the_verdict(
    place: Path, settings: Path, run: Callable[..., Done]
) -> None:
    run("schedule", "run", str(settings))
    (kept,) = (place / "kept").glob("watch-*.json")
    kept.write_text("nonsense")
    done = run("schedule", "run", str(settings))
    assert (done.code, "was not understood" in done.err) == (1, True)
    kept.unlink()
    kept.mkdir()
    done = run("schedule", "run", str(settings))
    assert (done.code, "nothing is told" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        pytest.param('echo "$@" > words', 0, "", id="refreshed"),
        pytest.param("exit 1", 3, "n'a pas été rafraîchi : code de sortie 1", id="not written"),
        pytest.param("echo broken >&2; exit 70", 70, "n'a pas été rafraîchi : broken", id="a defect"),
        pytest.param("sleep 600", 3, "n'a pas été rafraîchi : pas fini", id="it hangs"),
    ],
)
def test_the_dashboard_is_refreshed_and_its_failure_shows(  # noqa: PLR0913, PLR0917 - fixtures
    place: Path,
    tab: Path,
    run: Callable[..., Done],
    beat: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    body: str,
    code: int,
    said: str,
) -> None:
    monkeypatch.setattr(scheduled, "DASHBOARD", ("/bin/sh", "-c", body, "dashboard"))
    monkeypatch.setattr(scheduled, "_DASHBOARD_S", 1.0 if "sleep" in body else 60.0)
    run(*SCHEDULE, "--install", "--lang", "fr", "--presence")
    assert tab.exists()
    (settings,) = (place / "kept").glob("schedule-*.json")
    beat("a")
    done = run("schedule", "run", str(settings))
    assert done.code == code
    assert said in done.err
    if "words" in body:
        fleet = f"--inventory {place}/inventory.py --memory {place}/kept"
        wanted = f"{fleet} --lang fr --probe=auto --presence --every 5 --shared {place}/shared"
        assert (place / "words").read_text().strip() == wanted


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "{}",
        "[" * 50_000,
        '{"format": 1, "exec": "rm"}',
        '{"format": 2}',
        "\ud800".encode("utf-8", "replace").decode(),
    ],
)
def test_settings_that_are_none_are_refused(place: Path, run: Callable[..., Done], raw: str) -> None:
    (place / "s.json").write_text(raw)
    done = run("schedule", "run", "s.json")
    assert done.code == 2
    assert "Next:  roosync-ops schedule --install" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--install", "--uninstall"), "exclude each other"),
        (("--install", "--exec", "no-such-program-here"), "no such program"),
        (("--install", "--patience", "x"), "--patience x"),
        (("--install", "--every", "7"), "cron has no line for every 7 min"),
        (("--install", "--notify", "nonsense"), "not understood"),
        (("--install", "--ping", "ftp://x"), "--ping: this does not fit"),
        (("--install", "--via", "nobody"), "no such machine"),
        (("--install", "--mechanism", "task"), "not for this system"),
    ],
)
def test_what_could_not_run_is_refused_before_anything_is_written(
    place: Path, tab: Path, run: Callable[..., Done], words: tuple[str, ...], said: str
) -> None:
    done = run(*SCHEDULE, *words)
    assert done.code == 2
    assert said in done.err
    assert tab.read_text() == OTHERS
    assert not (place / "kept").exists()


def test_under_pythonw_there_is_nobody_to_say_it_to(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    code = main(["schedule", "run", str(settings)])
    for stream in (sys.stdout, sys.stderr):
        stream.close()
    assert code == (1 if sys.platform == "win32" else errors.NOT_DELIVERED)
    assert json.loads(settings.with_suffix(".last.json").read_text())["exitCode"] == 1
