"""Which build runs from a local folder: `agent.pyz` is a script of five lines that names it, and the one before it.

A build lies in a file of its own that is never written again, so a process that runs from it finds the rest there.
Tasks, units and people start `agent.pyz`. One of before this, which was a build itself, becomes the one before.
"""

from __future__ import annotations

import os
import re

from roosync_ops.wire.local import remove

from .build import bundle_path
from .local_state import Using

AGENT_NAME = "agent.pyz"
BUILD_FILE = re.compile(r"agent-[0-9a-f]{16}\.pyz")
_NAMES = "# builds:"
#: The line that says of the build named first that it is on trial: the one before guards it (agent.trial).
_TRIAL = "\n# trial\n"
_SCRIPT = f"""\
#!/usr/bin/env python3
{_NAMES} {{names}}{{trial}}import os, sys
here = os.path.dirname(os.path.abspath(__file__))
{{guard}}sys.path.insert(0, os.path.join(here, "{{current}}"))
from roosync_ops.agent.main import main
sys.exit(main())
"""
#: Whatever keeps the loop starts the guard with it, from the build before; there is never but one.
_GUARD = """\
import subprocess
if sys.argv[1:2] == ["run"]:
    guard = [sys.executable, "-I", "-S", "-B", os.path.join(here, "{previous}"), "guard", *sys.argv[2:]]
    try:
        subprocess.call(guard, stdin=-3, stdout=-3, stderr=-3, timeout=30)
    except Exception:
        pass
"""
#: A build says which it is at its end, in the zip's comment: remote_script.bundle writes it.
_COMMENT = re.compile(rb"roosync-ops agent \S{1,40} ([0-9a-f]{16})\Z")


def named_builds(folder: str) -> list[str]:
    """Return the files that `agent.pyz` names: what is to run, and what ran before. Itself where it is a build."""
    head = _head(folder)
    if head is None:
        return []
    line = head.partition(_NAMES.encode())[2].partition(b"\n")[0].decode("ascii", "replace")
    return [name for name in line.split() if BUILD_FILE.fullmatch(name)] or [AGENT_NAME]


def on_trial(folder: str) -> list[str]:
    """Return the build on trial and the one that guards it; nothing where none is."""
    names = named_builds(folder) if _TRIAL.encode() in (_head(folder) or b"") else []
    return names if len(names) > 1 else []


def _head(folder: str) -> bytes | None:
    try:
        with open(os.path.join(folder, AGENT_NAME), "rb") as file:
            return file.read(256)
    except OSError:
        return None


def entry(path: str) -> str:
    """Return what is to start the build in `path` once it is named; a copy that lies elsewhere starts itself."""
    folder, name = os.path.split(path)
    script = os.path.join(folder, AGENT_NAME)
    return script if BUILD_FILE.fullmatch(name) and os.path.exists(script) else path


def adopt(local_dir: str, *, sweeps: bool = True) -> list[str]:
    """Have `agent.pyz` name the build that runs this code; return what it named before. Nothing else may run.

    Builds that are named no more are removed if it `sweeps`: another rollout may be about to start one. A build that
    lies elsewhere is a user's own copy: nothing is changed.
    """
    folder, name = os.path.split(bundle_path() or "")
    before = named_builds(local_dir)
    if not BUILD_FILE.fullmatch(name) or os.path.normcase(folder) != os.path.normcase(local_dir):
        return before
    with Using(local_dir):
        if before == [AGENT_NAME]:
            before = _kept(local_dir)
        names = [name, *(other for other in before if other != name)][:2]
        if names != before:
            _point(local_dir, names)
        if sweeps:
            _sweep(local_dir, names)
    return before


def put(local_dir: str, name: str, data: bytes) -> None:
    """Put a first build there and have `agent.pyz` name it. OSError passes through."""
    _write(os.path.join(local_dir, name), data)
    _point(local_dir, [name])


def name_builds(local_dir: str, names: list[str], *, trial: bool = False) -> None:
    """Have `agent.pyz` name these, the first of them on `trial` or for good. OSError passes through."""
    if names and (names != named_builds(local_dir) or trial != bool(on_trial(local_dir))):
        _point(local_dir, names, trial=trial)


def _point(local_dir: str, names: list[str], *, trial: bool = False) -> None:
    """Write `agent.pyz` anew, whole or not at all."""
    guard = _GUARD.format(previous=names[-1]) if trial else ""
    text = _SCRIPT.format(names=" ".join(names), trial=_TRIAL if trial else "\n", guard=guard, current=names[0])
    _write(os.path.join(local_dir, AGENT_NAME), text.encode())


def _kept(local_dir: str) -> list[str]:
    """Give a build that is `agent.pyz` itself a file of its own, and return its name; nothing where it is none."""
    with open(os.path.join(local_dir, AGENT_NAME), "rb") as file:
        data = file.read()
    found = _COMMENT.search(data[-80:])
    if found is None:
        return []
    name = f"agent-{found[1].decode()}.pyz"
    _write(os.path.join(local_dir, name), data)
    return [name]


def _write(path: str, data: bytes) -> None:
    from .share import replace_file  # noqa: PLC0415 - only a change writes: `status` is asked more often

    folder, name = os.path.split(path)
    replace_file(path, os.path.join(folder, f".{name}.{os.getpid()}.new"), data, 0o700)


def _sweep(local_dir: str, names: list[str]) -> None:
    for name in os.listdir(local_dir):
        if BUILD_FILE.fullmatch(name) and name not in names:
            remove(os.path.join(local_dir, name))  # one that a process still runs from goes at the next start
