"""One way to run another program: bounded, and what went wrong is an error with fields."""

from __future__ import annotations

import os
import sys

import pytest

from roosync_ops import process
from tests.kits.hosts import PATIENCE_S


def python(code: str) -> list[str]:
    return [sys.executable, "-ISc", code]


def test_a_program_that_is_heard_says_so_and_one_that_is_not_says_nothing() -> None:
    code = "import sys; sys.stdout.write(sys.stdin.read() * 2); raise SystemExit(3)"
    heard = process.within(60, python(code), b"ab")
    assert (heard.code, heard.out, heard.said) == (3, b"abab", "abab")
    assert process.within(60, python(code), b"ab", max_out=0) == process.Ended(3, b"", b"")


@pytest.mark.parametrize(
    ("words", "limits", "said", "ended"),
    [
        pytest.param(["/no/such/program"], {}, "No such file", False, id="not there"),
        pytest.param(
            python("import time; time.sleep(600)"), {"timeout_s": 1.0}, "no end after 1 s", True, id="endless"
        ),
        pytest.param(python("print('x' * 9999)"), {"max_out": 10}, "too much to read", True, id="talks without end"),
    ],
)
def test_what_does_not_end_by_itself_is_an_error_that_tells_whether_it_began(
    words: list[str], limits: dict[str, float], said: str, ended: bool
) -> None:
    with pytest.raises(process.ChildError, match=said) as caught:
        process.within(**{"timeout_s": 60.0, "words": words, **limits})  # type: ignore[arg-type] # as a caller has them
    assert caught.value.ended is ended


def test_ourselves_are_found_wherever_we_run_and_without_what_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOSYNC_SHARED_PATH", "/mnt")
    environment = process.our_environment("ROOSYNC_SHARED_PATH", PYTHONUTF8="1")
    assert "ROOSYNC_SHARED_PATH" not in environment
    done = process.within(120, [*process.ours("--version")], environment=environment)
    assert done.out.startswith(b"roosync-ops ")
    assert os.environ["ROOSYNC_SHARED_PATH"] == "/mnt"


#: As in a worker: our module was loaded before gevent took the place of threads.
_UNDER_GEVENT = """
import sys, time
from roosync_ops import process
process._DRAIN_S = 600
from gevent import monkey
monkey.patch_all()
print(process.run([sys.executable, "-c", "print(1)"], until=time.monotonic() + 600, max_out=1000).out)
"""


def test_where_gevent_plays_the_threads_a_program_that_has_ended_is_waited_for_no_longer() -> None:
    """Else each command to a machine takes two seconds more, a rollout to Windows a minute."""
    done = process.within(PATIENCE_S, [sys.executable, "-W", "ignore", "-c", _UNDER_GEVENT])
    assert (done.code, done.out) == (0, b"b'1\\n'\n"), done.said
