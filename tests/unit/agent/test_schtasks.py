"""What schtasks answers, in whatever language and encoding."""

import pytest

from roosync_ops.agent.permanence import schtasks


@pytest.mark.parametrize(
    ("column", "expected"),
    [("267009", 0x41301), ("-2147020576", 0x800710E0), ("1", 1), ("N/A", None)],
)
def test_a_last_result_is_read_by_its_column_in_any_language(column: str, expected: int | None) -> None:
    row = f'"PC","\\x","N/A","Prêt","Interactif","30/11/1999","{column}","N/A","py "a,b"","C:\\"\r\n'.encode("cp850")
    scheduler = schtasks.Scheduler(lambda _: (0, row, b""))
    assert scheduler.last_result("\\x") == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp850"])
def test_an_answer_is_read_in_whatever_encoding_it_comes(encoding: str) -> None:
    raw = "<Task><Author>Élodie</Author></Task>".encode(encoding)
    assert schtasks.Scheduler(lambda _: (0, raw, b"")).document("x") == "<Task><Author>Élodie</Author></Task>"
