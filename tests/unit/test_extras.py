"""An extra is installed from where this installation came from; our name in an index may be anybody's."""

from __future__ import annotations

import json
import shlex
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from roosync_ops import extras

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def installed(monkeypatch: pytest.MonkeyPatch, origin: Any, *, checkout: Path | None = None) -> list[str]:
    """Return what is to be installed where `origin` is the direct_url.json, beside no checkout or in one."""
    text = origin if isinstance(origin, str) or origin is None else json.dumps(origin)
    ours = SimpleNamespace(
        read_text=lambda _: text, requires=["typer<1", "mcp<3,>=2.3; extra == 'mcp'", 'apprise>=2; extra == "notify"']
    )
    monkeypatch.setattr(extras, "distribution", lambda _: ours)
    monkeypatch.setattr(extras, "find_spec", lambda _: "as if pip were here")
    monkeypatch.setattr(extras, "__file__", f"{checkout or '/nowhere'}/roosync_ops/extras.py")
    words = shlex.split(extras.install("mcp"))
    assert words[:4] == [sys.executable, "-m", "pip", "install"]
    return words[4:]


def test_a_checkout_is_installed_again_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a checkout"
    folder.mkdir()
    url = folder.as_uri()
    assert installed(monkeypatch, {"url": url, "dir_info": {"editable": True}}) == ["-e", f"{folder}[mcp]"]
    assert installed(monkeypatch, {"url": url, "dir_info": {}}) == [f"{folder}[mcp]"]


def test_a_wheel_is_named_by_its_file_while_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = tmp_path / "roosync_ops-0.1.0-py3-none-any.whl"
    wheel.touch()
    origin = {"url": wheel.as_uri(), "archive_info": {}}
    assert installed(monkeypatch, origin) == [f"roosync-ops[mcp] @ {wheel.as_uri()}"]
    wheel.unlink()
    assert installed(monkeypatch, origin) == ["mcp<3,>=2.3"]


def test_a_repository_is_named_with_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    origin = {"url": "https://example.invalid/r.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}
    assert installed(monkeypatch, origin) == [f"roosync-ops[mcp] @ git+https://example.invalid/r.git@{COMMIT}"]
    assert installed(monkeypatch, {**origin, "subdirectory": "ops"})[0].endswith(f"@{COMMIT}#subdirectory=ops")


@pytest.mark.parametrize("origin", [None, "", "{", {}, {"url": "file:///gone", "dir_info": {}}])
def test_without_a_source_the_extras_own_packages_are_named(origin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert installed(monkeypatch, origin) == ["mcp<3,>=2.3"]


def test_what_runs_in_a_checkout_is_installed_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyproject.toml").touch()
    assert installed(monkeypatch, None, checkout=tmp_path) == [f"{tmp_path}[mcp]"]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ("home = /x\nuv = 0.9.1\n", ["uv", "pip", "install", "--python", sys.executable, "mcp<3,>=2.3"]),
        ("home = /uv = \n", [sys.executable, "-m", "ensurepip"]),
        (None, [sys.executable, "-m", "ensurepip"]),
    ],
)
def test_an_environment_without_pip_is_filled_by_what_made_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: str | None, words: list[str]
) -> None:
    installed(monkeypatch, None)
    if made is not None:
        (tmp_path / "pyvenv.cfg").write_text(made)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    assert shlex.split(extras.install("mcp")) == words
