"""What runs on a machine: verbs, loop, bounded share access, locks, local truth, permanence.

Standard library only, CPython 3.9 and later; imports `roosync_ops.wire` and nothing else of ours. What the loop loads
it holds for months, so those modules import neither typing, dataclasses, hashlib, subprocess, pathlib nor argparse.
"""

import os
import sys
import zipimport


class Once(zipimport.zipimporter):
    """Compiles a module when it is run, and not as zipimport does also to say what its file is called."""

    def get_filename(self, fullname: str) -> str:
        name = os.path.join(self.archive, self.prefix + fullname.rpartition(".")[2])
        return os.path.join(name, "__init__.py") if self.is_package(fullname) else f"{name}.py"


if isinstance(__spec__.loader, zipimport.zipimporter):
    sys.path_hooks.insert(0, Once)
