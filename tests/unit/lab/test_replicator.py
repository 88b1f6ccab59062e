from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from roosync_ops.lab.replicator import Replicator, uniform
from tests.unit.lab.virtual import MemoryReplica, World, world

if TYPE_CHECKING:
    from roosync_ops.lab.replica import File, Stamp

BEAT = "heartbeats/a.json"


def test_a_file_reaches_every_other_replica_after_both_delays() -> None:
    w = world("a", "b", "c", delay=0.4)
    w.replicas["a"].write(BEAT, b"1")
    w.run(0.7)
    assert w.replicas["b"].text(BEAT) is None
    w.run(0.4)
    assert w.replicas["b"].text(BEAT) == w.replicas["c"].text(BEAT) == b"1"


def test_what_was_there_before_the_start_is_replicated_too() -> None:
    replicas = {"a": MemoryReplica(), "b": MemoryReplica()}
    replicas["a"].write(BEAT, b"old")
    w = World(replicas, Replicator(replicas, lambda _now: 0.1))
    w.settle()
    assert replicas["b"].text(BEAT) == b"old"


def test_a_delivery_is_not_sent_back() -> None:
    w = world("a", "b", "c")
    w.replicas["a"].write(BEAT, b"1")
    w.settle()
    w.run(10)
    assert [replica.writes for replica in w.replicas.values()] == [1, 1, 1]


def test_the_same_bytes_written_again_are_no_change() -> None:
    w = world("a", "b")
    w.replicas["a"].write(BEAT, b"1")
    w.settle()
    w.replicas["a"].write(BEAT, b"1")
    w.settle()
    assert w.replicas["b"].writes == 1


def test_many_writes_within_one_delay_are_one_upload_of_the_newest() -> None:
    w = world("a", "b", delay=1.0)
    for number in range(8):
        w.replicas["a"].write(BEAT, b"%d" % number)
        w.run(0.1)
    w.settle()
    assert w.replicas["b"].text(BEAT) == b"7"
    assert w.replicas["b"].writes <= 2


def test_a_deletion_is_replicated_and_does_not_come_back() -> None:
    w = world("a", "b", "c")
    w.replicas["a"].write(BEAT, b"1")
    w.settle()
    w.replicas["b"].remove(BEAT)
    w.settle()
    w.run(10)
    assert all(replica.text(BEAT) is None for replica in w.replicas.values())


def test_a_file_that_a_listing_missed_is_not_deleted_anywhere() -> None:
    """A directory listing may miss a file that is being replaced at that instant."""
    w = world("a", "b")
    w.replicas["a"].write(BEAT, b"1")
    w.settle()
    w.sync.links["a"].uploads[BEAT] = w.now
    del w.sync.links["a"].known[BEAT]
    w.settle()
    assert w.replicas["b"].text(BEAT) == b"1"


def test_of_two_writers_the_later_upload_wins_everywhere() -> None:
    w = world("a", "b", "c")
    w.replicas["a"].write("heartbeat.json", b"first")
    w.run(0.2)
    w.replicas["b"].write("heartbeat.json", b"second")
    w.settle()
    assert {replica.text("heartbeat.json") for replica in w.replicas.values()} == {b"second"}


def test_a_change_still_to_be_uploaded_is_not_overwritten_by_a_download() -> None:
    w = world("a", "b")
    w.sync.switch("b", up=False)
    w.replicas["a"].write("heartbeat.json", b"theirs")
    w.replicas["b"].write("heartbeat.json", b"mine")
    w.run(5)
    assert w.replicas["b"].text("heartbeat.json") == b"mine"
    w.sync.switch("b", up=True)
    w.settle()
    assert w.replicas["a"].text("heartbeat.json") == b"mine"


def test_a_change_made_since_the_last_look_is_not_overwritten_either() -> None:
    w = world("a", "b", delay=0.0)
    w.replicas["a"].write("heartbeat.json", b"theirs")
    mine = w.replicas["b"]
    looked = mine.scan

    def look_then_write() -> dict[str, Stamp]:
        seen = looked()
        mine.scan = looked  # type: ignore[method-assign]
        mine.write("heartbeat.json", b"mine")
        return seen

    mine.scan = look_then_write  # type: ignore[method-assign]
    w.settle()
    assert w.replicas["a"].text("heartbeat.json") == mine.text("heartbeat.json") == b"mine"


def test_paused_uploads_leave_the_machine_reading_but_unheard() -> None:
    w = world("a", "b")
    w.sync.switch("a", up=False)
    w.replicas["a"].write(BEAT, b"1")
    w.replicas["b"].write("heartbeats/b.json", b"2")
    w.run(60)
    assert w.replicas["b"].text(BEAT) is None
    assert w.replicas["a"].text("heartbeats/b.json") == b"2"
    w.sync.switch("a", up=True)
    w.settle()
    assert w.replicas["b"].text(BEAT) == b"1"


