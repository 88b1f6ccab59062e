"""on_machine as it travels: one text of a few parts, with what they share with wire and agent written into it."""

import ast
import inspect
from types import ModuleType

from roosync_ops.agent import builds, local_state, lock, share_facts
from roosync_ops.agent import config as agent_config
from roosync_ops.wire import child, identity, local

from . import on_common, on_machine, on_measure, on_posix, on_request, on_tidy, on_verify, on_windows
from .kept import OF_SHARES, ON_REQUEST, System


def source(system: System, do: str = "probe") -> str:
    """Return the program that answers a request to `do` something there: `sys.exit(main([..., token]))` runs it."""
    shared = (
        _needed(identity, "hostname")
        + _needed(agent_config, "default_local_dir")
        + _needed(builds, "named_builds")
        + _needed(local_state, "INSTANCE")
        + _needed(local, "make_folder", "create", "sha256_of")
    )
    if system == "windows" or do in OF_SHARES:
        shared += f"import subprocess, threading\n{_needed(child, 'run')}"
    else:
        shared += _needed(child, "MAX_OUTPUT_BYTES")
    parts = [
        _body(part) for part in (on_common, share_facts, on_windows if system == "windows" else on_posix, on_machine)
    ]
    texts = {"FACTS": share_facts} if system == "windows" else {}
    if do in OF_SHARES:
        parts.append(_body(on_verify))
        texts |= {"MEASURE": on_measure, "TIDY": on_tidy}
    if do in ON_REQUEST:
        parts.append(_body(on_request))
    parts += [f"{name} = {program(text)!r}\n" for name, text in texts.items()]
    return "\n".join(["from __future__ import annotations", "import errno, os, re, stat", shared, *parts])


def program(module: ModuleType) -> str:
    """Return a part's text as it runs in a process of its own."""
    shared = f"import errno\n{_needed(lock, 'try_lock')}" if module is on_measure else ""
    return f"from __future__ import annotations\n{shared}{_body(module)}"


def _needed(module: ModuleType, *names: str) -> str:
    """Return the text of `names` and of what else of its module they are made of, in the module's order."""
    text = inspect.getsource(module)
    nodes = {found: node for node in ast.parse(text).body for found in _names(node)}
    wanted: set[str] = set()
    left = [*names]
    while left:
        found = left.pop()
        if found in nodes and found not in wanted:
            wanted.add(found)
            left += [inner.id for inner in ast.walk(nodes[found]) if isinstance(inner, ast.Name)]
    lines = text.splitlines(keepends=True)
    kept = [node for found, node in nodes.items() if found in wanted]
    return "".join(line for node in kept for line in lines[node.lineno - 1 : node.end_lineno])


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _body(module: ModuleType) -> str:
    """Return a part's text without its docstring and without what it imports of ours."""
    text = inspect.getsource(module)
    lines = text.splitlines(keepends=True)
    for node in reversed(ast.parse(text).body):
        if _stays_here(node):
            del lines[node.lineno - 1 : node.end_lineno]
    return "".join(lines)


def _stays_here(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.ImportFrom):
        return node.level > 0 or (node.module or "").startswith(("roosync_ops", "__future__"))
    return isinstance(node, ast.If) and all(
        isinstance(inner, ast.ImportFrom) and inner.level > 0 for inner in node.body
    )
