"""What lines of PowerShell do, read by its grammar: for scripts whose cmdlets and types are a test's stubs.

It knows the part of the language that our own scripts use, and raises on any other, so that nothing is passed over. It
is no PowerShell: what a cmdlet really does, and how a real console takes a line, only a real Windows tells.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from .powershell_expressions import Block, Expressions
from .powershell_tree import catch_clause, innermost, of_type, parse, text
from .powershell_values import Thrown, added, is_true, listed, plain, unwrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tree_sitter import Node

_KINDS: Final = {"$_": "variable"}
_SKIPPED: Final = frozenset(["{", "}", ";", "comment", "@(", "$(", "(", ")", ",", " "])


class _Continue(Exception):  # noqa: N818 - it is no error
    pass


class Lines(Expressions):
    """Runs a script. `commands` are called as (positional, named, piped); `types` by their names."""

    def __init__(
        self, commands: Mapping[str, Callable[..., Any]], types: Mapping[str, Any], environment: Mapping[str, str]
    ) -> None:
        super().__init__(types, environment)
        self.commands = {name.lower(): command for name, command in commands.items()}
        self.functions: dict[str, Node] = {}

    def run(self, script: str) -> list[Any]:
        """Return what the script puts out. Raises Thrown."""
        return self.statements(parse(script))

    def statements(self, node: Node) -> list[Any]:
        found: list[Any] = []
        for child in node.children:
            if innermost(child).type not in _SKIPPED:
                found += self.output(child)
        return found

    def output(self, node: Node) -> list[Any]:
        """Run a statement; return what it puts out."""
        node = innermost(node)
        special = getattr(self, f"do_{node.type}", None)
        if special is not None:
            done: list[Any] = special(node)
            return done
        return listed(self.value(node))

    def value(self, node: Node) -> Any:
        """Return what an expression is."""
        node = innermost(node)
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
            return self.output(of_type(catch_clause(clause), "statement_block"))

    def do_flow_control_statement(self, node: Node) -> list[Any]:
        if text(node.children[0]) == "continue":
            raise _Continue
        assert text(node.children[0]) == "throw"
        raise Thrown(plain(self.value(node.children[1])))

    def do_assignment_expression(self, node: Node) -> list[Any]:
        target, operator, source = (each for each in node.children if each.type != "comment")
        values = self.output(source)
        node = innermost(source)
        value = values if node.type in ("array_expression", "array_literal_expression") else unwrapped(values)
        if node.type in (
            "cast_expression",
            "variable",
            "invokation_expression",
            "additive_expression",
            "member_access",
        ):
            value = self.value(source)
        self.assign(target, value if text(operator) == "=" else added(self.value(target), value))
        return []

    def assign(self, target: Node, value: Any) -> None:
        target = innermost(target)
        if target.type == "member_access":
            self.value(target.children[0])[text(target.children[2])] = value
        else:
            self.scopes[-1][text(target)[1:].lower()] = value

    def do_pipeline_chain(self, node: Node) -> list[Any]:
        piped: list[Any] | None = None
        for part in node.children:
            if part.type != "|":
                piped = self.output(part) if piped is None else self.command(innermost(part), piped)
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
            inner = innermost(each)
            if inner.type == "command_parameter":
                waiting = text(inner)[1:].lower()
                named[waiting] = True
            elif waiting is not None:
                named[waiting] = self.value(inner)
                waiting = None
            else:
                positional.append(self.arguments_of(inner) if inner.type == "argument_list" else self.value(inner))
        return positional, named


class _Error:
    """`$_` in a catch."""

    def __init__(self, error: Thrown) -> None:
        self.exception = self
        self.message = str(error)
