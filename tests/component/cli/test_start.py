"""What a command loads and leaves behind before it does anything."""

from __future__ import annotations

import subprocess
import sys


def test_pydantic_looks_for_no_plugins_and_children_hear_nothing_of_it() -> None:
    code = (
        "import os, sys; sys.argv = ['roosync-ops', 'machines', 'list', '--inventory', 'none.py']\n"
        "from roosync_ops.__main__ import main\n"
        "assert main() == 2\n"
        "import pydantic.main\n"
        "assert not [name for name in os.environ if name.startswith('PYDANTIC')]\n"
        "assert 'importlib.metadata' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
