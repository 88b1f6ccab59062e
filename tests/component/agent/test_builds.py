"""Which build is to run is named by one small file that is written whole, and nobody's build is replaced under him."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from roosync_ops.agent import builds
from roosync_ops.agent.errors import LocalError
from roosync_ops.agent.permanence import launch
from roosync_ops.remote_script import bundle

ONE, TWO, THREE = (f"agent-{digit * 16}.pyz" for digit in "123")


@pytest.fixture
def local(tmp_path: Path) -> Path:
    folder = tmp_path / "dossier d'à côté"
    folder.mkdir()
    return folder


def adopt(local: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Have the build `name` take over, as its `start` does."""
    (local / name).touch()
    monkeypatch.setattr(builds, "bundle_path", lambda: str(local / name))
    return builds.adopt(str(local))


def names(local: Path) -> set[str]:
    return {path.name for path in local.iterdir()}


def test_the_build_before_is_kept_and_older_ones_go(local: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, before in ((ONE, []), (TWO, [ONE]), (THREE, [TWO, ONE])):
        assert adopt(local, name, monkeypatch) == before
    assert builds.named_builds(str(local)) == [THREE, TWO]
    assert names(local) == {"agent.pyz", THREE, TWO}
    assert (local / "agent.pyz").stat().st_mode & 0o777 == 0o700


def test_a_first_rollout_leaves_alone_what_another_one_is_about_to_start(
    local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (local / TWO).touch()
    monkeypatch.setattr(builds, "bundle_path", lambda: str(local / ONE))
    builds.adopt(str(local), sweeps=False)
    assert builds.named_builds(str(local)) == [ONE]
    assert (local / TWO).exists()


def test_what_is_named_already_is_not_written_again(local: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    adopt(local, ONE, monkeypatch)
    before = (local / "agent.pyz").stat()
    assert adopt(local, ONE, monkeypatch) == [ONE]
    assert (local / "agent.pyz").stat() == before


def test_a_build_that_does_not_come_up_is_followed_by_the_one_before(
    local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adopt(local, ONE, monkeypatch)
    builds.name_builds(str(local), adopt(local, TWO, monkeypatch))
    assert builds.named_builds(str(local)) == [ONE]


def test_a_build_that_was_agent_pyz_itself_becomes_the_one_before(local: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = bundle.build(local / "agent.pyz")
    assert builds.named_builds(str(local)) == ["agent.pyz"]
    assert adopt(local, ONE, monkeypatch) == [old.file_name]
    assert builds.named_builds(str(local)) == [ONE, old.file_name]
    assert (local / old.file_name).read_bytes() == old.data


@pytest.mark.parametrize("content", [b"", b"no agent", b"# builds: ../../evil.pyz /bin/sh\n", b"\xff" * 300])
def test_an_agent_pyz_that_is_nothing_of_ours_names_nothing(
    local: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (local / "agent.pyz").write_bytes(content)
    assert builds.named_builds(str(local)) == ["agent.pyz"]
    assert adopt(local, ONE, monkeypatch) == []
    assert builds.named_builds(str(local)) == [ONE]


def test_a_copy_that_lies_elsewhere_takes_over_nothing(local: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builds, "bundle_path", lambda: f"/elsewhere/{ONE}")
    assert builds.adopt(str(local)) == []
    assert names(local) == set()


def test_agent_pyz_runs_what_it_names_from_any_folder_and_in_isolation(local: Path) -> None:
    built = bundle.build()
    builds.put(str(local), built.file_name, built.data)
    for options in ([], ["-I", "-S", "-B"]):
        line = [sys.executable, *options, str(local / "agent.pyz"), "version"]
        done = subprocess.run(line, capture_output=True, check=True, cwd="/", timeout=60)
        assert built.build_id.encode() in done.stdout


def test_what_is_permanent_starts_what_is_named_then_and_a_question_is_this_build_s(
    local: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    builds.put(str(local), ONE, b"")
    for name in (ONE, TWO):  # a build that is pushed and not named yet installs what will start it
        monkeypatch.setattr(launch, "bundle_path", lambda name=name: str(local / name))
        assert launch.agent_command(["run"])[-2:] == [str(local / "agent.pyz"), "run"]
        assert launch.agent_command(["look"])[-2:] == [str(local / name), "look"]
    assert builds.entry("/elsewhere/agent.pyz") == "/elsewhere/agent.pyz"
    assert builds.entry(f"/elsewhere/{ONE}") == f"/elsewhere/{ONE}"


@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
def test_a_disk_that_fails_at_any_call_leaves_what_was_named(
    local: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    adopt(local, ONE, monkeypatch)
    monkeypatch.setattr(builds, "bundle_path", lambda: str(local / TWO))
    (local / TWO).touch()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(LocalError) as failed:
            builds.adopt(str(local))
    assert failed.value.cause == "DISK_FULL"
    assert builds.named_builds(str(local)) == [ONE]
    assert names(local) == {"agent.pyz", ONE, TWO}


#: zipimport compiles a module to say what its file is called, and once more to run it.
_COMPILED = """
import collections, sys, zipimport
seen, plain = collections.Counter(), zipimport._compile_source
def noted(path, source):
    seen[path] += 1
    return plain(path, source)
zipimport._compile_source = noted
sys.path.insert(0, sys.argv[1])
import roosync_ops.agent.verbs.start
print(len(seen), *(path for path, count in seen.items() if count > 1 and not path.endswith("__init__.py")))
"""


def test_no_module_of_an_agent_is_compiled_twice(tmp_path: Path) -> None:
    agent = tmp_path / "agent.pyz"
    bundle.build(agent)
    line = [sys.executable, "-I", "-S", "-B", "-c", _COMPILED, str(agent)]
    said = subprocess.run(line, check=True, capture_output=True, text=True).stdout.split()
    assert int(said[0]) > 20
    assert said[1:] == []
