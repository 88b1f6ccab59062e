"""A next command that a table gives is about the fleet the table is about."""

from pathlib import Path

import pytest

from roosync_ops.cli import options


@pytest.mark.parametrize(
    ("inventory", "shared", "via", "flags"),
    [
        pytest.param(Path("inventory.py"), None, None, "", id="defaults"),
        pytest.param(Path("inventory.py"), "/set/in/env", None, "", id="share from the environment"),
        pytest.param(Path("inventory.py"), "/my share", None, "--shared '/my share'", id="share with a space"),
        pytest.param(Path("lab.py"), None, "m1", "--inventory lab.py --via m1", id="another inventory"),
    ],
)
def test_only_what_was_typed_needs_typing_again(
    inventory: Path, shared: str | None, via: str | None, flags: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shared != "/my share" and shared is not None:
        monkeypatch.setenv("ROOSYNC_SHARED_PATH", "/set/in/env")
    assert options.to_repeat(inventory, shared, via) == flags
