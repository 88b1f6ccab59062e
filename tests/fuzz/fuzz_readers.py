"""The coverage-guided fuzzer over tests/fuzz/targets.py; a development tool, by hand (needs `pip install atheris`).

python tests/fuzz/fuzz_readers.py TARGET|all [SECONDS]

Starts from targets.seeds(), keeps nothing but a crashing input, and ends with 0 where nothing was found.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))


def every(seconds: str) -> int:
    """Fuzz each target in a process of its own."""
    from tests.fuzz.targets import TARGETS  # noqa: PLC0415 - the fuzzing process imports them instrumented

    return max(subprocess.run([sys.executable, __file__, name, seconds], check=False).returncode for name in TARGETS)


def one(name: str, seconds: str) -> None:
    """Fuzz one target; atheris ends the process."""
    import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore]  # noqa: PLC0415 - in a development environment only

    with atheris.instrument_imports(include=["roosync_ops", "json"]):
        from tests.fuzz.targets import TARGETS, seeds  # noqa: PLC0415 - instrumented
    for name_of_it in ("fsync", "fdatasync"):  # the speed of the disk is not what is tested
        setattr(os, name_of_it, lambda _descriptor: None)
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:  # noqa: S108 - a folder of our own in it
        root = Path(folder)
        corpus, work = root / "corpus", root / "work"
        corpus.mkdir()
        work.mkdir()
        for number, raw in enumerate(seeds()[name]):
            (corpus / str(number)).write_bytes(raw)

        def check(data: bytes) -> None:
            TARGETS[name](data, work)

        flags = [
            f"-max_total_time={seconds}",
            "-max_len=8192",
            "-rss_limit_mb=1024",
            "-timeout=20",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *flags, str(corpus)], check)
        atheris.Fuzz()


if __name__ == "__main__":
    target, limit = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "60"
    if target == "all":
        raise SystemExit(every(limit))
    one(target, limit)
