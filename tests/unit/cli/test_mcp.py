"""`roosync-ops mcp` says what to write into .mcp.json, what is missing, and what it will not do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from roosync_ops import extras
from roosync_ops.cli import mcp as command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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
    told = f"the assistant tools need the MCP SDK, which is not here\nNext:  {extras.install('mcp')}\n"
    assert done.err == f"Error: {told}"
    printed = run("mcp", "--print-config")
    assert (printed.code, printed.err) == (0, f"What it starts cannot serve yet: {told}")
    assert printed.document["mcpServers"]


@pytest.mark.parametrize(
    "typed",
    [["--shared", "/mnt/${USER}"], ["-i", "${HOME}/inventory.py"], ["--memory", "${X:-kept}"], ["--via", "${A}"]],
)
def test_what_a_client_would_expand_is_not_printed(run: Callable[..., Done], typed: list[str]) -> None:
    done = run("mcp", "--print-config", *typed)
    assert (done.code, done.out) == (2, "")
    assert "clients read ${...} in a .mcp.json as a variable" in done.err


def test_changes_over_http_are_refused(run: Callable[..., Done]) -> None:
    done = run("mcp", "--http", "0", "--allow-changes")
    assert done.code == 2
    assert "every user of this computer" in done.err
