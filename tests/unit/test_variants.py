"""The altered builds of the tests are altered: each says which text of the product it replaces."""

from pathlib import Path

import pytest

import roosync_ops
from tests.kits.variant import BAD, GOOD


@pytest.mark.parametrize(("name", "old", "new"), [*BAD.values(), GOOD], ids=[*BAD, "good"])
def test_every_altered_build_differs_from_the_product(name: str, old: str, new: str) -> None:
    text = (Path(roosync_ops.__file__).parents[1] / name).read_text("utf-8")
    assert text.replace(old, new, 1) != text