def test_paused_downloads_leave_the_machine_heard_but_reading_old_news() -> None:
    w = world("a", "b")
    w.sync.switch("a", down=False)
    w.replicas["a"].write(BEAT, b"1")
    w.replicas["b"].write("heartbeats/b.json", b"2")
    w.run(60)
    assert w.replicas["b"].text(BEAT) == b"1"
    assert w.replicas["a"].text("heartbeats/b.json") is None


def test_a_machine_back_after_hours_gets_the_newest_version_once() -> None:
    w = world("a", "b")
    w.sync.switch("b", up=False, down=False)
    for number in range(100):
        w.replicas["a"].write(BEAT, b"%d" % number)
        w.run(60, poll=1)
    w.sync.switch("b", up=True, down=True)
    w.settle()
    assert w.replicas["b"].text(BEAT) == b"99"
    assert w.replicas["b"].writes == 1


def test_a_drive_that_is_not_mounted_deletes_nothing_for_the_others() -> None:
    w = world("a", "b")
    w.replicas["a"].write(BEAT, b"1")
    w.settle()
    w.replicas["a"].gone = True
    w.run(60)
    assert w.replicas["b"].text(BEAT) == b"1"
    assert w.sync.links["a"].trouble == "not mounted"
    w.replicas["a"].gone = False
    w.run(1)
    assert w.sync.links["a"].trouble == ""


def test_a_delivery_that_fails_is_tried_again() -> None:
    w = world("a", "b")
    refused = w.replicas["b"].deliver

    def full(name: str, file: File) -> Stamp:  # noqa: ARG001
        raise OSError("no space left")

    w.replicas["b"].deliver = full  # type: ignore[method-assign]
    w.replicas["a"].write(BEAT, b"1")
    w.run(5)
    assert w.sync.links["b"].trouble == "no space left"
    w.replicas["b"].deliver = refused  # type: ignore[method-assign]
    w.settle()
    assert w.replicas["b"].text(BEAT) == b"1"


def test_hidden_and_temporary_files_stay_at_home() -> None:
    w = world("a", "b")
    for name in (".lock", "heartbeats/.a.json.tmp", "heartbeats/a.tmp", ".tmp.drivedownload/1"):
        w.replicas["a"].write(name, b"x")
    w.run(10)
    assert w.replicas["b"].files == {}


def test_a_seed_replays_the_same_delays_within_their_bounds() -> None:
    first, second = uniform(0.25, 0.5, seed=7), uniform(0.25, 0.5, seed=7)
    drawn = [first(0.0) for _ in range(100)]
    assert drawn == [second(0.0) for _ in range(100)]
    assert min(drawn) >= 0.25
    assert max(drawn) <= 0.5


NAMES = ("heartbeats/a.json", "heartbeats/b.json", "heartbeat.json")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from("abc"), st.sampled_from(NAMES), st.binary(max_size=3)),
        st.tuples(st.just("remove"), st.sampled_from("abc"), st.sampled_from(NAMES), st.just(b"")),
        st.tuples(st.just("wait"), st.just("a"), st.just(""), st.binary(min_size=1, max_size=1)),
        st.tuples(st.sampled_from(["up", "down"]), st.sampled_from("abc"), st.just(""), st.sampled_from([b"", b"1"])),
    ),
    max_size=40,
)


def _play(w: World, steps: list[tuple[str, str, str, bytes]]) -> None:
    for what, machine, name, value in steps:
        if what == "write":
            w.replicas[machine].write(name, value)
        elif what == "remove":
            w.replicas[machine].remove(name)
        elif what == "wait":
            w.run(value[0] / 100)
        elif what == "up":
            w.sync.switch(machine, up=bool(value))
        else:
            w.sync.switch(machine, down=bool(value))


@settings(deadline=None)  # a busy computer is no failure
@given(STEPS, st.integers(0, 1000))
def test_once_all_are_connected_and_quiet_every_replica_is_the_same(
    steps: list[tuple[str, str, str, bytes]], seed: int
) -> None:
    w = world("a", "b", "c")
    w.sync.delay = uniform(0.0, 2.0, seed)
    _play(w, steps)
    for name in w.replicas:
        w.sync.switch(name, up=True, down=True)
    w.settle()
    contents = [replica.contents() for replica in w.replicas.values()]
    assert contents[0] == contents[1] == contents[2]


@settings(deadline=None)  # a busy computer is no failure
@given(STEPS, st.sampled_from("abc"), st.sampled_from(NAMES))
def test_the_last_write_of_all_is_what_everybody_has_in_the_end(
    steps: list[tuple[str, str, str, bytes]], machine: str, name: str
) -> None:
    w = world("a", "b", "c")
    _play(w, steps)
    for other in w.replicas:
        w.sync.switch(other, up=True, down=True)
    w.settle()
    w.replicas[machine].write(name, b"the last word")
    w.settle()
    assert {replica.text(name) for replica in w.replicas.values()} == {b"the last word"}
