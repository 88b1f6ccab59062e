"""The papers are true where a machine can tell: links lead somewhere, blocks parse, commands and options exist."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.core import TyperGroup

from roosync_ops.agent.flags import USAGE, VERBS
from roosync_ops.agent.flags import parse as parse_agent
from roosync_ops.cli import COMMANDS, LazyCommand, app

ROOT = Path(__file__).parents[3]
PAPERS = sorted(path for path in ROOT.rglob("*.md") if not {".venv", "node_modules", ".git"} & set(path.parts))
#: A room that a maintainer opens first says what lives in it.
ROOMS = sorted(path.parent for path in ROOT.glob("roosync_ops/*/__init__.py"))
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"")
_OPTION = re.compile(r"`(--[a-z][a-z-]*)")
#: `prog VERB`, as it stands at the beginning of a line of a block, or after a variable that is set for it.
_COMMAND = re.compile(r"^(?:\$ )?(?:[A-Z_]+=\S+ )*roosync-ops (.+)$", re.MULTILINE)
_AGENT = re.compile(r"(?:^|`)python3 agent\.pyz (?!VERB)([^`\n]+)", re.MULTILINE)
#: Options of programs that are not ours, which the papers name.
_OTHERS = frozenset({"--upgrade"})


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(kind: str) -> list[Any]:
    return [
        pytest.param(text, id=f"{name_of(paper)}-{number}")
        for paper in PAPERS
        for number, (language, text) in enumerate(_FENCE.findall(paper.read_text("utf-8")))
        if language == kind
    ]


def anchors(text: str) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("paper", PAPERS, ids=name_of)
def test_every_link_leads_somewhere(paper: Path) -> None:
    text = _FENCE.sub("", paper.read_text("utf-8"))
    for groups in _LINK.findall(text):
        target = next(filter(None, groups))
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        there = (paper.parent / file).resolve() if file else paper
        assert there.exists(), f"{target}: no such file"
        assert there.is_relative_to(ROOT), f"{target}: outside the repository"
        assert not anchor or anchor in anchors(there.read_text("utf-8")), f"{target}: no such heading"


@pytest.mark.parametrize("room", ROOMS, ids=name_of)
def test_every_room_says_what_lives_in_it(room: Path) -> None:
    assert (room / "README.md").is_file()


def test_the_front_page_is_read_in_two_minutes() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 160


@pytest.mark.parametrize("text", blocks("json"))
def test_json_blocks_parse(text: str) -> None:
    json.loads(text)


@pytest.mark.parametrize("text", blocks("python"))
def test_python_blocks_compile(text: str) -> None:
    compile(text, "<block>", "exec")


def command_lines() -> list[str]:
    found = [
        line
        for paper in PAPERS
        for _, text in _FENCE.findall(paper.read_text("utf-8"))
        for line in _COMMAND.findall(text)
    ]
    inline = [line for paper in PAPERS for line in re.findall(r"`roosync-ops ([a-z][^`]*)`", paper.read_text("utf-8"))]
    return sorted({*found, *inline})


def parse_command(words: list[str]) -> None:
    command: Any = typer.main.get_command(app)
    context = command.make_context("roosync-ops", list(words))
    rest = [*context._protected_args, *context.args]
    while isinstance(command, TyperGroup):
        _, command, rest = command.resolve_command(context, rest)
        context = command.make_context(command.name, rest, parent=context)
        rest = [*context._protected_args, *context.args]
        if getattr(command, "invoke_without_command", False) and not rest:
            return


@pytest.mark.parametrize("line", command_lines())
def test_commands_parse(line: str) -> None:
    words = shlex.split(re.sub(r"\[.*?\]|\.\.\.", "", line), comments=True)
    stop = next((i for i, word in enumerate(words) if word in {">", "|", "&&", ";"} or word.endswith(";")), len(words))
    last = (
        [words[stop].rstrip(";")] if stop < len(words) and words[stop].rstrip(";") and words[stop].endswith(";") else []
    )
    parse_command([*words[:stop], *last])


@pytest.mark.parametrize(
    "line", sorted({line for paper in PAPERS for line in _AGENT.findall(paper.read_text("utf-8"))})
)
def test_lines_of_the_agent_parse(line: str) -> None:
    assert parse_agent(shlex.split(line)).verb in VERBS


def options_of(command: Any) -> set[str]:
    command = command.load() if isinstance(command, LazyCommand) else command
    found = {name for option in command.params for name in [*option.opts, *option.secondary_opts]}
    return found.union(*(options_of(each) for each in getattr(command, "commands", {}).values()))


def test_the_tables_name_options_that_exist() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    known = {name: options_of(group.commands[name]) for name in COMMANDS}
    rows = re.findall(r"^\| `([a-z-]+)[^|]*`[^|]*\|(.*)\|$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert {name for name, _ in rows} <= set(COMMANDS)
    for name, text in rows:
        for option in _OPTION.findall(text):
            assert option in known[name], f"{name} has no {option}"


def test_no_paper_names_an_option_that_no_command_has() -> None:
    group = typer.main.get_command(app)
    known = options_of(group) | set(re.findall(r"--[a-z][a-z-]*", USAGE)) | _OTHERS
    for paper in PAPERS:
        if paper.is_relative_to(ROOT / "roosync_ops") or paper == ROOT / "README.md":
            for option in _OPTION.findall(paper.read_text("utf-8")):
                assert option in known, f"{name_of(paper)}: {option}"


def unnamed_in(command: Any) -> set[str]:
    command = command.load() if isinstance(command, LazyCommand) else command
    kinds = (int, float, str, Path)
    found = {each.opts[0] for each in command.params if each.type_descriptor.annotation in kinds and not each.metavar}
    return found.union(*(unnamed_in(each) for each in getattr(command, "commands", {}).values()))


def test_help_names_what_an_option_takes_and_not_its_type() -> None:
    assert unnamed_in(typer.main.get_command(app)) == set()
