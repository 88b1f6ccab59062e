"""What is worded where it arises is in the catalogue too, so that it is told in the language that is asked for."""

from __future__ import annotations

import ast
import json
import re
import string
import time
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

import roosync_ops
from roosync_ops.show import messages
from roosync_ops.show.messages import translated

if TYPE_CHECKING:
    from collections.abc import Iterator

PRODUCT: Final = Path(roosync_ops.__file__).parent
MESSAGES: Final = Path(messages.__file__).parent
#: Whoever can be heard by a command that takes --lang.
ROOMS: Final = (
    *("admin", "cli", "fleet", "gather", "judge", "publish", "pyinfra_ops", "remote_script", "state", "transport"),
    *("watch", "wire", "errors.py", "process.py"),
)
#: Those of them that no such command reaches, or that hold help, which is English.
OTHERS: Final = (
    *("cli/build.py", "cli/windows.py", "cli/init.py", "cli/lab.py", "cli/mcp.py"),
    *("cli/verify_share.py", "gather/verify_share.py", "judge/shares.py"),
    *("pyinfra_ops/connector.py", "remote_script/on_measure.py", "remote_script/on_verify.py"),
    *("remote_script/bundle.py", "remote_script/travel.py"),
)
#: What is given to these is a pattern, a help, the keys of a document, a command or a line for another program.
CALLS: Final = {
    *("opt", "arg", "Option", "Argument", "Typer", "DataMeta", "examples", "compile", "execute", "line"),
    *("ours", "elsewhere", "search", "keyed"),
}
#: What is assigned to these.
NAMES: Final = {"PANELS"}
#: What is no sentence: commands, lines of files and scripts, patterns.
NOT: Final = re.compile(
    r"""^(?:Next:\ \ )?(?:roosync-ops|gh|systemctl|journalctl|schtasks|whoami|cmd|pip|crontab\ line)[ :]
    | ^[#<] | [\\$|] | ^text/ | 'none'$ | ^import\ """,
    re.VERBOSE,
)
#: What others say and is only looked for, what stands in a file of theirs, and what pyinfra's own user reads.
THEIRS: Final = {
    *("no crontab for", "no such file", "rate limit"),
    *("Value error", "Input should be", "must be", "{}: no such", "Got unexpected extra argument(s) ({}"),
    *("Could not resolve hostname", "Connecting to", "Executing proxy command", "Connection established."),
    *("Remote protocol version", "SSH2_MSG_NEWKEYS received", "Authenticated to", "master session id"),
    *("rtype exit-(status|signal)|Received exit status from master", "partial success"),
    *("SessionType default", "StdinNull no", "ForkAfterAuthentication no", "BatchMode yes"),
    *("Drive File Stream", "{}: as the inventory says", "To do", "a secret is not written anywhere"),
    *("Which fleet", "Time and patience", "shared state"),
    *("not ok", "evidence[{}] of {}", "code pages", "python for files", "yes, send everything in plaintext"),
}


