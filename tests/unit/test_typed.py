"""What is printed to be typed is what a shell reads as those words, about the fleet that was named."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest
import typer.main
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops import cli, typed

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1, max_size=4)


@pytest.fixture
def fleet() -> Iterator[None]:
    with typed.about({"--inventory": "my fleet.py", "--shared": "/Mon {Drive}", "--via": "m1"}):
        yield


@given(WORDS)
def test_a_shell_reads_the_words_that_were_meant(words: list[str]) -> None:
    assert shlex.split(typed.line(words)) == words


@given(WORDS)
def test_so_does_the_shell_of_a_machine_behind_it(words: list[str]) -> None:
    found = typed.there(("ssh", "h"), ["ls", *words], is_windows=False)
    if found is None:
        assert not all(shlex.quote(word).isprintable() for word in words)
        return
    *login, remote = shlex.split(found)
    assert (login, shlex.split(remote)) == (["ssh", "h"], ["ls", *words])


@pytest.mark.parametrize("sign", [*'%!$`"^&|<>;*?{}[]\n\r\0\x1b', "\u201c", "\u201d", "\u201e", "\u202e", "\u2028"])
def test_what_cmd_or_powershell_could_take_for_anything_is_not_typed_on_windows(sign: str) -> None:
    assert typed.windows(f"C:\\a{sign}b") is None
    assert typed.windows(f"C:\\a b{sign}") is None


def test_windows_paths_are_typed_as_both_shells_read_them() -> None:
    assert typed.windows("C:\\Users\\me\\x.py") == "C:\\Users\\me\\x.py"
    assert typed.windows("G:/Mon Drive/été (1)") == '"G:/Mon Drive/été (1)"'
    assert typed.windows("C:\\a b\\") is None  # the backslash would take the quote with it
    assert typed.windows("@splatted") == '"@splatted"'


@pytest.mark.usefixtures("fleet")
def test_a_command_of_ours_is_about_the_fleet_that_was_named() -> None:
    about = "--inventory 'my fleet.py' --shared '/Mon {Drive}'"
    assert typed.ours("diagnose", "m1") == f"roosync-ops diagnose m1 {about}"
    assert typed.ours("validate") == f"roosync-ops validate {about} --via m1"
    assert typed.ours("validate", "--via", "m2") == f"roosync-ops validate --via m2 {about}"
    assert typed.ours("machines", "list") == "roosync-ops machines list --inventory 'my fleet.py'"
    assert typed.ours("bootstrap", "windows") == "roosync-ops bootstrap windows"
    assert typed.own("roosync-ops machines check") == "roosync-ops machines check --inventory 'my fleet.py'"
    assert typed.own("choose another file") == "choose another file"


@pytest.mark.usefixtures("fleet")
def test_what_others_read_names_no_place_of_this_computer() -> None:
    with typed.about({}):
        assert typed.ours("matrix") == "roosync-ops matrix"
    assert typed.ours("matrix") != "roosync-ops matrix"


@pytest.mark.usefixtures("fleet")
def test_where_a_share_is_of_no_use_what_comes_next_does_not_name_it() -> None:
    assert typed.elsewhere("validate", "--probe") == "roosync-ops validate --probe --inventory 'my fleet.py'"
    assert "--shared" in typed.ours("validate")


@pytest.mark.parametrize(
    ("arguments", "flags"),
    [
        ([], {}),
        (["validate", "-i", "a b"], {"--inventory": "a b"}),
        (["validate", "-ia.py", "--shared=/x=y"], {"--inventory": "a.py", "--shared": "/x=y"}),
        (["matrix", "--inventory", "a", "--via", "m"], {"--inventory": "a", "--via": "m"}),
        (["matrix", "--shared"], {}),
        (["stop", "--", "--shared", "x"], {}),
    ],
)
def test_a_command_line_says_which_fleet_it_is_about(arguments: list[str], flags: dict[str, str]) -> None:
    assert typed.flags_of(arguments) == flags


def test_it_is_known_which_command_takes_which_flag() -> None:
    taken: dict[str, set[str]] = {flag: set() for flag in ("--inventory", "--shared", "--via")}
    for name, lazy in typer.main.get_command(cli.app).commands.items():  # type: ignore[attr-defined] # a group
        command = lazy.load()
        for each in (command, *getattr(command, "commands", {}).values()):
            for flag, names in taken.items():
                names.update([name] if any(flag in option.opts for option in each.params) else [])
    taken["--via"].remove("verify-share")  # there it says who is asked, and not what fleet it is about
    assert taken == {flag: {name for name, flags in typed.TAKES.items() if flag in flags} for flag in taken}
