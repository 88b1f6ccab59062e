"""The MCP inspector's command line and the MCP conformance suite, on the Node they want: what judges our MCP server.

Installed once, from package-lock.json, into `$XDG_CACHE_HOME/roosync-ops/npm-<hash>` (about 145 MB, half a minute). The
lock names no registry: npm takes the packages from where this machine's own settings say.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

if TYPE_CHECKING:
    from collections.abc import Mapping

_HERE = Path(__file__).parent
_FILES = ("package.json", "package-lock.json")
_INSPECTOR = "@modelcontextprotocol/inspector/clients/launcher/build/index.js"
_CONFORMANCE = "@modelcontextprotocol/conformance/dist/index.js"
_INSTALL_S = 600


def why_not() -> str | None:
    """Return why there is none of it here, or None."""
    return None if shutil.which("npm") else "no npm (Debian: npm)"


def modules() -> Path:
    """Return the folder `node_modules`, installed on first use."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "roosync-ops"
    root.mkdir(parents=True, exist_ok=True)
    mark = hashlib.sha256(b"\0".join((_HERE / name).read_bytes() for name in _FILES)).hexdigest()[:16]
    place = root / f"npm-{mark}"
    with FileLock(f"{place}.lock"):
        if not place.is_dir():
            _install(place)
    return place / "node_modules"


def _install(place: Path) -> None:
    fresh = place.with_name(f"{place.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    for name in _FILES:
        shutil.copy(_HERE / name, fresh)
    subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=fresh,
        check=True,
        timeout=_INSTALL_S,
        stdin=subprocess.DEVNULL,
    )
    fresh.rename(place)


def _node() -> Path:
    return next(modules().glob("node-linux-*/bin/node"))


def _run(program: str, *words: str | Path, env: Mapping[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(_node()), str(modules() / program), *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
        stdin=subprocess.DEVNULL,
        env={**env, "MCP_INSPECTOR_SECRET_STORE": "memory"},
        cwd=cwd,
    )


def inspect(config: Path, method: str, *words: str, env: Mapping[str, str]) -> dict[str, Any]:
    """Start the server of `config` (a .mcp.json) as an assistant does, ask it one thing, and return its answer.

    `env` is the server's too. The inspector has its home beside `config`.
    """
    own = {**env, "HOME": str(config.parent)}
    passed = [word for name in own for word in ("-e", f"{name}={own[name]}")]
    line = ["--cli", "--config", str(config), "--server", "roosync-ops", *passed, "--method", method, *words]
    done = _run(_INSPECTOR, *line, env={"PATH": os.environ["PATH"], **own}, cwd=config.parent)
    assert done.stdout, done.stderr
    value, _ = json.JSONDecoder().raw_decode(done.stdout)  # behind an error the inspector prints a second document
    assert isinstance(value, dict), done.stdout
    return value


def call(config: Path, tool: str, arguments: Mapping[str, Any], env: Mapping[str, str]) -> dict[str, Any]:
    """Call one tool through the inspector, and return what it shows."""
    words = ["--tool-name", tool, "--tool-args-json", json.dumps(arguments)]
    return inspect(config, "tools/call", *words, env=env)


def conformance(url: str, baseline: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the published server scenarios against `url`; exit code 0 where all is as `baseline` says."""
    env = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return _run(_CONFORMANCE, "server", "--url", url, "--expected-failures", baseline, env=env, cwd=folder)
