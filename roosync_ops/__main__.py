"""`python -m roosync_ops` is `roosync-ops`. Ctrl-C before anything is loaded is an end, not a traceback."""

import gc
import os
import sys
from types import ModuleType
from typing import Any, Final, NoReturn

_INTERRUPTED: Final = 130


def main() -> int:
    """Load the command line and run it."""
    gc.set_threshold(100_000, 50, 1_000)  # what is loaded and read stays: to search it again and again is for nothing
    # We use no plugin of pydantic's; to look for some it reads what every installed package says of itself.
    loader: Any = ModuleType("pydantic.plugin._loader")
    loader.get_plugins = tuple
    sys.modules.setdefault(loader.__name__, loader)
    try:
        from roosync_ops.cli import main as run  # noqa: PLC0415 - loading takes a while, and may be interrupted

        return run()
    except KeyboardInterrupt:
        return _INTERRUPTED


def program() -> NoReturn:
    """Be `roosync-ops` to its end. No thread or handler that an inventory left behind is waited for, or run."""
    code = main()
    if ssh_files := sys.modules.get("roosync_ops.transport.ssh_files"):
        ssh_files.close()
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.flush()
    os._exit(code)


if __name__ == "__main__":
    program()
