"""What installs an extra of this installation, from where it came from."""

import json
import shlex
import subprocess
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

_NAME = "roosync-ops"


def install(extra: str = "") -> str:
    """Return the command that installs an extra into this Python, or this package alone.

    Its source is that of the installation (PEP 610, direct_url.json), else a checkout that holds this file. Our name
    alone is never said: in a public index it may be another's. Where there is no source, the extra's own packages are.
    An environment without pip is filled by uv where that made it (pyvenv.cfg says so), or is to get pip first.
    """
    origin, requires = {}, list[str]()
    with suppress(PackageNotFoundError, ValueError):
        ours = distribution(_NAME)
        requires = ours.requires or []
        origin = json.loads(ours.read_text("direct_url.json") or "{}")
    packages = [each.partition(";")[0].strip() for each in requires if f"extra == '{extra}'" in each.replace('"', "'")]
    root = Path(__file__).parents[1]
    part = f"[{extra}]" if extra else ""
    checkout = [f"{root}{part}"] if (root / "pyproject.toml").is_file() else []
    asked = _source(origin, part) or checkout or packages
    words = [sys.executable, "-m", "pip", "install", *asked]
    if find_spec("pip") is None:
        made = Path(sys.prefix, "pyvenv.cfg")
        by_uv = made.is_file() and "\nuv = " in f"\n{made.read_text('utf-8', 'replace')}"
        words = ["uv", "pip", "install", "--python", sys.executable, *asked] if by_uv else [*words[:2], "ensurepip"]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def _source(origin: dict[str, Any], part: str) -> list[str]:
    url = str(origin.get("url", ""))
    path = Path(url2pathname(urlsplit(url).path)) if url.startswith("file:") else None
    below = f"#subdirectory={origin['subdirectory']}" if origin.get("subdirectory") else ""
    if vcs := origin.get("vcs_info"):
        return [f"{_NAME}{part} @ {vcs['vcs']}+{url}@{vcs['commit_id']}{below}"]
    if not url or (path is not None and not path.exists()):
        return []
    if "dir_info" in origin and path is not None:
        return [*(["-e"] if origin["dir_info"].get("editable") else []), f"{path}{part}"]
    return [f"{_NAME}{part} @ {url}{below}"]
