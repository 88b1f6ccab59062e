"""`roosync-ops mcp` says what to write into .mcp.json, what is missing, and what it will not do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from roosync_ops.cli import mcp as command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from .conftest import Done


def test_the_configuration_names_everything_in_full(run: Callable[..., Done], place: Path) -> None:
    typed = ["--shared", "/mnt/the share", "--deadline", "3", "--memory", "kept", "--allow-changes"]
    found = run("mcp", "--print-config", *typed).document
    server = found["mcpServers"]["roosync-ops"]
    assert server["type"] == "stdio"
    words = ["--inventory", str(place / "inventory.py"), "--deadline", "3.0", "--memory", str(place / "kept")]
    assert server["args"][-8:] == ["mcp", *words, "--allow-changes"]
    assert server["env"] == {"ROOSYNC_SHARED_PATH": "/mnt/the share"}


def test_without_the_extra_there_is_one_sentence(run: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "find_spec", lambda _: None)
    done = run("mcp")
    assert done.code == 1
    assert done.err == (
        "Error: the assistant tools need the MCP SDK, which is not here\nNext:  pip install 'roosync-ops[mcp]'\n"
    )
    assert run("mcp", "--print-config").code == 0


def test_changes_over_http_are_refused(run: Callable[..., Done]) -> None:
    done = run("mcp", "--http", "0", "--allow-changes")
    assert done.code == 2
    assert "every user of this computer" in done.err
