from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics import EventStore
from onex_analytics.exceptions import InvalidOption, NotAStore
from onex_analytics.model.shapes import EVENTS, REJECTED
from onex_analytics.store.selection import Selection
from tests.laws import examples
from tests.store.lines import NOON, ids, line, lines, write


def filled(store: EventStore, tmp_path, *parts: bytes) -> EventStore:
    """A store with one file for each part."""
    for number, part in enumerate(parts):
        store.append(write(tmp_path / f"{number}.jsonl", part))
    return store


# ------------------------------------------------------------------ scan


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [(0, 3, "012"), (1, 1, ""), (2, None, "2345"), (None, 2, "01"), (5, 6, "5"), (6, None, ""), (None, 0, ""),
     (None, None, "012345")],
)  # fmt: skip
def test_a_time_is_closed_at_its_beginning_and_open_at_its_end(store, tmp_path, since, until, found):
    filled(store, tmp_path, lines([0, 1]), lines([2, 3]), lines([4, 5]))
    times = [None if s is None else NOON + timedelta(seconds=s) for s in (since, until)]
    assert ids(store, since=times[0], until=times[1]) == [f"e{n}" for n in found]
    words = [None if t is None else t.isoformat() for t in times]
    assert ids(store, since=words[0], until=words[1]) == [f"e{n}" for n in found]


def test_files_that_cannot_hold_what_is_asked_for_are_left_out(store, tmp_path):
    filled(
        store, tmp_path, lines([0, 1], node_id="a"), lines([10, 11], node_id="b", event_type="NODE_SUCCESS"),
        lines([20, 21], node_id="c"), line(30, node_id="n" * 500),
    )  # fmt: skip

    def files(**asked: object) -> int:
        return len(store._events.files(Selection(**asked)))  # type: ignore[arg-type]

    assert files() == 4
    assert files(since=NOON + timedelta(seconds=10)) == 3
    assert files(since=NOON + timedelta(seconds=10), until=NOON + timedelta(seconds=20)) == 1
    assert files(until=NOON) == 0
    assert files(only={"node": ["b"]}) == 1
    assert files(only={"node": ["n" * 500]}) == 1
    assert files(only={"node": ["n" * 499 + "m"]}) == 1  # no bound of 64 characters can tell it apart
    assert files(only={"event_type": ["NODE_SUCCESS"], "node": ["a"]}) == 0
    assert files(only={"event_type": []}) == 0
    assert ids(store, nodes=["n" * 500]) == ["e30"]


SECONDS, NODES, TYPES, FILES = st.integers(0, 9), st.sampled_from("abcd"), st.sampled_from("XYZ"), st.integers(0, 3)


@settings(max_examples=examples(20))
@given(
    events=st.lists(st.tuples(SECONDS, NODES, TYPES, FILES), min_size=1),
    since=st.none() | SECONDS, until=st.none() | SECONDS,
    nodes=st.none() | st.lists(NODES, max_size=2), types=st.none() | st.lists(TYPES, max_size=2),
)  # fmt: skip
def test_what_is_pruned_answers_as_what_is_not(tmp_path_factory, events, since, until, nodes, types):
    folder = tmp_path_factory.mktemp("pruned")
    store = EventStore(folder / "store")
    for file in range(4):
        part = [line(at, event_id=f"{n}", node_id=node, event_type=kind)
                for n, (at, node, kind, where) in enumerate(events) if where == file]  # fmt: skip
        store.append(write(folder / f"{file}.jsonl", *part))
    asked = {
        "since": None if since is None else NOON + timedelta(seconds=since), "nodes": nodes, "event_types": types,
        "until": None if until is None else NOON + timedelta(seconds=until),
    }  # fmt: skip
    expected = sorted(
        f"{n}" for n, (at, node, kind, _) in enumerate(events)
        if (since is None or at >= since) and (until is None or at < until)
        and (nodes is None or node in nodes) and (types is None or kind in types)
    )  # fmt: skip
    assert ids(store, **asked) == expected


def test_one_name_stands_for_a_list_of_one(store, tmp_path):
    filled(store, tmp_path, line(1, node_id="a"), line(2, node_id="b"))
    assert ids(store, nodes="b") == ["e2"]
    assert ids(store, event_types="NODE_START") == ["e1", "e2"]


def test_a_version_answers_as_it_did_then(store, tmp_path):
    filled(store, tmp_path, lines([0, 1]), lines([2, 3]))
    store.add_dimension("tenant", "$.input_state.tenant")
    newest = store.history()["version"][0]
    assert [len(ids(store, version=v)) for v in (0, 1, 2, newest)] == [0, 2, 4, 4]
    assert store.scan(version=2).collect_schema() == EVENTS
    assert "tenant" in store.scan(version=newest).collect_schema()


