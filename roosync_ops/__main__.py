"""`python -m roosync_ops` is `roosync-ops`."""

import sys

from roosync_ops.cli import main

if __name__ == "__main__":
    sys.exit(main())
