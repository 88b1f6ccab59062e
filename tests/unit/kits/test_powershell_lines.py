"""The reader of PowerShell lines does what the language's documents say, and passes over nothing it does not know."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kits.powershell_lines import Lines
from tests.kits.powershell_values import Thrown

COMMANDS = {"Get-Two": lambda *_: ["b", "a"], "Sort-Object": lambda _, __, piped: sorted(piped)}
TYPES = {"int": int, "version": lambda value: tuple(map(int, value.split(".")))}


@pytest.mark.parametrize(
    ("script", "out"),
    [
        ("1 + 2", [3]),
        ("'it''s'", ["it's"]),
        ('$a = 1; "a${a}b $($a + 1) `"c`" `$a"', ['a1b 2 "c" $a']),
        ("'A' -eq 'a'", [True]),
        ("@('A', 'b') -contains 'B'", [True]),
        ("@('A', 'b') -ccontains 'B'", [False]),
        ("[version]'7.7' -lt [version]'10.0'", [True]),
        ("-not @()", [True]),
        ("'a' -and ''", [False]),
        ("'Port 22' -replace '\\D'", ["22"]),
        ("if ($false) { 1 } elseif ('x') { 2 } else { 3 }", [2]),
        ("$x = if ($false) { 1 } else { 3 }; $x", [3]),
        ("@(Get-Two | Where-Object { $_ -ne 'a' })", ["b"]),
        ("Get-Two | Sort-Object", ["a", "b"]),
        ("foreach ($x in Get-Two) { if ($x -eq 'b') { continue }; $x }", ["a"]),
        ("for ($i = 0; $i -lt 3; $i++) { $i }", [0, 1, 2]),
        ("function F([string] $A) { \"<$A>\" }; F 'x'", ["<x>"]),
        ("$f = @(); $f += 'a'; $f += 'b'; $f[-1]", ["b"]),
        ("$h = @{ N = 1 }; $h.N += 2; $h.N", [3]),
        ("try { throw 'no' } catch { $_.Exception.Message }", ["no"]),
        ("& { 'in a block' }", ["in a block"]),
        ("$env:NAME", ["value"]),
    ],
)
def test_lines_do_what_the_language_says(script: str, out: list[Any]) -> None:
    assert Lines(COMMANDS, TYPES, {"NAME": "value"}).run(script) == out


@pytest.mark.parametrize("script", ["$never", "throw 'it'", "'a'.Nothing"])
def test_what_fails_there_fails_here(script: str) -> None:
    with pytest.raises(Thrown):
        Lines(COMMANDS, TYPES, {}).run(script)


@pytest.mark.parametrize("script", ["Get-Unknown", "[Un.Known]::Call()", "while ($true) { }", "1 -band 2"])
def test_what_is_not_known_is_not_passed_over(script: str) -> None:
    with pytest.raises((KeyError, AttributeError)):
        Lines(COMMANDS, TYPES, {}).run(script)
