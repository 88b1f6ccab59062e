"""Reads a task document into a tree that knows on which line each element stands, and writes such a tree again."""

from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"

#: schtasks' words, by kind of error (as people paste them; the numbers are SCHED_E_MALFORMEDXML and its neighbours).
MALFORMED = "The task XML is malformed."
UNEXPECTED = "The task XML contains an unexpected node."
MISSING = "The task XML is missing a required element or attribute."
VALUE = "The task XML contains a value which is incorrectly formatted or out of range."
UNMAPPED = "No mapping between account names and security IDs was done."
NAMESPACE_WRONG = "The task XML contains an element or attribute from an unexpected namespace."


class SchemaError(ValueError):
    """The document breaks a rule: `path` is where (`/Task/Settings`), `reason` which, `kind` schtasks' sentence."""

    def __init__(self, kind: str, path: str, reason: str, *, place: tuple[int, int] = (1, 2), value: str = "") -> None:
        super().__init__(f"{path or '/'}: {reason}")
        self.kind, self.path, self.reason, self.place, self.value = kind, path, reason, place, value

    def windows_text(self) -> str:
        """What schtasks prints after `ERROR: `: the sentence, then `(line,column):node:value`."""
        return f"{self.kind}\n({self.place[0]},{self.place[1]}):{self.path.rpartition('/')[2]}:{self.value}"


@dataclass
class Node:
    """One element."""

    name: str
    path: str
    place: tuple[int, int]
    attributes: dict[str, str] = field(default_factory=dict)
    children: "list[Node]" = field(default_factory=list)
    text: str = ""

    def child(self, *names: str) -> "Node | None":
        """Walk down by name: the first such child at each step."""
        node: Node | None = self
        for name in names:
            node = next((c for c in node.children if c.name == name), None) if node else None
        return node

    def value(self, *names: str) -> str | None:
        """The text of the descendant found as `child` does, without the white space around it."""
        node = self.child(*names)
        return None if node is None else node.text.strip()


class _Builder:
    def __init__(self) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.stack: list[Node] = []
        self.root: Node | None = None
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _place(self) -> tuple[int, int]:
        return self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber // 2 + 1

    def _doctype(self, *_: object) -> None:
        raise SchemaError(MALFORMED, "", "a document type is not allowed", place=self._place())

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        namespace, _, name = qualified.rpartition(" ")
        parent = self.stack[-1] if self.stack else None
        path = f"{parent.path if parent else ''}/{name}"
        # what stands inside Data is nobody's business ("any")
        if namespace != NAMESPACE and not (parent and "/Data" in parent.path):
            raise SchemaError(NAMESPACE_WRONG, path, f"namespace {namespace!r}", place=self._place())
        node = Node(name, path, self._place(), dict(attributes))
        if parent:
            parent.children.append(node)
        else:
            self.root = node
        self.stack.append(node)

    def _end(self, _: str) -> None:
        self.stack.pop()

    def _text(self, text: str) -> None:
        self.stack[-1].text += text


def parse(document: bytes) -> Node:
    """The document's tree. UTF-16 with its byte order mark, as schtasks wants it; raises SchemaError."""
    if document[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        raise SchemaError(MALFORMED, "", "not UTF-16 with a byte order mark", value="ERROR: incorrect document syntax")
    builder = _Builder()
    try:
        builder.parser.Parse(document, True)
    except expat.ExpatError as error:
        raise SchemaError(MALFORMED, "", str(error), place=(error.lineno, error.offset // 2 + 1)) from error
    except LookupError as error:  # an encoding that nobody knows
        raise SchemaError(MALFORMED, "", str(error)) from error
    if builder.root is None:
        raise SchemaError(MALFORMED, "", "no element")
    return builder.root


def write(root: Node) -> str:
    """The tree as text, two spaces a level, LF, with the declaration that Windows writes."""
    return '<?xml version="1.0" encoding="UTF-16"?>\n' + "\n".join(_lines(root, 0))


def _lines(node: Node, depth: int) -> list[str]:
    pad = "  " * depth
    attributes = "".join(f" {k}={quoteattr(v)}" for k, v in node.attributes.items())
    attributes += f' xmlns="{NAMESPACE}"' if depth == 0 else ""
    if not node.children:
        text = escape(node.text)
        return [f"{pad}<{node.name}{attributes}>{text}</{node.name}>" if text else f"{pad}<{node.name}{attributes} />"]
    inside = [line for child in node.children for line in _lines(child, depth + 1)]
    return [f"{pad}<{node.name}{attributes}>", *inside, f"{pad}</{node.name}>"]
