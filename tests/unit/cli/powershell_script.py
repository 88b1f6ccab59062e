"""The script of `bootstrap windows`, parsed: its commands, and what their arguments mean."""

from __future__ import annotations

import base64
import struct
from typing import TYPE_CHECKING

import tree_sitter
import tree_sitter_powershell

from roosync_ops.bootstrap.keys import PublicKey

if TYPE_CHECKING:
    from collections.abc import Iterator


PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))


BLOB = base64.b64encode(struct.pack(">I11sI32s", 11, b"ssh-ed25519", 32, bytes(32))).decode()


KEY = PublicKey("ssh-ed25519", BLOB, "me@admin")


def nodes(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


def parsed(script: str) -> tree_sitter.Node:
    return PARSER.parse(script.encode()).root_node


def defects(script: str) -> list[str]:
    """What the grammar cannot read, with its line."""
    broken = [node for node in nodes(parsed(script)) if node.is_error or node.is_missing]
    return [f"{node.start_point.row + 1}: {node.type} {text(node)[:60]}" for node in broken]


def text(node: tree_sitter.Node) -> str:
    assert node.text is not None
    return node.text.decode()


def commands(script: str) -> list[tuple[str, str]]:
    """Every command that is called anywhere in the script (& where it is computed), and its whole text."""
    calls = [node for node in nodes(parsed(script)) if node.type == "command"]
    named = [(call.child_by_field_name("command_name"), call) for call in calls]
    return [(text(name) if name and name.type == "command_name" else "&", text(call)) for name, call in named]


def value(script: str, variable: str) -> tree_sitter.Node:
    """What is first assigned to a variable."""
    for node in nodes(parsed(script)):
        if node.type == "assignment_expression" and text(node).split(" ", 1)[0] == f"${variable}":
            found = node.child_by_field_name("value")
            assert found is not None
            return found
    raise AssertionError(f"${variable} is never assigned")


def meant(expression: tree_sitter.Node) -> str:
    """What PowerShell makes of one of our literals: quotes undoubled, base64 decoded."""
    literals = [text(node) for node in nodes(expression) if node.type == "verbatim_string_characters"]
    assert len(literals) == 1, literals
    plain = literals[0][1:-1].replace("''", "'")
    if "FromBase64String" in text(expression):
        return base64.b64decode(plain, validate=True).decode()
    assert text(expression) == literals[0]
    return plain
