"""`validate`: is this document a task that the published Task Scheduler schema allows?

Sources: Microsoft's page "Task Scheduler Schema" (the XSD, here as tables in shapes.py), [MS-TSCH] 2.5, and the pages
of single elements for the rules that an XSD cannot say (each named where it is checked).
"""

from . import document, shapes
from .definition import Task, build
from .document import Node, SchemaError, parse
from .shapes import Shape, Type
from .values import Check

__all__ = ["SchemaError", "Task", "validate"]

#: 1.2 is Vista, 1.3 Windows 7, 1.4 Windows 8, 1.5 and 1.6 Windows 10 ([MS-TSCH] 2.5 does not say which there are).
_VERSIONS = ("1.2", "1.3", "1.4", "1.5", "1.6")


def validate(document: bytes) -> Task:
    """The task that a UTF-16 document defines; raises SchemaError with `path` and `reason`."""
    root = parse(document)
    if root.name != "Task":
        raise _error(UNEXPECTED, root, "the root is Task")
    _element(root, shapes.TASK)
    _ids(root)
    _beyond_xsd(root)
    return build(root)


UNEXPECTED, MISSING, VALUE = document.UNEXPECTED, document.MISSING, document.VALUE


def _error(kind: str, node: Node, reason: str, below: str = "") -> SchemaError:
    return SchemaError(
        kind, node.path + (f"/{below}" if below else ""), reason, place=node.place, value=node.text.strip()[:200]
    )


def _element(node: Node, kind: Type) -> None:
    if not isinstance(kind, Shape):
        _simple(node, kind)
    elif not kind.anything:
        _attributes(node, kind)
        _content(node, kind)


def _simple(node: Node, check: Check) -> None:
    if node.attributes:
        raise _error(UNEXPECTED, node, "attributes on a simple element")
    if node.children:
        raise _error(UNEXPECTED, node.children[0], "no element may stand here")
    try:
        check(node.text)
    except ValueError as error:
        raise _error(VALUE, node, str(error)) from error


def _attributes(node: Node, shape: Shape) -> None:
    for name, text in node.attributes.items():
        if name not in shape.attributes:
            raise _error(UNEXPECTED, node, f"unknown attribute {name}")
        try:
            shape.attributes[name](text)
        except ValueError as error:
            raise _error(VALUE, node, f"attribute {name}: {error}") from error
    for name in shape.required - node.attributes.keys():
        raise _error(MISSING, node, f"attribute {name} is missing")


def _content(node: Node, shape: Shape) -> None:
    if shape.text is not None:
        try:
            shape.text(node.text)
        except ValueError as error:
            raise _error(VALUE, node, str(error)) from error
    elif node.text.strip():
        raise _error(UNEXPECTED, node, "text between elements")
    (_ordered if shape.ordered else _unordered)(node, shape)


def _ordered(node: Node, shape: Shape) -> None:
    rest = list(node.children)
    for particle in shape.particles:
        count = 0
        while rest and count < particle.most and rest[0].name in particle.elements:
            _element(rest[0], particle.elements[rest[0].name])
            rest, count = rest[1:], count + 1
        if count < particle.least:
            raise _error(MISSING, node, "is missing", "|".join(particle.elements))
    if rest:
        raise _error(UNEXPECTED, rest[0], "unknown, out of order or once too often")


def _unordered(node: Node, shape: Shape) -> None:
    known = {name: kind for particle in shape.particles for name, kind in particle.elements.items()}
    seen: set[str] = set()
    for child in node.children:
        if child.name not in known or child.name in seen:
            raise _error(UNEXPECTED, child, "unknown, or there twice")
        seen.add(child.name)
        _element(child, known[child.name])
    for particle in shape.particles:
        if particle.least and not seen & particle.elements.keys():
            raise _error(MISSING, node, "is missing", "|".join(particle.elements))


def _ids(root: Node) -> None:
    seen: set[str] = set()
    for section in ("Principals", "Triggers", "Actions"):
        for node in getattr(root.child(section), "children", []):
            if node.attributes.get("id") in seen:
                raise _error(VALUE, node, "the same id twice")
            seen |= {node.attributes[key] for key in ("id",) if key in node.attributes}
    actions, principal = root.child("Actions"), root.child("Principals", "Principal")
    context = actions.attributes.get("Context") if actions else None
    if actions and context is not None and (principal is None or principal.attributes.get("id") != context):
        raise _error(VALUE, actions, f"Context {context!r} is no principal's id")


def _beyond_xsd(root: Node) -> None:
    """Rules in the prose: StartBoundary, UserId and GroupId, DeleteExpiredTaskAfter, and the versions there are."""
    if root.attributes.get("version", "1.2") not in _VERSIONS:
        raise _error(VALUE, root, f"version is none of {', '.join(_VERSIONS)}")
    triggers = getattr(root.child("Triggers"), "children", [])
    for trigger in triggers:
        if trigger.name in ("TimeTrigger", "CalendarTrigger") and trigger.child("StartBoundary") is None:
            raise _error(MISSING, trigger, "required for time and calendar triggers", "StartBoundary")
    principal, settings = root.child("Principals", "Principal"), root.child("Settings")
    if principal and principal.child("UserId") and principal.child("GroupId"):
        raise _error(UNEXPECTED, principal, "UserId and GroupId exclude each other")
    if settings and settings.child("DeleteExpiredTaskAfter") and not any(t.child("EndBoundary") for t in triggers):
        raise _error(MISSING, settings, "DeleteExpiredTaskAfter needs a trigger with EndBoundary", "EndBoundary")
