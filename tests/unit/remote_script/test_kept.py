"""What takes long to make is made once, and anew where anything it was made of, or the file, is another."""

from pathlib import Path

import pytest

from roosync_ops.remote_script import kept as keeping
from roosync_ops.remote_script.kept import kept, packed


def test_it_is_made_once_and_again_where_it_is_of_other_things_or_was_damaged(tmp_path: Path) -> None:
    made: list[bytes] = []

    def ask(of: bytes) -> bytes:
        def make() -> bytes:
            made.append(of)
            return b"made of " + of

        return kept("text", {"part": of}, make, tmp_path / "cache")

    assert [ask(b"a"), ask(b"a"), ask(b"b"), ask(b"b")] == [b"made of a"] * 2 + [b"made of b"] * 2
    (tmp_path / "cache" / "text").write_bytes((tmp_path / "cache" / "text").read_bytes() + b"!")
    assert ask(b"b") == b"made of b"
    assert made == [b"a", b"b", b"b"]


def test_where_nothing_can_be_kept_it_is_made_each_time(tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"a file")
    assert kept("text", {}, lambda: b"made", tmp_path / "cache") == b"made"


def test_a_look_and_a_change_are_asked_by_one_text_and_what_carries_more_by_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    keeping._packed.cache_clear()
    words = [packed("posix", do) for do in ("probe", "apply", "knock")]
    assert words[0] == words[1] != words[2]
    keeping._packed.cache_clear()
    assert packed("posix", "knock") == words[2]
