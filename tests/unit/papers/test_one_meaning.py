"""One name, one meaning: what a person finds by a class's name is that class, in whatever room."""

import ast
from collections import defaultdict
from pathlib import Path

_PRODUCT = Path(__file__).parents[3] / "roosync_ops"
#: How a document looks for pydantic's schema is told apart by its room: a schema has the name of what it describes.
_SCHEMAS = "show/schemas"


def test_no_two_classes_have_the_same_name() -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(_PRODUCT.rglob("*.py")):
        where = path.relative_to(_PRODUCT).as_posix()
        if not where.startswith(_SCHEMAS):
            for node in ast.parse(path.read_text("utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found[node.name].append(where)
    assert {name: rooms for name, rooms in found.items() if len(rooms) > 1} == {}
