"""What lines of PowerShell do, read by its grammar: for scripts whose cmdlets and types are a test's stubs.

It knows the part of the language that our own scripts use, and raises on any other, so that nothing is passed over. It
is no PowerShell: what a cmdlet really does, and how a real console takes a line, only a real Windows tells.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import tree_sitter
import tree_sitter_powershell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tree_sitter import Node

_PARSER: Final = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
_WHOLE: Final = ("command", "flow_control_statement")
_KINDS: Final = {"$_": "variable"}
_SKIPPED: Final = frozenset(["{", "}", ";", "comment", "@(", "$(", "(", ")", ",", " "])


class Thrown(Exception):  # noqa: N818 - as PowerShell calls it
    """A `throw`, or a cmdlet that failed."""


class _Continue(Exception):  # noqa: N818 - it is no error
    pass


class Block(NamedTuple):
    """A script block: `{ ... }`."""

    node: Node


def text(node: Node) -> str:
    assert node.text is not None
    return node.text.decode()


def plain(value: Any) -> str:
    """Return a value as PowerShell writes it into a string."""
    if value is None:
        return ""
    return " ".join(map(plain, value)) if isinstance(value, list) else str(value)


def is_true(value: Any) -> bool:
    if isinstance(value, (list, bytes)):
        return bool(value) if len(value) != 1 else bool(value[0])
    return bool(value)


def listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, (list, bytes)) else [value]


def unwrapped(values: list[Any]) -> Any:
    return None if not values else values[0] if len(values) == 1 else values


def member(value: Any, name: str) -> Any:
    """Return a property or a method (`GetOwner` is a stub's `get_owner`); of a list, that of each."""
    if isinstance(value, list) and name.lower() not in ("count", "length"):
        return [member(each, name) for each in value]
    if isinstance(value, dict):
        return value[name]
    builtin = _OF_LISTS if isinstance(value, (list, bytes)) else _OF_TEXTS if isinstance(value, str) else {}
    if name.lower() in builtin:
        return builtin[name.lower()](value)
    for found in dir(value):
        if found.replace("_", "") == name.lower():
            return getattr(value, found)
    raise Thrown(f"The property '{name}' cannot be found on {value!r}.")


_OF_LISTS: Final[dict[str, Callable[[Any], Any]]] = {"count": len, "length": len}
_OF_TEXTS: Final[dict[str, Callable[[Any], Any]]] = {
    "length": len,
    "split": lambda value: value.split,
    "trim": lambda value: value.strip,
    "trimstart": lambda value: value.lstrip,
    "substring": lambda value: lambda start: value[start:],
    "replace": lambda value: value.replace,
    "tolowerinvariant": lambda value: value.lower,
    "startswith": lambda value: (
        lambda part, how: (
            value.lower().startswith(part.lower()) if how == "OrdinalIgnoreCase" else value.startswith(part)
        )
    ),
}


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _equal(left: Any, right: Any) -> bool:
    return bool(_folded(left) == _folded(type(left)(right) if isinstance(left, str) else right))


def _replaced(left: Any, right: Any) -> str:
    pattern, instead = right if isinstance(right, list) else (right, "")
    return re.sub(pattern, re.sub(r"\$(\d)", r"\\\1", instead), plain(left), flags=re.IGNORECASE)


_COMPARE: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "-eq": _equal,
    "-ne": lambda left, right: not _equal(left, right),
    "-lt": lambda left, right: left < right,
    "-gt": lambda left, right: left > right,
    "-contains": lambda left, right: any(_equal(each, right) for each in listed(left)),
    "-notcontains": lambda left, right: not any(_equal(each, right) for each in listed(left)),
    "-ccontains": lambda left, right: right in listed(left),
    "-like": lambda left, right: fnmatchcase(plain(left).lower(), right.lower()),
    "-match": lambda left, right: re.search(right, plain(left), re.IGNORECASE) is not None,
    "-notmatch": lambda left, right: re.search(right, plain(left), re.IGNORECASE) is None,
    "-replace": _replaced,
    "-split": lambda left, right: re.split(right, plain(left)),
    "-join": lambda left, right: right.join(map(plain, listed(left))),
}


