"""`dashboard` as typed: what it writes, where, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from roosync_ops.wire.identity import LAB_HOSTNAME_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.unit.cli.conftest import Done

    Run = Callable[..., Done]
    Beat = Callable[..., None]


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LAB_HOSTNAME_VARIABLE, "myia-ai-01")


def test_three_files_are_written_and_named(run: Run, beat: Beat, place: Path) -> None:
    beat("a")
    done = run("dashboard", "--shared", "shared", "--no-probe")
    assert done.code == 0
    names = [place / "shared" / "dashboards" / f"mcp-dashboard-myia-ai-01.{kind}" for kind in ("html", "md", "svg")]
    assert done.out.split() == [str(name) for name in names]
    assert all(name.is_file() for name in names)


def test_json_is_the_tools_result(run: Run, beat: Beat) -> None:
    beat("a")
    found = run("dashboard", "--shared", "shared", "--no-probe", "--json", "--baseline", "A").document
    assert list(found) == ["success", "dashboardPath", "timestamp", "baseline", "machines", "metrics"]
    assert found["baseline"] == "a"
    assert run("dashboard", "--shared", "shared", "--no-probe", "--json").document["baseline"] == "a"  # who was seen
    assert found["metrics"]["totalMachines"] == 2


def test_it_speaks_french(run: Run, beat: Beat, place: Path) -> None:
    beat("a")
    (place / "out").mkdir()
    assert run("dashboard", "--shared", "shared", "--no-probe", "--lang", "fr", "--output", "out").code == 0
    assert '<html lang="fr"' in (place / "out" / "mcp-dashboard-myia-ai-01.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--shared", "shared", "--no-probe", "--output", "missing"), 2),
        (("--shared", "shared", "--no-probe", "--baseline", "../x"), 2),
        (("--shared", "missing", "--no-probe"), 3),
        (("--no-probe",), 2),
        (("--serve", "--no-probe"), 2),
        (("--serve", "--shared", "missing", "--no-probe"), 3),
    ],
)
def test_what_cannot_be_written_is_an_error_with_a_way_out(
    run: Run, beat: Beat, words: tuple[str, ...], code: int
) -> None:
    beat("a")
    done = run("dashboard", *words)
    assert done.code == code
    assert "Next:" in done.err
    assert done.out == ""
