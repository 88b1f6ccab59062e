"""The command that runs the loop when the permanence starts it."""

from __future__ import annotations

import json
import subprocess
import sys

from roosync_ops.agent.build import bundle_path, source_root
from roosync_ops.agent.builds import entry
from roosync_ops.agent.config import Config
from roosync_ops.agent.errors import LocalError
from roosync_ops.agent.flags import Flags
from roosync_ops.wire import local
from roosync_ops.wire.local import FILE_MODE
from roosync_ops.wire.typed import Any

#: Isolated from the user's environment and site packages, and no bytecode written: only the standard library is used.
_ISOLATED = ["-I", "-S", "-B"]


def run_words(config: Config, flags: Flags, supervised: str) -> list[str]:
    """Return the words of a `run` that resolves to the same configuration as `flags` did here and now.

    Only what was typed is repeated, and what came from an environment that will not be there: config.json is read
    again at each start, so a rollout that changes it needs nothing more than a restart.
    """
    words = ["run", "--supervised", supervised, "--local-dir", config.local_dir]
    shared = config.shared if flags.shared or config.shared_from_environment else None
    typed = {
        "--shared": shared,
        "--machine-id": flags.machine_id,
        "--heartbeat-interval": flags.heartbeat_interval,
        "--offline-timeout": flags.offline_timeout,
        "--share-deadline": flags.share_deadline,
        "--metadata": None if flags.metadata is None else json.dumps(flags.metadata, separators=(",", ":")),
    }
    for name, value in typed.items():
        if value is not None:
            words += [name, str(value)]
    return words if flags.auto_sync is None else [*words, "--no-auto-sync"]


def text_in(path: str) -> str:
    """Return the text of a file of ours, empty where there is none."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""


def tail(path: str) -> str | None:
    """Return the end of what a process of ours wrote into a file, in one line; None where that is nothing."""
    return " ".join(text_in(path).split())[-400:] or None


def write_text(path: str, text: str, mode: int = FILE_MODE) -> bool:
    """Write a file of ours whole; False where it says so already. OSError."""
    if text_in(path) == text:
        return False
    local.write(path, text.encode("utf-8", "surrogateescape"), mode)
    return True


def changed_lines(there: str, wanted: str) -> tuple[str, str]:
    """Return the lines of `there` that are not wanted, and those that are and are not there."""
    old, new = there.splitlines(), wanted.splitlines()
    return "; ".join(line for line in old if line not in new), "; ".join(line for line in new if line not in old)


def build_command(root: str, words: list[str]) -> list[str]:
    """Return the command line that gives `words` to the build `root`, by a Python that nothing here changes.

    Raises LocalError where this Python does not know its own path.
    """
    if not sys.executable:
        raise LocalError("Python ne connaît pas son propre chemin", "lancer l'agent par le chemin complet de python3")
    return [sys.executable, *_ISOLATED, root, *words]


def begun(line: list[str], **options: Any) -> subprocess.Popen[bytes]:
    """Begin a process of ours, whose streams lead nowhere but where `options` say so. OSError."""
    options = {**dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL), **options}
    return subprocess.Popen(line, **options)  # noqa: S603 - our own agent, by its absolute path


def agent_command(words: list[str]) -> list[str]:
    """Return the command line that gives `words` to this same agent, from its zipapp or its source tree.

    A `run` is for whatever build is named when it begins, months from now.
    """
    path = bundle_path()
    if path is None:
        return bare_command(words)
    return build_command(entry(path) if words[0] == "run" else path, words)


def bare_command(words: list[str], root: str | None = None) -> list[str]:
    """Return the same without what running a zipapp or `-m` loads first: 250 kB resident, for as long as it runs."""
    root = root or source_root()
    code = f"import sys; sys.path.insert(0, {root!r}); from roosync_ops.agent.main import main; sys.exit(main())"
    return build_command("-c", [code, *words])
