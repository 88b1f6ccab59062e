"""What of the agent's sources stays behind when it is bundled: nothing that runs."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

import pytest

import roosync_ops
from roosync_ops.remote_script import bundle

_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@pytest.fixture(scope="module")
def sources() -> dict[str, bytes]:
    return bundle._stripped(bundle._raw())


def test_docstrings_and_comments_stay_behind_and_every_line_keeps_its_number(sources: dict[str, bytes]) -> None:
    for name, data in sources.items():
        tree = ast.parse(data)
        assert b"TYPE_CHECKING" not in data, name
        original = (Path(roosync_ops.__file__).parents[1] / name).read_text("utf-8")
        assert "I" not in {node.id for node in ast.walk(ast.parse(original)) if isinstance(node, ast.Name)}, name
        documented = [node for node in ast.walk(tree) if isinstance(node, _DOCUMENTED) and ast.get_docstring(node)]
        assert documented == [], name
        assert not [
            token for token in tokenize.tokenize(io.BytesIO(data).readline) if token.type == tokenize.COMMENT
        ], name
        assert ast.dump(_bare(ast.parse(original)), include_attributes=True) == ast.dump(
            _bare(tree), include_attributes=True
        ), name


def _is_of_the_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _is_for_checkers(node: ast.stmt) -> bool:
    about = node.test if isinstance(node, ast.If) else node.targets[0] if isinstance(node, ast.Assign) else None
    return isinstance(about, ast.Name) and about.id == "TYPE_CHECKING"


class _Untyped(ast.NodeTransformer):
    """Takes annotations off."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        """A module of ours has one name, and may be called by it from near or from far."""
        if node.level or (node.module or "").startswith("roosync_ops"):
            node.module, node.level = "", 1
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = "self" if node.id == "I" else node.id
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg = "self" if node.arg == "I" else node.arg
        node.annotation, node.end_lineno = None, node.lineno
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return node
        return ast.copy_location(ast.Assign([node.target], node.value), node)


def _bare(tree: ast.Module) -> ast.Module:
    """Leave out docstrings, the `pass` that stands for a whole one, types and their imports, and columns."""
    tree.body = [node for node in tree.body if not _is_for_checkers(node) and not _is_of_the_future(node)]
    tree = _Untyped().visit(tree)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    for line in tree.body:
        if isinstance(line, ast.ImportFrom):
            line.names = [each for each in line.names if (each.asname or each.name) in used]
            line.end_lineno = line.lineno
            for name in line.names:
                name.lineno = name.end_lineno = line.lineno
    tree.body = [node for node in tree.body if not isinstance(node, ast.ImportFrom) or node.names]
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node):
            del node.body[0]
        if isinstance(node, _DOCUMENTED) and [type(each) for each in node.body] == [ast.Pass]:
            node.body.clear()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and not node.body:
            node.end_lineno = None
        if isinstance(node, (ast.stmt, ast.expr, ast.arg, ast.keyword, ast.alias, ast.excepthandler)):
            node.col_offset = node.end_col_offset = 0
    return tree


def test_no_space_is_left_beside_a_sign_and_every_string_and_word_is_as_it_was() -> None:
    source = b"x = 1 if a else b'c d'\ny = f'{ x } {1 + 1} , ' + d [ -1 : 2 ] or not (z)\nw = 1 .real\n"
    assert bundle._bare(source) == b"x=1 if a else b'c d'\ny=f'{ x } {1 + 1} , '+d[-1:2]or not(z)\nw=1 .real\n"


def test_self_is_one_sign_in_the_agent_and_in_its_f_strings_and_no_other_text_is_touched() -> None:
    source = b"class A:\n    def f(self):\n        return self.x, f'{self.y!r} {itself}', '/proc/self/x', rf'{self}'\n"
    tight = b"class A:\n def f(I):\n  return I.x,f'{I.y!r} {itself}','/proc/self/x',rf'{I}'\n"
    assert bundle._bare(source) == tight


def test_a_string_of_several_lines_keeps_its_blanks() -> None:
    source = b'def f(x):\n    if x:\n        return (x,\n                f"""a\n    b {x}\n      c""")\n'
    assert bundle._bare(source) == b'def f(x):\n if x:\n  return(x,\nf"""a\n    b {x}\n      c""")\n'


@pytest.mark.parametrize(
    ("line", "tight"),
    [
        (b"a = b - -c * (d , e)", b"a=b- -c*(d,e)"),
        (b"x = f'{a , b} = {c!r}' if 1 in (2, 3) else 'a , b'", b"x=f'{a , b} = {c!r}'if 1 in(2,3)else'a , b'"),
        (b"x = 1 if y else .5", b"x=1 if y else .5"),
    ],
)
def test_blanks_beside_operators_stay_behind_and_those_in_strings_do_not(line: bytes, tight: bytes) -> None:
    assert ast.dump(ast.parse(bundle._bare(line))) == ast.dump(ast.parse(line))
    assert bundle._bare(line).replace(b" ", b"") == tight.replace(b" ", b"")
    assert len(bundle._bare(line)) < len(line)
