"""`python -m roosync_ops` is `roosync-ops`. Ctrl-C before anything is loaded is an end, not a traceback."""

import gc
import sys
from types import ModuleType
from typing import Any, Final

_INTERRUPTED: Final = 130


def main() -> int:
    """Load the command line and run it."""
    gc.disable()  # until the command is loaded (cli.LazyCommand): nothing of that is garbage
    # We use no plugin of pydantic's; to look for some it reads what every installed package says of itself.
    loader: Any = ModuleType("pydantic.plugin._loader")
    loader.get_plugins = tuple
    sys.modules.setdefault(loader.__name__, loader)
    try:
        from roosync_ops.cli import main as run  # noqa: PLC0415 - loading takes a while, and may be interrupted

        return run()
    except KeyboardInterrupt:
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
