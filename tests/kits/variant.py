"""The product with its sources altered, run from a folder of its own: good builds, and eleven ways to be a bad one."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

import roosync_ops

if TYPE_CHECKING:
    from collections.abc import Sequence

_AGENT: Final = "roosync_ops/agent"
_STEP: Final = "        now_ms = self.clock.wall_ms()\n        good"
_BEGIN: Final = "    clock = _clock()\n"
_FIRST: Final = "from __future__ import annotations\n"
#: What is wrong with a build: which file, which text, what stands there instead.
BAD: Final = {
    "crashes at start": (f"{_AGENT}/verbs/run.py", _BEGIN, f"    raise RuntimeError('bad build')\n{_BEGIN}"),
    "hangs at start": (f"{_AGENT}/verbs/run.py", _BEGIN, f"    import time; time.sleep(100000)\n{_BEGIN}"),
    "never writes": (f"{_AGENT}/share.py", 'self._call(lambda: self._publish(raw), "writing own file")', "return"),
    "another name": (f"{_AGENT}/share.py", '{machine_id}.json")', '{machine_id}-x.json")'),
    "no such module": (f"{_AGENT}/main.py", _FIRST, f"{_FIRST}import no_such_module\n"),
    "no such module in run": (f"{_AGENT}/verbs/run.py", _FIRST, f"{_FIRST}import no_such_module\n"),
    # what is packed here is parsed, and this parses; no Python compiles it
    "a newer syntax": (f"{_AGENT}/verbs/run.py", "def _clock()", "return\n\n\ndef _clock()"),
    "dies after 3 beats": (f"{_AGENT}/loop.py", _STEP, f"        if self.beats >= 3: raise MemoryError\n{_STEP}"),
    "hangs after 3 beats": (
        f"{_AGENT}/loop.py",
        _STEP,
        f"        if self.beats >= 3: __import__('time').sleep(100000)\n{_STEP}",
    ),
    "eats memory": (
        f"{_AGENT}/loop.py",
        _STEP,
        f"        self.__dict__.setdefault('hog', []).append(bytearray(20_000_000))\n{_STEP}",
    ),
    "stop fails": (
        f"{_AGENT}/verbs/stop.py",
        "    config = config_of(flags)\n    places",
        "    raise RuntimeError('bad stop')\n    config = config_of(flags)\n    places",
    ),
}
#: Which of them are refused while the build before beats on: what cannot be loaded, or cannot stop what it began.
NEVER_BEGUN: Final = ("no such module", "no such module in run", "a newer syntax", "stop fails")
#: What the operator is told of each.
TOLD: Final = {
    **dict.fromkeys(BAD, "does not come up"),
    "no such module": "no_such_module",
    "no such module in run": "no_such_module",
    "a newer syntax": "SyntaxError",
    "stop fails": "bad stop",
    "dies after 3 beats": "its loop ended",
    "hangs after 3 beats": "no beat of it in time",
    "eats memory": "MiB",
}
#: Nothing is wrong with it; it is another one.
GOOD: Final = (f"{_AGENT}/answer.py", _FIRST, f"{_FIRST}ANOTHER = 1\n")


class Variant:
    """The command line of an altered product; `change` as in BAD, None for what it is."""

    def __init__(self, folder: Path, change: tuple[str, str, str] | None = None) -> None:
        self._folder, self._cache = folder, _user_cache()
        source = Path(roosync_ops.__file__).parent
        # with what was compiled of it: a copy has its file's time
        for part in (source, source.parent / "deploys"):
            shutil.copytree(part, folder / part.name, ignore=shutil.ignore_patterns("*.pyc.*"))
        if change is not None:
            name, old, new = change
            # The product keeps one agent in the user's cache: there each of two builds would throw out the other's.
            kept = hashlib.sha256("\0".join(change).encode()).hexdigest()[:16]
            self._cache = self._cache / "roosync-ops" / "variants" / kept
            text = (folder / name).read_text("utf-8")
            assert old in text, name
            (folder / name).write_text(text.replace(old, new, 1), "utf-8")

    @property
    def build_id(self) -> str:
        """The id of the agent that it rolls out."""
        words = ["-c", "from roosync_ops.remote_script.bundle import build; print(build().build_id)"]
        return subprocess.run(
            [sys.executable, *words],
            env=self._environment(),
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    def begin(self, *words: str | Path) -> subprocess.Popen[str]:
        """Begin a command, at the head of a process group."""
        return subprocess.Popen(
            [sys.executable, "-m", "roosync_ops", *map(str, words)],
            env=self._environment(),
            cwd=self._folder,  # what lies in the folder at hand comes before PYTHONPATH
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def __call__(self, *words: str | Path, timeout: float = 400) -> tuple[int, str]:
        """Run a command; return its exit code and all that it said."""
        with self.begin(*words) as process:
            try:
                said, _ = process.communicate(timeout=timeout)
            except BaseException:
                process.kill()
                raise
        return process.returncode, said

    def _environment(self) -> dict[str, str]:
        clean: Sequence[tuple[str, str]] = [pair for pair in os.environ.items() if not pair[0].startswith("ROOSYNC_")]
        state = self._folder.parent / "kept"  # one computer, whatever product it runs
        places = {"PYTHONPATH": self._folder, "XDG_STATE_HOME": state, "XDG_CACHE_HOME": self._cache}
        return {**dict(clean), **{name: str(path) for name, path in places.items()}, "NO_COLOR": "1"}


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def killed_and_resumed(product: Variant, where: Sequence[str | Path], seed: int, within_s: float) -> None:
    """Kill a rollout at some instant `within_s`, whose `seed` names it, and have the next one end it."""
    process, instant_s = product.begin("rollout", *where), random.Random(seed).uniform(0, within_s)  # noqa: S311 - no secret
    with suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=instant_s)
    process.kill()
    process.communicate()
    code, said = product("rollout", *where, "--resume")
    if "left no machine behind" in said:
        code, said = product("rollout", *where)
    assert code == 0, (seed, said)
    code, said = product("rollout", *where)
    assert code == 0, (seed, said)
    counted = said.partition(" machines: ")[2].split("\n")[0]
    assert counted.endswith(" no change"), (seed, said)
    assert "," not in counted, (seed, said)
    print(f"killed {seed} after {instant_s:.1f} of {within_s:.1f} s: resumed", flush=True)  # noqa: T201 - twenty take long


def usual_s(kind: str, products: Sequence[Variant], where: Sequence[str | Path]) -> float:
    """Roll the first of two out and, for an upgrade, the second over it; return how long the last took, in s."""
    took = 0.0
    for product in products[: 1 if kind == "first" else 2]:
        began = time.monotonic()
        code, said = product("rollout", *where)
        assert code == 0, said
        took = time.monotonic() - began
    return took
