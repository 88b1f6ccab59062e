"""What a command loads and leaves behind before it does anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


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


def test_what_an_inventory_leaves_behind_neither_holds_a_command_up_nor_changes_its_exit_code(tmp_path: Path) -> None:
    inventory = tmp_path / "inventory.py"
    inventory.write_text(
        "import atexit, os, threading\n"
        "from roosync_ops.fleet import machine\n"
        "lab = [machine('m1', expected='online')]\n"
        "threading.Thread(target=threading.Event().wait).start()\n"
        "atexit.register(os._exit, 0)\n"
    )
    (tmp_path / "heartbeats").mkdir()
    words = ["validate", "--inventory", str(inventory), "--shared", str(tmp_path), "--probe", "never"]
    done = subprocess.run(
        [sys.executable, "-m", "roosync_ops", *words], capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, "0/1 machines online" in done.stdout) == (1, True), done.stderr
