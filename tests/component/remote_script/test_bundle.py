"""The agent's bundle: one file, the same bytes wherever it is built, told apart from outside."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import roosync_ops
from roosync_ops.remote_script import bundle


@pytest.fixture(autouse=True)
def _a_cache_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where the agent is kept: to build it takes a second."""
    folder = tmp_path_factory.mktemp("kept")
    bundle.build(cache=folder)
    return folder


@pytest.fixture
def built(kept: Path) -> bundle.Bundle:
    return bundle.build(cache=kept)


@pytest.fixture(scope="module")
def sources() -> dict[str, bytes]:
    return bundle._stripped(bundle._raw())


def test_two_builds_are_the_same_bytes(built: bundle.Bundle) -> None:
    assert bundle.build().data == built.data


@pytest.mark.parametrize(
    ("seed", "umask"),
    [pytest.param("0", 0o022, id="no-hash-seed"), pytest.param("4711", 0o077, id="other-seed-and-umask")],
)
def test_another_process_builds_the_same_bytes(built: bundle.Bundle, tmp_path: Path, seed: str, umask: int) -> None:
    code = (
        "import os,sys; from pathlib import Path; from roosync_ops.remote_script.bundle import build;"
        f"os.umask({umask}); print(build(Path(sys.argv[1])).sha256)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    root = Path(roosync_ops.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.pyz")],
        env=environment,
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == built.sha256
    assert (tmp_path / "a.pyz").read_bytes() == built.data


def _copy(sources: dict[str, bytes], folder: Path, *, newline: bytes = b"\n", modified: int | None = None) -> None:
    for name, data in sources.items():
        (folder / "roosync_ops" / "agent").mkdir(parents=True, exist_ok=True)
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data.replace(b"\n", newline))
        if modified is not None:
            os.utime(target, (modified, modified))


@pytest.mark.parametrize(
    ("newline", "modified"),
    [
        pytest.param(b"\n", 1_000_000_000, id="another-mtime"),
        pytest.param(b"\r\n", None, id="checked-out-on-windows"),
    ],
)
def test_a_checkout_s_age_and_line_endings_are_no_input(
    sources: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    newline: bytes,
    modified: int | None,
) -> None:
    _copy(sources, tmp_path, newline=newline, modified=modified)
    monkeypatch.setattr("importlib.resources.files", lambda _: tmp_path / "roosync_ops")
    assert bundle._raw() == sources


def test_caches_and_the_build_stamp_are_no_input(
    sources: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _copy(sources, tmp_path)
    agent = tmp_path / "roosync_ops" / "agent"
    (agent / "__pycache__").mkdir(parents=True)
    (agent / "__pycache__" / "main.cpython-311.py").write_text("x = 1")
    (agent / "_build.py").write_text("BUILD_ID = 'stale'\n")
    (agent / ".main.py.swp.py").write_text("")
    monkeypatch.setattr("importlib.resources.files", lambda _: tmp_path / "roosync_ops")
    assert bundle._raw() == sources


def test_a_changed_source_changes_the_build_id(
    built: bundle.Bundle, sources: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _copy(sources, tmp_path)
    with (tmp_path / "roosync_ops" / "wire" / "times.py").open("a") as file:
        file.write("LATER = 1\n")
    monkeypatch.setattr("importlib.resources.files", lambda _: tmp_path / "roosync_ops")
    after = bundle.build()
    assert after.build_id != built.build_id
    assert after.sha256 != built.sha256


def test_the_file_says_from_outside_which_build_it_is(kept: Path, tmp_path: Path) -> None:
    built = bundle.build(tmp_path / "agent.pyz", cache=kept)
    assert bundle.identify(tmp_path / "agent.pyz") == built
    assert hashlib.sha256((tmp_path / "agent.pyz").read_bytes()).hexdigest() == built.sha256
    assert os.access(tmp_path / "agent.pyz", os.X_OK)


def test_it_holds_the_two_rooms_of_the_machine_and_nothing_else(sources: dict[str, bytes]) -> None:
    names = set(sources)
    assert "roosync_ops/wire/record.py" in names
    assert {name.split("/")[1] for name in names} == {"__init__.py", "wire", "agent"}


def test_it_is_small_and_dated_1980(kept: Path, tmp_path: Path) -> None:
    built = bundle.build(tmp_path / "agent.pyz", cache=kept)
    assert len(built.data) <= bundle.MAX_BYTES
    with zipfile.ZipFile(tmp_path / "agent.pyz") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert f'BUILD_ID = "{built.build_id}"\n' == archive.read("roosync_ops/agent/_build.py").decode()


def test_an_agent_that_grew_too_large_is_not_built(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MAX_BYTES", 1_000)
    with pytest.raises(bundle.BundleError, match="at most 1000"):
        bundle.build(cache=kept)


@pytest.mark.parametrize(
    "content",
    [pytest.param(b"", id="empty"), pytest.param(b"#!/bin/sh\necho hello\n", id="a-script")],
)
def test_a_file_that_is_no_agent_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(bundle.BundleError, match="not an agent"):
        bundle.identify(tmp_path / "x")


def test_a_foreign_zip_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x", "w") as archive:
        archive.writestr("a", "b")
    with pytest.raises(bundle.BundleError, match="not an agent"):
        bundle.identify(tmp_path / "x")


def test_a_build_that_cannot_be_written_leaves_no_litter(kept: Path, tmp_path: Path) -> None:
    (tmp_path / "agent.pyz").mkdir()
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on the platform
        bundle.build(tmp_path / "agent.pyz", cache=kept)
    assert [item.name for item in tmp_path.iterdir()] == ["agent.pyz"]


@pytest.fixture
def builds(built: bundle.Bundle, monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """What was built until now, in no time."""
    done: list[None] = []

    def build(_: object) -> bytes:
        done.append(None)
        return built.data

    monkeypatch.setattr(bundle, "_built", build)
    return done


def test_what_was_built_once_is_not_built_again(built: bundle.Bundle, builds: list[None]) -> None:
    assert bundle.build() == bundle.build() == built
    assert len(builds) == 1


@pytest.mark.parametrize("spoiled", [b"", b"x", b"cut", b"longer"])
def test_what_is_kept_is_believed_by_its_hash_alone(built: bundle.Bundle, builds: list[None], spoiled: bytes) -> None:
    bundle.build()
    kept = Path.home() / ".cache" / "roosync-ops" / "agent"
    data = kept.read_bytes()
    kept.write_bytes({b"cut": data[:-1], b"longer": data + b"x"}.get(spoiled, spoiled))
    assert bundle.build() == built
    assert len(builds) == 2
    assert kept.read_bytes() == data


def test_where_nothing_can_be_kept_it_is_built_all_the_same(
    built: bundle.Bundle, builds: list[None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert bundle.build() == bundle.build() == built
    assert len(builds) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="modes do not apply on Windows")
def test_a_folder_that_others_may_write_to_is_not_believed(built: bundle.Bundle, builds: list[None]) -> None:
    bundle.build()
    (Path.home() / ".cache" / "roosync-ops").chmod(0o777)
    assert bundle.build() == built
    assert len(builds) == 2
