"""`python -m roosync_ops` is `roosync-ops`. Ctrl-C before anything is loaded is an end, not a traceback."""

import os
import sys
from typing import Final

_INTERRUPTED: Final = 130


def main() -> int:
    """Load the command line and run it."""
    # We use no plugin of pydantic's, and to look for some it reads what every installed package says of itself.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        from roosync_ops.cli import main as run  # noqa: PLC0415 - loading takes a while, and may be interrupted

        return run()
    except KeyboardInterrupt:
        return _INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
