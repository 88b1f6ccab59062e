"""A program on a machine is heard for so long, and so many bytes of it, whatever it does."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from roosync_ops.wire import child


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


def test_what_ends_is_heard_whole_and_apart() -> None:
    done = child.run(python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"), 60)
    assert (done.returncode, done.stdout.split(), done.stderr.split()) == (3, [b"out"], [b"err"])


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_never_stops_talking_is_ended_long_before_its_time(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "MAX_OUTPUT_BYTES", 1_000_000)
    began = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired) as ended:
        child.run(python(f"import sys\nwhile True: sys.{stream}.write('x' * 65536)"), 600)
    assert time.monotonic() - began < 120
    assert max(len(said or b"") for said in (ended.value.output, ended.value.stderr)) < 1_200_000


def test_what_does_not_end_is_ended_and_what_it_said_is_told() -> None:
    with pytest.raises(subprocess.TimeoutExpired) as ended:
        child.run(python("import time; print('so far', flush=True); time.sleep(600)"), 5)
    assert ended.value.output.strip() in (b"so far", b"")


def test_a_child_of_it_that_lives_on_holds_nobody_up() -> None:
    sleeper = f"import subprocess, sys; subprocess.Popen({python('import time; time.sleep(20)')!r}); print('done')"
    began = time.monotonic()
    assert child.run(python(sleeper), 60).stdout.strip() == b"done"
    assert time.monotonic() - began < 18


def test_a_program_that_is_not_there_is_an_oserror() -> None:
    with pytest.raises(OSError, match="nowhere"):
        child.run(["/nowhere/at-all"], 5)
