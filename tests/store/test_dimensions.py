from __future__ import annotations

import json
import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onex_analytics import EventStore
from onex_analytics.exceptions import InvalidOption
from onex_analytics.store import dimensions
from onex_analytics.store.appending import Appender
from onex_analytics.store.storage import Table
from tests.laws import examples
from tests.store.lines import adds_up, ids, line, lines, small_units, write

TENANT = "$.input_state.tenant:str"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5) | st.sampled_from(["7", "-1.5", "1e3", " 7", "true", "nan", "inf", "é\\\"", "9" * 20]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2), max_leaves=3,
)  # fmt: skip


def tenants(store: EventStore) -> dict[str, object]:
    return dict(store.scan().select("event_id", "tenant").collect().sort("event_id").rows())


def test_a_dimension_is_declared_once_and_lifted_at_append(tmp_path):
    store = EventStore(tmp_path / "s", dimensions={"tenant": TENANT, "size": "$.input_state.size:i64"})
    store.append(write(tmp_path / "log.jsonl", lines([1, 2]), line(3, metadata={}), line(4, metadata=None)))
    assert tenants(store) == {"e1": "acme", "e2": "acme", "e3": None, "e4": None}
    again = EventStore(tmp_path / "s")
    assert again.dimensions == {"tenant": TENANT, "size": "$.input_state.size:i64"}
    assert again.scan().select(pl.col("size").sum()).collect().item() == 3
    assert EventStore(tmp_path / "s", dimensions={"tenant": TENANT}).dimensions == again.dimensions


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=examples(25))
@given(st.lists(VALUES, min_size=1, max_size=8), st.sampled_from(["str", "i64", "f64", "bool"]))
def test_a_dimension_that_is_added_is_what_would_have_been_lifted(values, kind):
    path = f"$.a.b:{kind}"
    with tempfile.TemporaryDirectory() as folder:
        data = b"".join(line(n, metadata={"a": {"b": value}}) for n, value in enumerate(values))
        log = write(Path(folder, "log.jsonl"), data, line(90, metadata={"a": 1}), line(91, metadata=[]))
        lifted, added = EventStore(f"{folder}/l", dimensions={"d": path}), EventStore(f"{folder}/a")
        lifted.append(log)
        added.append(log)
        count = added.add_dimension("d", path)
        columns = [s.scan().select("event_id", "d").sort("event_id").collect() for s in (lifted, added)]
        assert columns[0].equals(columns[1])
        assert count == columns[0]["d"].count()


def test_a_dimension_that_is_added_survives_reopening_and_serves_later_appends(store, tmp_path):
    for number in range(3):
        store.append(write(tmp_path / f"{number}.jsonl", lines([number])))
    assert store.add_dimension("tenant", TENANT) == 3
    again = EventStore(store.uri)
    assert again.dimensions == {"tenant": TENANT}
    again.append(write(tmp_path / "more.jsonl", lines([7])))
    assert tenants(store) == dict.fromkeys(["e0", "e1", "e2", "e7"], "acme")
    before = store.history()["version"][0]
    assert store.add_dimension("tenant", TENANT) == 4
    assert store.history()["version"][0] == before


@pytest.mark.parametrize("step", range(1, 7))
def test_an_addition_that_is_broken_off_at_any_step_is_finished_by_the_next(store, tmp_path, monkeypatch, step):
    for number in range(3):
        store.append(write(tmp_path / f"{number}.jsonl", lines([number])))
    count = 0

    def broken(true):
        def step_or_stop(self, *args, **named):
            nonlocal count
            count += 1
            if count == step:
                raise KeyboardInterrupt
            return true(self, *args, **named)

        return step_or_stop

    with monkeypatch.context() as patch:
        patch.setattr(Table, "alter", broken(Table.alter))
        patch.setattr(Table, "commit", broken(Table.commit))
        with pytest.raises(KeyboardInterrupt):
            store.add_dimension("tenant", TENANT)
    again = EventStore(store.uri)
    assert again.dimensions == {}
    assert ids(again) == ["e0", "e1", "e2"]
    again.append(write(tmp_path / "more.jsonl", lines([7])))
    again.compact()
    if step > 1:
        with pytest.raises(InvalidOption, match="as which it was begun"):
            again.add_dimension("tenant", "$.input_state.other:str")
    assert again.add_dimension("tenant", TENANT) == 4
    assert tenants(again) == dict.fromkeys(["e0", "e1", "e2", "e7"], "acme")


