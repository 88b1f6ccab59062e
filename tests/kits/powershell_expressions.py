"""What an expression of PowerShell is worth; for powershell_lines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

from .powershell_tree import innermost, text, unescaped, walk
from .powershell_values import COMPARE, Thrown, added, is_true, member, plain, unwrapped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tree_sitter import Node


class Block(NamedTuple):
    """A script block: `{ ... }`."""

    node: Node


class Expressions(ABC):
    """`of_KIND` for each kind of node that is an expression; `types` by their names."""

    def __init__(self, types: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        self.types = dict(types)
        self.environment = dict(environment)
        self.scopes: list[dict[str, Any]] = [{"true": True, "false": False, "null": None}]

    @abstractmethod
    def value(self, node: Node) -> Any:
        """Return what an expression is."""

    @abstractmethod
    def statements(self, node: Node) -> list[Any]:
        """Run what is in a node; return what it puts out."""

    def of_variable(self, node: Node) -> Any:
        name = text(node).strip("${}").lower()
        if name.startswith("env:"):
            return self.environment.get(name[4:].upper())
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        raise Thrown(f"The variable '${name}' cannot be retrieved because it has not been set.")

    of_braced_variable = of_variable

    def of_verbatim_string_characters(self, node: Node) -> str:
        return text(node)[1:-1].replace("''", "'")

    def of_expandable_string_literal(self, node: Node) -> str:
        assert node.text is not None
        parts: list[str] = []
        at = 1
        for child in node.children:
            start, end = (place - node.start_byte for place in (child.start_byte, child.end_byte))
            if child.type in ("variable", "braced_variable", "sub_expression"):
                parts += [unescaped(node.text[at:start]), plain(self.value(child))]
                at = end
        return "".join([*parts, unescaped(node.text[at:-1])])

    def of_generic_token(self, node: Node) -> str:
        return text(node)

    def of_decimal_integer_literal(self, node: Node) -> int:
        return int(text(node), 0)

    def of_real_literal(self, node: Node) -> float:
        return float(text(node))

    of_hexadecimal_integer_literal = of_decimal_integer_literal

    def of_array_expression(self, node: Node) -> list[Any]:
        return self.statements(node)

    def of_array_literal_expression(self, node: Node) -> list[Any]:
        return [self.value(each) for each in node.children if each.type != ","]

    def of_parenthesized_expression(self, node: Node) -> Any:
        inner = innermost(node.children[1])
        return self.value(inner)

    def of_sub_expression(self, node: Node) -> Any:
        return unwrapped(self.statements(node))

    def of_hash_literal_expression(self, node: Node) -> dict[str, Any]:
        entries = [each for each in walk(node) if each.type == "hash_entry"]
        return {text(each.children[0]): self.value(each.children[2]) for each in entries}

    def of_script_block_expression(self, node: Node) -> Block:
        return Block(node)

    def of_type_literal(self, node: Node) -> Any:
        return self.types[text(node)[1:-1]]

    def of_cast_expression(self, node: Node) -> Any:
        kind, inner = node.children
        if text(kind) == "[void]":
            self.value(inner)
            return None
        return self.types[text(kind)[1:-1]](self.value(inner))

    def of_expression_with_unary_operator(self, node: Node) -> Any:
        operator, inner = node.children
        if text(operator) == "-":
            return -self.value(inner)
        assert text(operator) == "-not"
        return not is_true(self.value(inner))

    def of_logical_expression(self, node: Node) -> bool:
        left, operator, right = node.children
        first = is_true(self.value(left))
        if text(operator) == "-and":
            return first and is_true(self.value(right))
        assert text(operator) == "-or"
        return first or is_true(self.value(right))

    def of_comparison_expression(self, node: Node) -> Any:
        left, operator, right = node.children
        if text(operator) == "-as":
            return self.types.get(self.value(left))
        return COMPARE[text(operator)](self.value(left), self.value(right))

    def of_additive_expression(self, node: Node) -> Any:
        left, operator, right = node.children
        assert text(operator) == "+"
        return added(self.value(left), self.value(right))

    of_additive_argument_expression = of_additive_expression

    def of_element_access(self, node: Node) -> Any:
        return self.value(node.children[0])[self.value(node.children[2])]

    def of_member_access(self, node: Node) -> Any:
        return member(self.value(node.children[0]), text(node.children[2]))

    def of_invokation_expression(self, node: Node) -> Any:
        return member(self.value(node.children[0]), text(node.children[2]))(*self.arguments_of(node.children[3]))

    def arguments_of(self, node: Node) -> list[Any]:
        held = [each for each in node.children if each.type not in ("(", ")")]
        if held and held[0].type == "argument_expression_list":
            held = [each for each in held[0].children if each.type != ","]
        return [self.value(each) for each in held]
