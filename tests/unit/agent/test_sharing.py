"""What carries the records may be another thing than a folder: the agent beats over all that does what a Share does."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from roosync_ops.agent import errors
from roosync_ops.agent.beat import Session
from roosync_ops.agent.config import Config, config_of
from roosync_ops.agent.errors import ShareTroubleError
from roosync_ops.agent.flags import parse as flags_of
from roosync_ops.agent.journal import Journal
from roosync_ops.agent.local_state import prepare, read_local_state
from roosync_ops.agent.loop import Loop
from roosync_ops.agent.publisher import HeartbeatPublisher, Share
from roosync_ops.agent.verbs import register, stop
from roosync_ops.wire.record import Record, parse
from tests.kits.shares import NOW
from tests.kits.virtual_agent import VirtualClock

URL = "engine://hub.example:4222/roosync"
REPOSITORY = Path(__file__).parents[3]
#: The agent's modules that know a folder.
FOLDERS = {"share", "share_facts", "view_writer", "verbs.look", "verbs.state"}


class Store:
    """One record a machine, in memory, as an engine keeps them. `gone` is what its next calls come to."""

    def __init__(self, machine_id: str = "m1") -> None:
        self.machine_id = machine_id
        self.records: dict[str, bytes] = {}
        self.gone: ShareTroubleError | None = None
        self.told_leaving = False

    @property
    def is_stuck(self) -> bool:
        return False

    def probe(self) -> None:
        if self.gone is not None:
            raise self.gone

    def follow(self, limit_s: float) -> None:
        pass

    def read_own(self) -> dict[str, Any] | None:
        record = self.own_record()[0]
        return None if record is None else record.data

    def own_record(self) -> tuple[Record | None, str | None]:
        self.probe()
        raw = self.records.get(self.machine_id)
        return None if raw is None else parse(json.loads(raw), self.machine_id)[0], None

    def read_before(self, now_ms: int) -> Record | None:
        pass

    def publish(self, raw: bytes, *, leaves: bool = False) -> None:
        self.probe()
        self.records[self.machine_id] = raw
        self.told_leaving = leaves

    def copy(self, name: str, offset: int) -> bytes | None:
        return self.records.get(self.machine_id, b"")[offset:] or None

    def own(self) -> dict[str, Any]:
        return json.loads(self.records[self.machine_id])  # type: ignore[no-any-return]


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def loop(tmp_path: Path, store: Store) -> Loop:
    config = Config("m1", URL, str(tmp_path / "local"))
    places, share = prepare(config), _a_share(store)
    clock = VirtualClock()
    return Loop(HeartbeatPublisher(config, places, share, Journal(places.journal), Session("boot", "s", NOW)), clock)


def _a_share(store: Share) -> Share:
    return store


def test_a_loop_beats_counts_and_leaves_over_a_share_that_is_no_folder(loop: Loop, store: Store) -> None:
    for _ in range(3):
        loop.step()
    assert (loop.beats, store.own()["agent"]["sequence"], store.own()["agent"]["state"]) == (3, 3, "running")
    assert loop.leave() is True
    assert (store.own()["agent"]["state"], store.told_leaving) == ("left", True)
    assert loop.leave() is False


def test_without_a_folder_there_is_no_view_and_nobody_keeps_one(loop: Loop, store: Store) -> None:
    loop.step()
    assert loop.view_writer.tend(NOW) is False
    assert read_local_state(loop.publisher.places)["view"]["keeper"] is None
    assert list(store.records) == ["m1"]


def test_its_trouble_is_noted_in_its_own_words_and_ends_with_the_next_good_beat(loop: Loop, store: Store) -> None:
    loop.step()
    store.gone = ShareTroubleError(errors.REFUSED, "the hub refused it")
    loop.step()
    share = read_local_state(loop.publisher.places)["share"]
    assert (share["state"], share["detail"]) == ("refused", "the hub refused it")
    store.gone = None
    loop.step()
    assert read_local_state(loop.publisher.places)["share"]["state"] == "ok"
    assert store.own()["agent"]["sequence"] == 2


def test_the_verbs_take_whatever_share_the_configuration_names(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roosync_ops.agent.publisher.share_of", lambda _: store)
    words = ["--shared", URL, "--local-dir", str(tmp_path / "local"), "--machine-id", "m1"]
    assert register.answer(flags_of(["register", *words]))[0]["result"]["isNewMachine"] is True
    assert store.own()["agent"]["sequence"] == 1
    assert stop.answer(flags_of(["stop", *words]))[0]["result"]["stateSaved"] is True
    assert store.own()["agent"]["state"] == "left"


def test_an_address_is_no_path_and_names_the_same_share_from_every_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = flags_of(["run", "--shared", URL, "--local-dir", str(tmp_path / "local"), "--machine-id", "m1"])
    here = config_of(flags)
    monkeypatch.chdir(tmp_path)
    assert (here.shared, here.instance) == (URL, config_of(flags).instance)


def test_each_module_of_the_agent_is_a_folders_own_or_kept_from_folders() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    kept = next(
        one["source_modules"] for one in contracts if "roosync_ops.agent.share" in one.get("forbidden_modules", ())
    )
    agent = REPOSITORY / "roosync_ops" / "agent"
    files = [path.relative_to(agent).with_suffix("") for path in agent.rglob("*.py")]
    names = {".".join(file.parts) for file in files if file.parts[0] != "permanence" and file.name[:2] != "__"}
    assert {name.removeprefix("roosync_ops.agent.") for name in kept} == (names - FOLDERS) | {"permanence"}