class Lines:
    """Runs a script. `commands` are called as (positional, named, piped); `types` by their names."""

    def __init__(
        self, commands: Mapping[str, Callable[..., Any]], types: Mapping[str, Any], environment: Mapping[str, str]
    ) -> None:
        self.commands = {name.lower(): command for name, command in commands.items()}
        self.types = dict(types)
        self.environment = dict(environment)
        self.functions: dict[str, Node] = {}
        self.scopes: list[dict[str, Any]] = [{"true": True, "false": False, "null": None}]

    def run(self, script: str) -> list[Any]:
        """Return what the script puts out. Raises Thrown."""
        return self.statements(_PARSER.parse(script.encode()).root_node)

    def statements(self, node: Node) -> list[Any]:
        found: list[Any] = []
        for child in node.children:
            if _innermost(child).type not in _SKIPPED:
                found += self.output(child)
        return found

    def output(self, node: Node) -> list[Any]:
        """Run a statement; return what it puts out."""
        node = _innermost(node)
        special = getattr(self, f"do_{node.type}", None)
        if special is not None:
            done: list[Any] = special(node)
            return done
        return listed(self.value(node))

    def value(self, node: Node) -> Any:
        """Return what an expression is."""
        node = _innermost(node)
        if hasattr(self, f"do_{node.type}"):
            return unwrapped(self.output(node))
        return getattr(self, f"of_{_KINDS.get(node.type, node.type)}")(node)

    # statements

    do_program = do_statement_list = do_statement_block = do_script_block = do_script_block_body = statements

    def do_if_statement(self, node: Node) -> list[Any]:
        held: list[Node] = [each for each in node.children if each.type not in ("(", ")", "if", "elseif")]
        while held:
            first = held.pop(0)
            if first.type in ("elseif_clause", "elseif_clauses"):
                held = [*(each for each in first.children if each.type not in ("(", ")", "elseif")), *held]
            elif first.type == "else_clause":
                return self.output(first.children[-1])
            else:
                block = held.pop(0)
                if is_true(self.value(first)):
                    return self.output(block)
        return []

    def do_foreach_statement(self, node: Node) -> list[Any]:
        variable, values, block = (each for each in node.children if each.type not in ("foreach", "(", "in", ")"))
        found: list[Any] = []
        for value in self.output(values):
            self.scopes[-1][text(variable)[1:].lower()] = value
            try:
                found += self.output(block)
            except _Continue:
                continue
        return found

    def do_for_statement(self, node: Node) -> list[Any]:
        first, condition, step, block = (each for each in node.children if each.type not in ("for", "(", ")", ";"))
        found = self.output(first)
        while is_true(self.value(condition)):
            found += self.output(block)
            self.output(step)
        return found

    def do_post_increment_expression(self, node: Node) -> list[Any]:
        self.assign(node.children[0], self.value(node.children[0]) + 1)
        return []

    def do_function_statement(self, node: Node) -> list[Any]:
        [name] = [each for each in node.children if each.type == "function_name"]
        self.functions[text(name).lower()] = node
        return []

    def do_try_statement(self, node: Node) -> list[Any]:
        _, block, clause = node.children
        try:
            return self.output(block)
        except Thrown as error:
            self.scopes[-1]["_"] = _Error(error)
            return self.output(_of_type(_innermost_clause(clause), "statement_block"))

    def do_flow_control_statement(self, node: Node) -> list[Any]:
        if text(node.children[0]) == "continue":
            raise _Continue
        assert text(node.children[0]) == "throw"
        raise Thrown(plain(self.value(node.children[1])))

    def do_assignment_expression(self, node: Node) -> list[Any]:
        target, operator, source = (each for each in node.children if each.type != "comment")
        values = self.output(source)
        node = _innermost(source)
        value = values if node.type in ("array_expression", "array_literal_expression") else unwrapped(values)
        if node.type in (
            "cast_expression",
            "variable",
            "invokation_expression",
            "additive_expression",
            "member_access",
        ):
            value = self.value(source)
        self.assign(target, value if text(operator) == "=" else _added(self.value(target), value))
        return []

    def assign(self, target: Node, value: Any) -> None:
        target = _innermost(target)
        if target.type == "member_access":
            self.value(target.children[0])[text(target.children[2])] = value
        else:
            self.scopes[-1][text(target)[1:].lower()] = value

    def do_pipeline_chain(self, node: Node) -> list[Any]:
        piped: list[Any] | None = None
        for part in node.children:
            if part.type != "|":
                piped = self.output(part) if piped is None else self.command(_innermost(part), piped)
        return piped or []

    def do_command(self, node: Node) -> list[Any]:
        return self.command(node, None)

    def command(self, node: Node, piped: list[Any] | None) -> list[Any]:
        positional, named = self.arguments(node)
        if node.children[0].type != "command_name":
            called = self.value(node.children[1])
            if isinstance(called, Block):
                return self.call(called.node, {})
            return listed(self.commands["&"]([called, *positional], named, piped))
        name = text(node.children[0]).lower()
        if name in ("where-object", "foreach-object"):
            return self.each(name, positional[0], piped or [])
        if name in self.functions:
            return self.function(self.functions[name], positional)
        return listed(self.commands[name](positional, named, piped))

    def each(self, name: str, block: Block, piped: list[Any]) -> list[Any]:
        found: list[Any] = []
        before = self.scopes[-1].get("_")
        for value in piped:
            self.scopes[-1]["_"] = value
            told = self.statements(block.node)
            found += told if name == "foreach-object" else [value] if is_true(unwrapped(told)) else []
        self.scopes[-1]["_"] = before
        return found

    def function(self, node: Node, positional: list[Any]) -> list[Any]:
        declared = [each for each in node.children if each.type == "function_parameter_declaration"]
        names = re.findall(r"\$(\w+)", text(declared[0])) if declared else []
        body = [each for each in node.children if each.type in ("script_block", "script_block_body", "statement_list")]
        values = {name.lower(): value for name, value in zip(names, positional, strict=True)}
        return self.call(body[0], values)

    def call(self, node: Node, values: dict[str, Any]) -> list[Any]:
        self.scopes.append(values)
        try:
            return self.statements(node)
        finally:
            self.scopes.pop()

    def arguments(self, node: Node) -> tuple[list[Any], dict[str, Any]]:
        positional: list[Any] = []
        named: dict[str, Any] = {}
        waiting: str | None = None
        held = [each for part in node.children if part.type == "command_elements" for each in part.children]
        for each in held:
            if each.type == "command_argument_sep":
                continue
            inner = _innermost(each)
            if inner.type == "command_parameter":
                waiting = text(inner)[1:].lower()
                named[waiting] = True
            elif waiting is not None:
                named[waiting] = self.value(inner)
                waiting = None
            else:
                positional.append(self.arguments_of(inner) if inner.type == "argument_list" else self.value(inner))
        return positional, named

    # expressions

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
                parts += [_unescaped(node.text[at:start]), plain(self.value(child))]
                at = end
        return "".join([*parts, _unescaped(node.text[at:-1])])

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
        inner = _innermost(node.children[1])
        return self.value(inner)

    def of_sub_expression(self, node: Node) -> Any:
        return unwrapped(self.statements(node))

    def of_hash_literal_expression(self, node: Node) -> dict[str, Any]:
        entries = [each for each in _walk(node) if each.type == "hash_entry"]
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
        return _COMPARE[text(operator)](self.value(left), self.value(right))

    def of_additive_expression(self, node: Node) -> Any:
        left, operator, right = node.children
        assert text(operator) == "+"
        return _added(self.value(left), self.value(right))

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


class _Error:
    """`$_` in a catch."""

    def __init__(self, error: Thrown) -> None:
        self.exception = self
        self.message = str(error)


def _added(left: Any, right: Any) -> Any:
    if isinstance(left, list):
        return left + listed(right)
    return left + (plain(right) if isinstance(left, str) else right)


def _unescaped(data: bytes) -> str:
    return re.sub(r"`(.)|\"\"", lambda found: _ESCAPES.get(found[1], found[1]) if found[1] else '"', data.decode())


def _innermost(node: Node) -> Node:
    while len(node.children) == 1 and node.children[0].text == node.text and node.type not in _WHOLE:
        node = node.children[0]
    return node


def _innermost_clause(node: Node) -> Node:
    return node if node.type == "catch_clause" else _of_type(node, "catch_clause")


def _of_type(node: Node, kind: str) -> Node:
    return next(each for each in _walk(node) if each.type == kind)


def _walk(node: Node) -> list[Node]:
    return [node, *(inner for child in node.children for inner in _walk(child))]
