"""uv.exe comes out of the one wheel whose hash is in our source, wherever that wheel comes from."""

from __future__ import annotations

import hashlib
import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from roosync_ops.remote_script.kept import cache_folder
from roosync_ops.remote_script.windows.uv import PINNED, WHEEL_VARIABLE, UvError, Wheel, executable

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = b"MZ the program"


def packed(version: str = "1.2.3", program: bytes | None = PROGRAM) -> bytes:
    """A wheel as pip takes it, with uv.exe where maturin puts it."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        info = f"uv-{version}.dist-info"
        files: dict[str, str | bytes] = {
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: uv\nVersion: {version}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: py3-none-win_amd64\n",
            f"{info}/RECORD": "",
        }
        if program is not None:
            files[f"uv-{version}.data/scripts/uv.exe"] = program
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)  # without the time of day: its hash is pinned
    return data.getvalue()


def release(data: bytes) -> Wheel:
    return Wheel("1.2.3", hashlib.sha256(data).hexdigest())


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder where pip finds anything."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CACHE_HOME": str(tmp_path / "cache")}


def test_pip_gets_the_wheel_once_and_the_cache_keeps_it(shelf: Path, environment: dict[str, str]) -> None:
    data = packed()
    (shelf / release(data).name).write_bytes(data)
    assert executable(release(data), environment) == PROGRAM
    (shelf / release(data).name).unlink()
    assert executable(release(data), environment) == PROGRAM
    assert [path.name for path in cache_folder(environment).iterdir()] == [release(data).name]


def test_a_wheel_with_another_hash_is_refused_and_not_kept(shelf: Path, environment: dict[str, str]) -> None:
    (shelf / release(b"").name).write_bytes(packed())
    with pytest.raises(UvError, match=f"not the wheel that is pinned: .*{WHEEL_VARIABLE}"):
        executable(release(b"another"), environment)
    assert list(cache_folder(environment).iterdir()) == []


def test_a_damaged_cache_is_downloaded_again(shelf: Path, environment: dict[str, str]) -> None:
    data = packed()
    (shelf / release(data).name).write_bytes(data)
    cache_folder(environment).mkdir(parents=True)
    (cache_folder(environment) / release(data).name).write_bytes(data[:100])
    assert executable(release(data), environment) == PROGRAM


def test_where_pip_finds_none_its_reason_and_the_way_out_are_named(shelf: Path, environment: dict[str, str]) -> None:
    assert list(shelf.iterdir()) == []
    reason = r"does not get uv-1\.2\.3-py3-none-win_amd64\.whl: ERROR: No matching.*"
    with pytest.raises(UvError, match=reason + WHEEL_VARIABLE):
        executable(Wheel("1.2.3", "00"), environment)


def test_the_operators_own_file_is_taken_and_nothing_is_downloaded(shelf: Path, environment: dict[str, str]) -> None:
    data = packed()
    own = shelf / "given by hand"
    own.write_bytes(data)
    assert executable(release(data), {**environment, WHEEL_VARIABLE: str(own)}) == PROGRAM
    assert not cache_folder(environment).exists()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(packed(program=b"MZ another"), "not the wheel that is pinned", id="another wheel"),
        pytest.param(None, "not a file that can be read", id="missing"),
    ],
)
def test_the_operators_file_is_held_to_the_same_hash(
    shelf: Path, environment: dict[str, str], data: bytes | None, reason: str
) -> None:
    own = shelf / "uv.whl"
    if data is not None:
        own.write_bytes(data)
    with pytest.raises(UvError, match=reason):
        executable(release(packed()), {**environment, WHEEL_VARIABLE: str(own)})


@pytest.mark.parametrize("data", [packed(program=None), b"no archive"], ids=["without uv.exe", "no archive"])
def test_a_wheel_that_holds_no_program_is_an_error_of_ours(
    shelf: Path, environment: dict[str, str], data: bytes
) -> None:
    own = shelf / "uv.whl"
    own.write_bytes(data)
    with pytest.raises(UvError, match=r"no uv\.exe can be read"):
        executable(release(data), {**environment, WHEEL_VARIABLE: str(own)})


def test_a_cache_that_cannot_be_written_is_named(shelf: Path, tmp_path: Path) -> None:
    data = packed()
    (shelf / release(data).name).write_bytes(data)
    (tmp_path / "file").touch()
    with pytest.raises(UvError, match="cannot be kept there"):
        executable(release(data), {"XDG_CACHE_HOME": str(tmp_path / "file")})


def test_the_cache_is_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder({}) == tmp_path / ".cache" / "roosync-ops"
    assert cache_folder({"LOCALAPPDATA": str(tmp_path / "x")}) == tmp_path / "x" / "roosync-ops"


def test_what_is_pinned_is_one_wheel_for_64_bit_windows() -> None:
    assert PINNED.name == f"uv-{PINNED.version}-py3-none-win_amd64.whl"
    assert len(bytes.fromhex(PINNED.sha256)) == hashlib.sha256().digest_size
