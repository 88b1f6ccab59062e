"""One round trip asks two builds, the one that runs and the one that is to: each answers as itself."""

import json
import subprocess
import sys
from pathlib import Path

from roosync_ops.remote_script import bundle, travel
from tests.kits.agent_process import a_build


def test_a_build_that_is_asked_after_another_is_not_answered_for_by_it(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    other = a_build(tmp_path / "other.pyz", "roosync_ops/agent/answer.py", "import json", "import json\nOTHER = 1")
    builds = [bundle.build(), other]
    for each in builds:
        (tmp_path / each.file_name).write_bytes(each.data)
    asked = [str(tmp_path / each.file_name) for each in (*builds, builds[0])]
    ask = "print(json.dumps([ask(path, ['version'], 60)['buildId'] for path in sys.argv[1:]]))"
    program = f"{travel.source('posix', 'apply')}\n{ask}"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program, *asked], capture_output=True, check=True)
    assert json.loads(done.stdout) == [builds[0].build_id, other.build_id, builds[0].build_id]
