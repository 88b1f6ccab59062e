"""What a reader of the shared state could not understand, each with a name and the file: reported, never repaired."""

from __future__ import annotations

EMPTY = "empty-file"
TRUNCATED = "not-json"
BOM = "byte-order-mark"
UTF16 = "utf-16"
NOT_UTF8 = "not-utf-8"
NOT_AN_OBJECT = "not-an-object"
WRONG_TYPE = "wrong-type"
NO_HEARTBEAT = "missing-last-heartbeat"
BAD_HEARTBEAT = "invalid-last-heartbeat"
NAIVE_HEARTBEAT = "naive-last-heartbeat"
FUTURE_HEARTBEAT = "future-last-heartbeat"
#: A sequence that its machine cannot have come to: no evidence against one that it can.
IMPOSSIBLE_SEQUENCE = "impossible-sequence"
TOO_LARGE = "too-large"
SYMLINK = "symlink"
NOT_A_FILE = "not-a-file"
UNREADABLE = "unreadable"
VANISHED = "vanished"
ID_CONTRADICTS_NAME = "id-contradicts-file-name"
CASE_DOUBLE = "mixed-case-double"
CONFLICT_COPY = "conflict-copy"
#: What an agent found in a file's place and moved out of its way.
SET_ASIDE = "set-aside"
NOT_A_MACHINE = "not-a-machine-id"
#: What an older service put under another machine's name.
OF_ANOTHER = "record-of-another-machine"


class Finding:
    """One thing that was not understood: `file` is relative to the shared folder, `machine_id` whose that is."""

    __slots__ = ("detail", "file", "kind", "machine_id")

    def __init__(self, file: str, kind: str, detail: str, machine_id: str | None = None) -> None:
        self.file = file
        self.machine_id = machine_id
        self.kind = kind
        self.detail = detail

    def as_dict(self) -> dict[str, str]:
        return {"file": self.file, "kind": self.kind, "detail": self.detail}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Finding) and self.as_dict() == other.as_dict()

    def __hash__(self) -> int:
        return hash((self.file, self.kind, self.detail))