def template(node: ast.expr) -> str:
    """Return a string with `{}` for whatever is put into it."""
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "\0" for part in node.values]
        return "".join(map(str, parts)).replace("\0", "{}")
    return str(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def bare(text: str) -> str:
    """Return a sentence, or a part of one, without what joins it to another."""
    return re.sub(r"\{[^{}]*\}", "{}", text).strip(" ;,()")


def is_sentence(text: str) -> bool:
    words = re.findall(r"[A-Za-z']{2,}", re.sub(r"\{[^{}]*\}", " . ", text))
    return len(words) > 1 and " " in text.strip() and "\n" not in text and NOT.search(text) is None


def skipped(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return called in CALLS
    if isinstance(node, ast.AnnAssign):
        return isinstance(node.target, ast.Name) and node.target.id in NAMES
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)  # a docstring


def strings(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield each string that stands for itself, and where."""
    if skipped(node):
        return
    if isinstance(node, (ast.Constant, ast.JoinedStr)):
        yield node.lineno, template(node)
        inner: list[ast.AST] = [
            part.value for part in getattr(node, "values", []) if isinstance(part, ast.FormattedValue)
        ]
    else:
        types = [getattr(node, name, None) for name in ("annotation", "returns")]
        inner = [child for child in ast.iter_child_nodes(node) if child not in types]
    for child in inner:
        yield from strings(child)


@cache
def sentences(room: str) -> list[tuple[str, str, str]]:
    """Return each string of a room that may be a sentence, bare; its file; and where it stands."""
    files = sorted((PRODUCT / room).rglob("*.py")) or [PRODUCT / room]
    named = [(file.relative_to(PRODUCT).as_posix(), ast.parse(file.read_text("utf-8"))) for file in files]
    found = [(bare(text), name, f"{name}:{line}: {text}") for name, tree in named for line, text in strings(tree)]
    codes = json.loads((PRODUCT / "transport/ssh.json").read_text("utf-8"))["codes"] if room == "transport" else {}
    return found + [(one["means"], "transport/ssh.json", f"ssh.json: {code}") for code, one in codes.items()]


@cache
def tables(lang: str) -> dict[str, dict[str, str]]:
    return tomllib.loads((MESSAGES / lang / "sentences.toml").read_text("utf-8"))


def known(lang: str, *names: str) -> dict[str, str]:
    """Return the catalogue's sentences, bare, as they stand there."""
    return {bare(text): text for name, table in tables(lang).items() if name in names or not names for text in table}


def facts(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def test_every_sentence_that_is_worded_where_it_arises_is_in_the_catalogue() -> None:
    catalogue = known("fr").keys() | known("en").keys() | THEIRS
    told = [(text, where) for room in ROOMS for text, name, where in sentences(room) if not name.startswith(OTHERS)]
    assert len(told) > 1_000
    assert [where for text, where in told if is_sentence(text) and text not in catalogue] == []


def test_a_sentence_outside_the_catalogue_is_seen() -> None:
    new = ast.parse('raise errors.usage(f"{name}: the moon is too near", "look at it again")')
    assert [text for _, text in strings(new) if is_sentence(text)] == ["{}: the moon is too near", "look at it again"]


@pytest.mark.parametrize(
    ("lang", "name", "rooms"), [("fr", "ours", ROOMS), ("fr", "checks", ["judge"]), ("en", "agents", ["wire"])]
)
def test_no_sentence_is_in_the_catalogue_for_nothing(lang: str, name: str, rooms: list[str]) -> None:
    told = {text for room in (*rooms, "agent") for text, _, _ in sentences(room)}
    #: What joins sentences, and what is put together of parts that come one behind the other.
    whole = [
        re.compile(re.escape(text).replace(r"\{\}", ".*"))
        for text in told
        if "{}" in text and len(re.findall(r"\w{2}", text)) > 1
    ]
    catalogue = {text for text in known(lang, name) if re.search(r"\w", text.replace("{}", ""))}
    assert [text for text in catalogue - told if not any(one.fullmatch(text) for one in whole)] == []


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_every_sentence_is_told_with_its_own_facts(lang: str) -> None:
    for name, table in tables(lang).items():
        for text, other in table.items():
            assert facts(text) == facts(other), text
            given = {fact: f"<{at}>" for at, fact in enumerate(facts(text))}
            if name != "checks" and re.search(r"\w", bare(text).replace("{}", "")):
                assert translated(text.format_map(given), lang) == other.format_map(given)


@pytest.mark.parametrize(
    ("english", "french"),
    [
        (
            "Error: web1: no such machine or group in the inventory; did you mean web2?",
            "Erreur : web1 : ni machine ni groupe de ce nom dans l'inventaire ; vouliez-vous dire web2 ?",
        ),
        ("/x: not uploaded (it arrived as another); no idea", "/x : pas envoyé (il est arrivé autre) ; no idea"),
        ("preflight: the connection was refused", "preflight : la connexion a été refusée"),
        ("a\n  it is empty\nb", "a\n  il est vide\nb"),
        ("roosync-ops validate --shared '/x: y'", "roosync-ops validate --shared '/x: y'"),
        ("Got: what nobody of ours says; (never)", "Got: what nobody of ours says; (never)"),
        ("", ""),
    ],
)
def test_a_sentence_in_a_sentence_is_told_too_and_what_is_not_ours_stays(english: str, french: str) -> None:
    assert translated(english, "fr") == french


def test_what_an_agent_says_is_english_where_english_is_asked_for() -> None:
    said = "Erreur lors de l'action start: dossier local refusé: /x: d'autres peuvent y écrire"
    assert translated(said, "en") == "action start failed: the local folder was refused: /x: others may write into it"
    assert translated(said, "fr") == said


@given(st.text("{}:;(), ab\n\x00é", max_size=60))
def test_whatever_is_said_nothing_is_raised(text: str) -> None:
    for lang in ("fr", "en"):
        assert translated(text, lang).count("\n") == text.count("\n")


@pytest.mark.parametrize("text", [": " * 2_000, "; a (b: c" * 450, "(" * 4_000, "a, " * 1_300, "x" * 1_000_000])
def test_a_hostile_text_takes_no_time(text: str) -> None:
    began = time.process_time()
    assert translated(text, "fr") == text
    assert time.process_time() - began < 5
