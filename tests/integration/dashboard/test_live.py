"""`roosync-ops dashboard --serve`: the page renews itself, and says so when what it shows is no longer current."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from roosync_ops.publish.live import Live, serving
from roosync_ops.state import StateUnavailableError
from roosync_ops.wire.times import now_ms
from tests.kits import boards
from tests.kits.browser import opened
from tests.kits.hostile import TEXTS
from tests.kits.hosts import PATIENCE_S, child_process
from tests.kits.shares import ours, put

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from roosync_ops.judge.reports import Dashboard

INVENTORY = """
from roosync_ops.fleet import machine
fleet = [machine("a", host="a.invalid"), machine("b", host="b.invalid", expected="offline")]
"""
#: How long a loaded machine may take over one renewal, in ms.
SOON = 60_000


class Eyes:
    """What the server's looks see: a board, or an error."""

    def __init__(self) -> None:
        self.wrong: str | None = None
        self.troubled = False
        self.behind_ms = 0
        self.text: str | None = None

    def look(self) -> Dashboard:
        if self.wrong is not None:
            raise StateUnavailableError(self.wrong)
        if self.text is not None:
            return boards.hostile(6, now_ms(), self.text, 3)
        return (boards.troubled if self.troubled else boards.six)(now_ms() - self.behind_ms)


@pytest.fixture
def eyes() -> Eyes:
    return Eyes()


@contextmanager
def served(eyes: Eyes, lang: str = "en") -> Iterator[str]:
    with serving(Live(eyes.look, lang), 0, 0.2) as address:
        yield address


def test_the_page_renews_itself_without_a_reload(chrome: Browser, eyes: Eyes) -> None:
    with served(eyes) as url, opened(chrome, url) as seen:
        page = seen.page
        page.evaluate("window.mark = 1")
        page.locator("#week-table").focus()
        assert page.locator("#banner").is_hidden()
        eyes.troubled = True
        page.locator("h1", has_text="2/6 machines online (33%)").wait_for(timeout=SOON)
        assert page.evaluate("window.mark") == 1
        assert page.title() == "2/6 machines online (33%) · roosync-ops"
        assert page.evaluate("document.activeElement.id") == "week-table"
        page.locator("#said", has_text="2/6 machines online (33%)").wait_for(state="attached", timeout=SOON)
        assert seen.errors == []
        assert {urlsplit(one).netloc for one in seen.requests} == {urlsplit(url).netloc}


@pytest.mark.parametrize("kind", ["html", "a line of ours", "lone surrogates"])
def test_what_comes_while_the_page_is_open_is_no_more_obeyed_than_what_it_began_with(
    chrome: Browser, eyes: Eyes, kind: str
) -> None:
    with served(eyes) as address, opened(chrome, address) as seen:
        eyes.text = TEXTS[kind]
        seen.page.get_by_text("node-003").first.wait_for(timeout=SOON)
        assert seen.page.evaluate("window.owned") is None
        assert seen.page.evaluate("document.querySelectorAll('img, iframe, object').length") == 0
        assert seen.errors == []
        assert {urlsplit(each).netloc for each in seen.requests} == {urlsplit(address).netloc}


def test_a_share_that_cannot_be_read_is_told_and_nothing_looks_current(chrome: Browser, eyes: Eyes) -> None:
    with served(eyes) as url, opened(chrome, url) as seen:
        eyes.wrong = "the shared state <img src=x onerror=window.owned=1> hangs"
        seen.page.locator("#banner", has_text="The last look failed: the shared state <img").wait_for(timeout=SOON)
        assert seen.page.evaluate("document.documentElement.classList.contains('stale')")
        assert seen.page.evaluate("window.owned") is None
        eyes.wrong = None
        seen.page.locator("#banner").wait_for(state="hidden", timeout=SOON)
        assert seen.errors == []


def test_looks_that_do_not_come_back_leave_a_page_that_grows_old(chrome: Browser, eyes: Eyes) -> None:
    with served(eyes, "fr") as url, opened(chrome, url) as seen:
        eyes.behind_ms = 90_000
        seen.page.locator("#banner", has_text="Voici la flotte telle qu'elle était").wait_for(timeout=SOON)


def test_a_server_that_is_gone_is_told(chrome: Browser, eyes: Eyes) -> None:
    with ExitStack() as server:
        url = server.enter_context(served(eyes))
        with opened(chrome, url) as seen:
            assert seen.page.locator("#banner").is_hidden()
            server.close()
            seen.page.locator("#banner", has_text="does not answer").wait_for(timeout=SOON)
            assert seen.page.evaluate("document.documentElement.classList.contains('stale')")


@pytest.mark.parametrize(
    ("method", "path", "host", "status"),
    [
        ("GET", "/", None, 200),
        ("GET", "/live", None, 200),
        ("GET", "/?x=1", None, 200),
        ("GET", "/etc/passwd", None, 404),
        ("GET", "/../../etc/passwd", None, 404),
        ("GET", "/", "evil.example", 421),
        ("GET", "/live", "evil.example:80", 421),
        ("POST", "/", None, 501),
    ],
)
def test_only_this_computer_is_answered(eyes: Eyes, method: str, path: str, host: str | None, status: int) -> None:
    with served(eyes) as url:
        where = urlsplit(url)
        assert where.hostname == "127.0.0.1"
        link = http.client.HTTPConnection(str(where.hostname), where.port, timeout=PATIENCE_S)
        link.request(method, path, headers={} if host is None else {"Host": host})
        answer = link.getresponse()
        assert answer.status == status
        if status == 200:
            assert "default-src 'none'" in str(answer.getheader("Content-Security-Policy"))
            assert answer.getheader("Cache-Control") == "no-store"
        else:
            assert b"machines online" not in answer.read()
        link.close()


def test_what_has_not_changed_is_not_sent_again(eyes: Eyes) -> None:
    live = Live(eyes.look, "en")
    text = live.page(urlsplit("/"))[1]
    key = text.split('data-key="')[1].split('"')[0]
    assert live.page(urlsplit(f"/live?key={key}"))[0] == HTTPStatus.NO_CONTENT
    eyes.wrong = "gone"
    live.again()
    assert "gone" in live.page(urlsplit(f"/live?key={key}"))[1]


def test_the_command_serves_until_ctrl_c(tmp_path: Path) -> None:
    (tmp_path / "inventory.py").write_text(INVENTORY)
    (tmp_path / "shared").mkdir()
    put(tmp_path / "shared", ours("a", 1_000, now_ms()))
    command = [sys.executable, "-m", "roosync_ops", "dashboard", "--serve", "--port", "0", "--no-probe", "--json"]
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    with child_process(
        [*command, "--shared", "shared"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            said = b"".join(process.stdout.readline() for _ in range(4))
            where = urlsplit(json.loads(said)["url"])
            process.stderr.readline()
            link = http.client.HTTPConnection(str(where.hostname), where.port, timeout=PATIENCE_S)
            link.request("GET", "/")
            assert b"1/2 machines online (50%)" in link.getresponse().read()
            link.close()
            process.send_signal(signal.SIGINT)
            assert process.wait(PATIENCE_S) == 130
        finally:
            process.kill()
    assert not (tmp_path / "shared" / "dashboards").exists()
