"""`python -m roosync_ops.agent VERB`: the agent straight from a source tree."""

from __future__ import annotations

import sys

from .main import main

sys.exit(main())
