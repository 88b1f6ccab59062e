"""A command or a service that hangs, fails or is not there never holds the watcher up, and its secrets stay secret."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops.judge.flip import Flip
from roosync_ops.watch.delivery import Delivery, Target, close_all, notification
from tests.component.test_hostile_answers import PAYLOADS
from tests.kits.hosts import PATIENCE_S, wait_for
from tests.kits.shares import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLIP = {**Flip("a", "online", "offline", NOW, "silent", heard_ms=NOW).as_dict(), "text": "online -> offline: silent"}
SECRET = "s3cr3t-t0ken"  # noqa: S105 - what must not be seen
#: Generous: a loaded computer starts a process in seconds.


def _python(code: str) -> Target:
    return Target("command", (sys.executable, "-c", code))


def _deliver(target: Target, *flips: dict[str, Any], timeout_s: float = PATIENCE_S) -> list[str]:
    told: list[str] = []
    delivery = Delivery(target, told.append, timeout_s=timeout_s)
    for flip in flips or (FLIP,):
        delivery.put(flip)
    delivery.close(PATIENCE_S)
    return told


def test_a_command_gets_the_flip_on_stdin_and_in_its_environment(tmp_path: Path) -> None:
    code = (
        "import json, os, sys; json.dump([json.load(sys.stdin), "
        f"{{k: v for k, v in os.environ.items() if 'ROOSYNC' in k}}], open({str(tmp_path / 'got')!r}, 'w'))"
    )
    assert _deliver(_python(code)) == []
    flip, environment = json.loads((tmp_path / "got").read_text())
    assert flip == FLIP
    assert environment["ROOSYNC_FLIP_MACHINE"] == "a"
    assert environment["ROOSYNC_FLIP_TO"] == "offline"
    assert environment["ROOSYNC_FLIP_PLANNED"] == "0"
    assert environment["ROOSYNC_FLIP_REASON"] == "silent"


def test_no_shell_reads_a_flip(tmp_path: Path) -> None:
    flip = {**FLIP, "text": f"$(touch {tmp_path}/evil) `touch {tmp_path}/evil`"}
    assert _deliver(Target("command", ("echo", "$ROOSYNC_FLIP_TEXT")), flip) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", PAYLOADS)
def test_whatever_a_flip_says_a_command_is_started_and_its_words_are_as_they_were_typed(
    tmp_path: Path, kind: str
) -> None:
    flip = {**FLIP, "text": PAYLOADS[kind], "reason": PAYLOADS[kind]}
    code = (
        "import json, os, sys; given = json.load(sys.stdin); "
        "text = os.environ['ROOSYNC_FLIP_TEXT']; "
        f"json.dump([sys.argv, given, text], open({str(tmp_path / 'got')!r}, 'w'))"
    )
    assert _deliver(Target("command", (sys.executable, "-c", code, "$ROOSYNC_FLIP_TEXT")), flip) == []
    words, given, text = json.loads((tmp_path / "got").read_text())
    assert words == ["-c", "$ROOSYNC_FLIP_TEXT"]
    assert given == flip
    assert text == PAYLOADS[kind].replace("\0", "")[:4096]
    assert [path.name for path in tmp_path.iterdir()] == ["got"]


def test_a_command_is_not_given_the_notification_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOSYNC_NOTIFY_URL", SECRET)
    code = f"import os; open({str(tmp_path / 'got')!r}, 'w').write(str('ROOSYNC_NOTIFY_URL' in os.environ))"
    _deliver(_python(code))
    assert (tmp_path / "got").read_text() == "False"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        pytest.param(_python("raise SystemExit(3)"), "command failed: exit code 3", id="fails"),
        pytest.param(Target("x", ("/no/such/command",)), "cannot be started: No such file", id="not there"),
        pytest.param(Target("x", ("nul\0",)), "cannot be started: embedded null byte", id="no command at all"),
    ],
)
def test_a_command_that_fails_is_said_in_one_line(target: Target, said: str) -> None:
    (told,) = _deliver(target)
    assert said in told


def test_the_flip_after_a_failure_is_delivered(tmp_path: Path) -> None:
    place = str(tmp_path / "n")
    code = f"import os; p = {place!r}; n = os.path.exists(p); open(p, 'a').write('x'); raise SystemExit(not n)"
    assert len(_deliver(_python(code), FLIP, FLIP)) == 1
    assert (tmp_path / "n").read_text() == "xx"


def test_a_command_that_never_ends_is_killed_with_its_children(tmp_path: Path) -> None:
    if os.name != "posix":
        pytest.skip("process groups: does not apply here")
    hanging = Target("command", ("sh", "-c", f"sleep 600 & echo $! > {tmp_path}/pid; wait"))
    told: list[str] = []
    delivery = Delivery(hanging, told.append, timeout_s=4)
    delivery.put(FLIP)
    delivery.close(PATIENCE_S)
    assert told == ["command failed: no end after 4 s; killed"]
    pid = int((tmp_path / "pid").read_text())
    wait_for("the end of its child", lambda: not _runs(pid))


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:  # noqa: PTH123 - one line of the kernel's
            return file.read().split()[2] != "Z"
    except OSError:
        return False


def test_putting_never_waits_and_the_oldest_is_dropped_and_said() -> None:
    told: list[str] = []
    delivery = Delivery(_python("import time; time.sleep(600)"), told.append, max_queue=3)
    began = time.monotonic()
    for _ in range(1000):
        delivery.put(FLIP)
    assert time.monotonic() - began < PATIENCE_S
    assert delivery.dropped >= 996
    assert told[0] == "command is too slow: 1 dropped so far, oldest first"
    assert len(told) == 3
    delivery.close(0.0)
    assert "not delivered at the end" in told[-1]


def test_the_end_is_not_held_up_by_many_that_hang() -> None:
    deliveries = [Delivery(_python("import time; time.sleep(600)"), lambda _: None) for _ in range(3)]
    for delivery in deliveries:
        delivery.put(FLIP)
    began = time.monotonic()
    close_all(deliveries, 0.5)
    assert time.monotonic() - began < PATIENCE_S


@pytest.fixture
def dead_endpoint() -> Iterator[str]:
    """A server that accepts and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    kept.append(server.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield f"json://user:{SECRET}@127.0.0.1:{server.getsockname()[1]}/{SECRET}"
        server.shutdown(socket.SHUT_RDWR)
        for each in kept:
            each.close()


def test_a_dead_endpoint_is_a_line_without_the_secret_and_nothing_more(dead_endpoint: str) -> None:
    pytest.importorskip("apprise", reason="apprise is not installed (roosync-ops[notify])")
    told: list[str] = []
    delivery = Delivery(notification(1, dead_endpoint), told.append)
    began = time.monotonic()
    delivery.put(FLIP)
    assert time.monotonic() - began < 20
    delivery.close(PATIENCE_S)
    assert len(told) == 1
    assert told[0].startswith("notification 1 (json://…) failed: the service did not take it")
    assert SECRET not in told[0]


def test_a_notification_that_is_taken_says_what_flipped() -> None:
    pytest.importorskip("apprise", reason="apprise is not installed (roosync-ops[notify])")
    with socket.create_server(("127.0.0.1", 0)) as server:
        got: list[bytes] = []

        def serve() -> None:
            client, _ = server.accept()
            with client:
                while not got or b'"type"' not in got[-1]:
                    got.append((got[-1] if got else b"") + client.recv(65_536))
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        assert _deliver(notification(1, f"json://127.0.0.1:{server.getsockname()[1]}/")) == []
        thread.join(PATIENCE_S)
    sent = json.loads(got[-1].partition(b"\r\n\r\n")[2])
    assert sent["title"] == "a: offline"
    assert sent["message"] == "online -> offline: silent"
    assert sent["type"] == "failure"


@pytest.mark.parametrize("url", [SECRET, f"://{SECRET}", f"x y://{SECRET}", f"discord://{SECRET}/{SECRET}", ""])
def test_the_name_of_a_notification_never_holds_its_secret(url: str) -> None:
    assert SECRET not in notification(2, url).name
    assert all(SECRET not in word for word in notification(2, url).argv)
