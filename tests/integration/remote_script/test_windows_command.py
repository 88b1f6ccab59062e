"""No quoting rule of cmd.exe or PowerShell can bite: nothing in a line is anything but itself, whatever is asked."""

from __future__ import annotations

import ast
import base64
import json
import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roosync_ops.remote_script import travel
from roosync_ops.remote_script.windows import python as command
from roosync_ops.transport import windows_link

ALLOWED = re.compile(r"[A-Za-z0-9_.:\\=+/ -]+")
words = st.text(max_size=40)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.lists(words, min_size=1, max_size=6))
def test_a_line_is_of_plain_characters_or_there_is_none(parts: list[str]) -> None:
    try:
        line = windows_link.line(*parts)
    except windows_link.NotPlainError:
        return
    assert ALLOWED.fullmatch(line)
    assert line.split(" ") == parts
    assert len(line) <= windows_link.MAX_LINE
    assert not line.endswith("\\")


@given(st.text() | st.from_regex(r"[A-Za-z]:\\[\w .()&%!'-]{0,60}\\python\.exe", fullmatch=True))
def test_whatever_python_is_named_it_is_started_by_a_plain_line(python: str) -> None:
    named = windows_link.words_of(python)
    line = windows_link.python_line(named or (r"AppData\Local\roosync-ops\python-0123456789ab.cmd",))
    assert ALLOWED.fullmatch(line)
    assert line.endswith(" -I -S -")
    assert len(line) <= windows_link.MAX_LINE


@given(st.dictionaries(st.text(), json_values))
def test_values_travel_beside_the_line_and_come_back_as_they_were(request: dict[str, Any]) -> None:
    """Behind the base64 token there is JSON, which holds any text; cmd.exe itself is in the integration tests."""
    sent = command.script(request)
    assert sent.isascii()
    last = ast.parse(sent.decode()).body[-1]
    token = next(node.value for node in ast.walk(last) if isinstance(node, ast.Constant) and node.value)
    assert json.loads(base64.b64decode(str(token))) == request


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(["py", "a b"], id="blank"),
        pytest.param(["py", "%PATH%"], id="variable"),
        pytest.param(["py", "a^b"], id="caret"),
        pytest.param(["py", "C:\\x\\"], id="would take the closing quote with it"),
        pytest.param(["py", "-name.rest"], id="two words to PowerShell"),
        pytest.param(["py", "-name:rest"], id="two words to PowerShell too"),
        pytest.param(["C:/Python311/python.exe"], id="a switch to cmd.exe"),
        pytest.param(["-m"], id="an operator to PowerShell"),
        pytest.param(["py", "é"], id="another code page's letter"),
        pytest.param(["py", ""], id="nothing"),
        pytest.param(["py", "a" * 8000], id="longer than cmd.exe takes"),
    ],
)
def test_what_a_shell_might_not_take_literally_is_refused(parts: list[str]) -> None:
    with pytest.raises(windows_link.NotPlainError):
        windows_link.line(*parts)


@pytest.mark.parametrize(
    ("python", "words"),
    [
        ("py -3.12", ("py", "-3.12")),
        ("python", ("python",)),
        ("C:/Python311/python.exe", (r"C:\Python311\python.exe",)),
        (r"C:\Program Files\Python312\python.exe", None),
        (r"C:\Users\Élodie\python.exe", None),
        (r"\\server\share\python.exe", None),
    ],
)
def test_a_python_is_started_by_its_own_words_where_they_are_plain(python: str, words: tuple[str, ...] | None) -> None:
    assert windows_link.words_of(python) == words


def test_a_launcher_names_the_profile_by_its_variable_which_no_code_page_garbles() -> None:
    text = windows_link.launcher(r"C:\users\Елена 日本\Python\python.exe", r"C:\Users\Елена 日本", "cp850")
    assert b'@"%USERPROFILE%\\Python\\python.exe" %*\r\n' in text


def test_a_launcher_is_in_the_machine_s_own_code_page_and_doubles_what_cmd_expands() -> None:
    text = windows_link.launcher(r"C:\Outils\Pythön 100%\python.exe", r"C:\Users\me", "cp850")
    assert '@"C:\\Outils\\Pythön 100%%\\python.exe" %*'.encode("cp850") in text


def test_a_path_that_the_code_page_cannot_write_is_refused_with_the_way_out() -> None:
    with pytest.raises(windows_link.NotPlainError, match="name a Python in a folder without them"):
        windows_link.launcher(r"C:\日本\python.exe", r"C:\Users\me", "cp850")


@pytest.mark.parametrize(("platform", "said"), [("linux", "not-windows"), ("win32", "ok")])
def test_what_python_says_first_tells_whether_it_will_do(platform: str, said: str) -> None:
    loader = command.script({"do": "probe"}).decode().partition("import zlib")[0]
    program = f"import sys; sys.platform = {platform!r}\n{loader}"
    done = subprocess.run([sys.executable, "-I", "-S", "-"], input=program.encode(), capture_output=True, check=False)
    assert command.answered(done.stdout) == said


def test_the_store_s_python_and_one_that_is_too_old_are_refused() -> None:
    loader = command.script({"do": "probe"}).decode().partition("import zlib")[0]
    for change, said in (
        (r"sys.executable = 'C:\\Users\\me\\AppData\\Local\\Microsoft\\WindowsApps\\python.exe'", "store"),
        ("sys.version_info = (3, 8)", "too-old"),
    ):
        program = f"import sys; sys.platform = 'win32'; {change}\n{loader}"
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-"], input=program.encode(), capture_output=True, check=False
        )
        assert command.answered(done.stdout) == said


def test_what_a_shell_says_is_nobody_s_answer() -> None:
    assert command.answered(b"'py' is not recognized as an internal or external command\r\n") is None
    assert command.answered(b"echo roosync-python:ok\r\n") is None


def test_what_travels_to_windows_can_be_read_by_python_3_9() -> None:
    ast.parse(travel.source("windows"), feature_version=(3, 9))
    assert "os.fork" not in travel.source("windows")