@pytest.mark.parametrize("when", ["before the commit", "before the backfill ends"])
def test_an_append_in_progress_learns_a_dimension_that_another_process_adds(store, tmp_path, monkeypatch, when):
    small_units(monkeypatch, 600)
    store.append(write(tmp_path / "first.jsonl", lines([0])))
    other = EventStore(store.uri)
    done = []

    if when == "before the commit":
        true_commit = Appender._commit

        def commit(self, *args):
            if len(done) < 2 and not self.events.described().get("dimensions"):
                done.append(other.add_dimension("tenant", TENANT))
            return true_commit(self, *args)

        monkeypatch.setattr(Appender, "_commit", commit)
        report = adds_up(store.append(write(tmp_path / "log.jsonl", lines(range(1, 20)))))
    else:
        true_fill = dimensions._fill

        def fill(table, dimension):
            true_fill(table, dimension)
            if not done:
                done.append(adds_up(store.append(write(tmp_path / "log.jsonl", lines(range(1, 20))))))

        monkeypatch.setattr(dimensions, "_fill", fill)
        other.add_dimension("tenant", TENANT)
        report = done[0]
    assert report.stored == 19
    assert tenants(EventStore(store.uri)) == {f"e{n}": "acme" for n in range(20)}
    assert store.dimensions == {"tenant": TENANT} or when != "before the commit"


def test_two_dimensions_that_are_added_at_once_are_both_there(store, tmp_path, monkeypatch):
    store.append(write(tmp_path / "log.jsonl", lines(range(3))))
    store.append(write(tmp_path / "more.jsonl", lines(range(3, 6))))
    other, true_fill, done = EventStore(store.uri), dimensions._fill, []

    def fill(table, dimension):
        if not done:
            done.append(1)
            other.add_dimension("size", "$.input_state.size:i64")
        true_fill(table, dimension)

    monkeypatch.setattr(dimensions, "_fill", fill)
    store.add_dimension("tenant", TENANT)
    frame = EventStore(store.uri).scan().select("tenant", "size").collect()
    assert frame.null_count().row(0) == (0, 0)


def test_compaction_and_retention_by_one_who_knows_no_dimension_lose_none(store, tmp_path):
    for number in range(4):
        store.append(write(tmp_path / f"{number}.jsonl", lines([number, number + 10])))
    stale = EventStore(store.uri)
    store.add_dimension("tenant", TENANT)
    stale.compact()
    assert set(tenants(store).values()) == {"acme"}
    stale.retain("2026-11-01T12:00:02")
    assert set(tenants(store).values()) == {"acme"}


@pytest.mark.parametrize(
    ("name", "path", "words"),
    [("event_id", TENANT, "no column of model.EVENTS"), ("a b", TENANT, "an identifier"), ("", TENANT, "an identifier"),
     ("t", "$.a:date", "one of str, i64, f64, bool"), ("t", "a.b", "behind `\\$\\.`"), ("t", "$.a[0]", "keys behind"),
     ("t", "$.:str", "keys behind"), ("tenant", "$.other:str", "another name")],
)  # fmt: skip
def test_a_dimension_that_cannot_be_is_refused_with_the_mend(tmp_path, name, path, words):
    store = EventStore(tmp_path / "s", dimensions={"tenant": TENANT})
    store.append(write(tmp_path / "log.jsonl", line(1)))
    with pytest.raises(InvalidOption, match=words):
        store.add_dimension(name, path)
    if name != "tenant":
        with pytest.raises(InvalidOption, match=words):
            EventStore(tmp_path / "other", dimensions={name: path})
    assert ids(store) == ["e1"]


def test_other_dimensions_than_those_of_the_store_are_refused(store, tmp_path):
    early = EventStore(store.uri, dimensions={"tenant": TENANT})
    store.append(write(tmp_path / "log.jsonl", line(1)))
    with pytest.raises(InvalidOption, match="add one by `add_dimension`"):
        EventStore(store.uri, dimensions={"tenant": TENANT})
    with pytest.raises(InvalidOption, match="add one by `add_dimension`"):
        early.append(write(tmp_path / "more.jsonl", line(2)))


def test_a_dimension_is_exported_as_the_metadata_it_came_from(tmp_path):
    store = EventStore(tmp_path / "s", dimensions={"tenant": TENANT})
    store.append(write(tmp_path / "log.jsonl", line(1)))
    store.to_jsonl(tmp_path / "out.jsonl")
    assert json.loads((tmp_path / "out.jsonl").read_bytes()) == json.loads(line(1))
