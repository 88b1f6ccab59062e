"""What installs an extra of this installation, from where it came from."""

import json
import shlex
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

_NAME = "roosync-ops"


def install(extra: str) -> str:
    """Return the command that installs an extra into this Python.

    Its source is that of the installation (PEP 610, direct_url.json), else a checkout that holds this file. Our name
    alone is never said: in a public index it may be another's. Where there is no source, the extra's own packages are.
    """
    origin, requires = {}, list[str]()
    with suppress(PackageNotFoundError, ValueError):
        ours = distribution(_NAME)
        requires = ours.requires or []
        origin = json.loads(ours.read_text("direct_url.json") or "{}")
    packages = [each.partition(";")[0].strip() for each in requires if f"extra == '{extra}'" in each.replace('"', "'")]
    root = Path(__file__).parents[1]
    checkout = [f"{root}[{extra}]"] if (root / "pyproject.toml").is_file() else []
    words = [sys.executable, "-m", "pip", "install", *(_source(origin, extra) or checkout or packages)]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def _source(origin: dict[str, Any], extra: str) -> list[str]:
    url = str(origin.get("url", ""))
    path = Path(url2pathname(urlsplit(url).path)) if url.startswith("file:") else None
    below = f"#subdirectory={origin['subdirectory']}" if origin.get("subdirectory") else ""
    if vcs := origin.get("vcs_info"):
        return [f"{_NAME}[{extra}] @ {vcs['vcs']}+{url}@{vcs['commit_id']}{below}"]
    if not url or (path is not None and not path.exists()):
        return []
    if "dir_info" in origin and path is not None:
        return [*(["-e"] if origin["dir_info"].get("editable") else []), f"{path}[{extra}]"]
    return [f"{_NAME}[{extra}] @ {url}{below}"]