@pytest.mark.parametrize("version", [-1, 3, 10**20, "1", 1.0, True])
def test_a_version_that_is_none_is_refused_with_those_there_are(store, tmp_path, version):
    filled(store, tmp_path, line(0), line(1))
    with pytest.raises(InvalidOption, match="a version from 0 to 2"):
        store.scan(version=version)


def test_a_version_whose_files_are_gone_is_refused(store, tmp_path):
    filled(store, tmp_path, line(0), line(1))
    store.compact()
    assert ids(store, version=2) == ["e0", "e1"]
    store.vacuum(keep_hours=0)
    with pytest.raises(InvalidOption, match="`vacuum` did not take"):
        store.scan(version=2)


def test_a_store_that_is_open_sees_what_others_append(store, tmp_path):
    filled(store, tmp_path, line(0))
    other = EventStore(store.uri)
    filled(store, tmp_path, line(1), b"bad\n")
    assert ids(other) == ["e0", "e1"]
    assert other.rejected().collect().height == 1
    assert other.info()["events"] == 2
    assert other.history().height == 4


@pytest.mark.parametrize("time", ["yesterday", 5, "", "2026-13-01"])
def test_a_time_that_is_none_is_refused_with_what_is_one(store, tmp_path, time):
    filled(store, tmp_path, line(0))
    with pytest.raises(InvalidOption, match="ISO time"):
        store.scan(since=time)


def test_nothing_was_stored_yet(store):
    for ask in (store.scan, store.rejected, store.history, store.info, store.compact):
        with pytest.raises(NotAStore, match="no event table here yet"):
            ask()


def test_an_empty_file_makes_an_empty_store(store, tmp_path):
    report = store.append(write(tmp_path / "log.jsonl", b""))
    assert (report.read, report.files) == (0, 1)
    assert store.scan().collect().schema == EVENTS
    assert store.rejected().collect().schema == REJECTED
    assert store.info()["events"] == 0


# ------------------------------------------------------------------ the rest


def test_sql_answers_over_events_and_rejected_lines(store, tmp_path):
    filled(store, tmp_path, lines([0, 1]) + b"bad\n")
    assert store.sql("select node, count(*) as n from events group by node").rows() == [("router", 2)]
    assert store.sql("select reason from rejected").rows() == [("invalid_json",)]
    assert store.sql("select count(*) as n from events", version=0).rows() == [(0,)]


@pytest.mark.parametrize("query", ["selec 1", "select nothing from events", "select * from other", ""])
def test_sql_that_cannot_be_read_is_refused(store, tmp_path, query):
    filled(store, tmp_path, line(0))
    with pytest.raises(InvalidOption, match="tables `events` and `rejected`"):
        store.sql(query)


def test_history_says_what_each_version_did(store, tmp_path):
    filled(store, tmp_path, lines([0, 1]), lines([1, 2]) + b"bad\n")
    store.compact()
    told = store.history().select("version", "operation", "read", "stored", "duplicate", "rejected").rows()
    assert told == [
        (3, "compact", None, None, None, None), (2, "append", 3, 1, 1, 1), (1, "append", 2, 2, 0, 0),
        (0, "create table", None, None, None, None),
    ]  # fmt: skip


def test_parts_are_the_events_file_by_file_and_a_file_stays_what_it_was(store, tmp_path):
    with pytest.raises(NotAStore):
        store.version()
    filled(store, tmp_path, lines([0, 1]), lines([2, 3]))
    before = {name: rows.collect()["event_id"].to_list() for name, rows in store.parts().items()}
    assert sorted(before.values()) == [["e0", "e1"], ["e2", "e3"]]
    version = store.version()
    filled(EventStore(store.uri), tmp_path, lines([4]))  # another writer
    after = {name: rows.collect()["event_id"].to_list() for name, rows in store.parts().items()}
    assert after == {**before, **{name: ["e4"] for name in after.keys() - before.keys()}}
    assert store.version() == version + 1 == store.history()["version"][0]
    assert set(store.parts(version=version)) == set(before)


def test_info_shows_the_store_at_a_glance(tmp_path):
    store = EventStore(tmp_path / "s", dimensions={"tenant": "$.input_state.tenant:str"})
    filled(store, tmp_path, lines([0, 60]) + b"bad\n", line(30, node_id="b"))
    info = store.info()
    assert (info["events"], info["rejected"], info["files"], info["nodes"], info["version"]) == (3, 1, 2, 2, 2)
    assert (info["first"], info["last"]) == (NOON, NOON + timedelta(seconds=60))
    assert info["dimensions"] == {"tenant": "$.input_state.tenant:str"}


def test_coverage_is_that_of_all_events(store, tmp_path):
    filled(store, tmp_path, lines(range(100)), lines(range(5000, 5100)))
    assert isinstance(store.coverage().collect(), pl.DataFrame)
