"""The syntax tree of lines of PowerShell, and its texts; for powershell_lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import tree_sitter
import tree_sitter_powershell

if TYPE_CHECKING:
    from tree_sitter import Node

_PARSER: Final = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
_WHOLE: Final = ("command", "flow_control_statement")


def parse(script: str) -> Node:
    return _PARSER.parse(script.encode()).root_node


def text(node: Node) -> str:
    assert node.text is not None
    return node.text.decode()


def unescaped(data: bytes) -> str:
    return re.sub(r"`(.)|\"\"", lambda found: _ESCAPES.get(found[1], found[1]) if found[1] else '"', data.decode())


def innermost(node: Node) -> Node:
    while len(node.children) == 1 and node.children[0].text == node.text and node.type not in _WHOLE:
        node = node.children[0]
    return node


def catch_clause(node: Node) -> Node:
    return node if node.type == "catch_clause" else of_type(node, "catch_clause")


def of_type(node: Node, kind: str) -> Node:
    return next(each for each in walk(node) if each.type == kind)


def walk(node: Node) -> list[Node]:
    return [node, *(inner for child in node.children for inner in walk(child))]
