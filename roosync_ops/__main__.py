"""`python -m roosync_ops` is `roosync-ops`. Ctrl-C before anything is loaded is an end, not a traceback."""

import sys
from typing import Final

_INTERRUPTED: Final = 130


def main() -> int:
    """Load the command line and run it."""
    try:
        from roosync_ops.cli import main as run  # noqa: PLC0415 - loading takes a while, and may be interrupted

        return run()
    except KeyboardInterrupt:
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
