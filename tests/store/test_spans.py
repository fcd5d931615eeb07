"""The spans that a store keeps are those of its events, whatever came in whatever order."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from onex_analytics import EventStore, generate
from onex_analytics.exceptions import NotAStore
from onex_analytics.store import spans as module
from onex_analytics.synthetic import DIMENSIONS
from tests.laws import examples
from tests.store.child import CONTEXT
from tests.store.span_children import keep, killed
from tests.store.span_logs import append, raw, same


@pytest.fixture
def anew(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one each time that a store pairs everything anew."""
    times: list[int] = []
    pair = module.SpanTable._pair_anew

    def counted(self: module.SpanTable, *args: object) -> object:
        times.append(1)
        return pair(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(module.SpanTable, "_pair_anew", counted)
    return times


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    folder = tmp_path_factory.mktemp("fleet")
    generate(8_000, seed=3).write(folder / "log.jsonl")
    store = EventStore(folder / "store", dimensions=DIMENSIONS)
    store.append(folder / "log.jsonl")
    return store.scan().collect().sort("source_offset")


# ------------------------------------------------------------------ equal, always

TYPES = ("NODE_START", "NODE_START", "NODE_SUCCESS", "NODE_FAILURE", "TELEMETRY_OPERATION_START",
         "TELEMETRY_OPERATION_SUCCESS", "PERFORMANCE_PROFILE", "TOOL_PROXY_INVOKE", "TOOL_PROXY_RESULT",
         "STRUCTURED_LOG")  # fmt: skip
METADATA = (
    "{}", '{"operation":"x"}', '{"operation":"y","execution_time_ms":2000.0}', '{"execution_time_ms":3000.0}',
    '{"input_state":{"x":1}}', '{"input_state":{"x":2}}', '{"input_state":{"x":1},"execution_time_ms":1000.0}',
    '{"execution_time_ms":1000.0}', '{"operation":"x","execution_time_ms":1000.0}',
)  # fmt: skip


@st.composite
def logs(draw: st.DrawFn) -> list[dict[str, object]]:
    """Few ids and few times, so that everything may pair and link with everything."""
    ids = st.sampled_from([None, None, "c", "d", "e"])
    return [
        raw(
            place, draw(st.sampled_from(TYPES)), draw(st.integers(0, 15)), draw(st.sampled_from("ab")),
            correlation_id=draw(ids), parent_correlation_id=draw(ids),
            trace_id=draw(st.sampled_from([None, None, "t"])),
            span_id=draw(st.sampled_from([None, None, None, "s", "r"])),
            parent_span_id=draw(st.sampled_from([None, None, None, "s", "r"])),
            metadata=draw(st.sampled_from(METADATA)),
        )
        for place in range(draw(st.integers(1, 28)))
    ]  # fmt: skip


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(logs(), st.lists(st.integers(0, 28), min_size=1, max_size=4), st.booleans(), st.booleans(), st.data())
def test_any_log_in_any_pieces_and_any_order_gives_the_spans_of_the_whole(
    tmp_path_factory, log, cuts, in_order, few_files, data
):
    folder = tmp_path_factory.mktemp("log")
    rows = log if in_order else data.draw(st.permutations(log))
    store = EventStore(folder / "store")
    ends = sorted({*(cut for cut in cuts if 0 < cut < len(rows)), len(rows)})
    before: list[tuple[int, pl.DataFrame]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_SMALL_FILES", 1 if few_files else 32)
        patch.setattr(module, "_MOST_REPLACED", 0.2 if few_files else 1.0)
        for begin, end in zip([0, *ends], ends, strict=False):
            append(store, rows[begin:end], folder)
            found = same(store)
            before.append((store.history()["version"][0], found))
    for version, found in before:  # what was kept for an older version is what it was
        assert_frame_equal(store.spans(version=version).collect(), found, check_row_order=False, check_exact=True)


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_fleet_in_pieces_is_paired_once_and_then_brought_up_to_date(fleet, tmp_path, anew, shuffled):
    events = fleet.sample(fraction=1.0, shuffle=True, seed=1) if shuffled else fleet
    store = EventStore(tmp_path / "store", dimensions=DIMENSIONS)
    for begin, end in ((0, 3000), (3000, 3010), (3010, 5500), (5500, 8000)):
        store.append(events.slice(begin, end - begin))
        same(store)
    assert len(anew) == 1


# ------------------------------------------------------------------ what an update does


def test_an_end_that_comes_later_closes_what_was_open(store, tmp_path, anew):
    append(store, [raw(0, "NODE_START", 0, correlation_id="c")], tmp_path)
    assert same(store)["state"].to_list() == ["open"]
    append(store, [raw(1, "NODE_SUCCESS", 5, correlation_id="c")], tmp_path)
    assert same(store).select("state", "duration_ms").rows() == [("closed", 5000.0)]
    assert len(anew) == 1


def test_a_parent_that_comes_later_takes_its_orphans_and_their_descendants_into_its_trace(store, tmp_path, anew):
    child = [raw(0, "NODE_START", 2, correlation_id="child", parent_correlation_id="root"),
             raw(1, "NODE_SUCCESS", 3, correlation_id="child")]  # fmt: skip
    below = [raw(2, "NODE_START", 2.5, "b", correlation_id="below", parent_correlation_id="child"),
             raw(3, "NODE_SUCCESS", 2.6, "b", correlation_id="below")]  # fmt: skip
    append(store, child + below, tmp_path)
    assert set(same(store)["trace_id"]) == {"child"}
    append(store, [raw(4, "NODE_START", 1, correlation_id="root")], tmp_path)
    found = same(store)
    assert set(found["trace_id"]) == {"root"}
    assert "orphan" not in found["state"].to_list()
    assert len(anew) == 1


def test_a_second_witness_that_comes_later_is_merged(store, tmp_path):
    node = [raw(0, "NODE_START", 1, correlation_id="c"), raw(1, "NODE_FAILURE", 2, correlation_id="c")]
    append(store, node, tmp_path)
    assert same(store)["witnesses"].to_list() == [1]
    telemetry = [raw(2, "TELEMETRY_OPERATION_START", 0, correlation_id="c", metadata='{"operation":"x"}'),
                 raw(3, "TELEMETRY_OPERATION_ERROR", 3, correlation_id="c", metadata='{"operation":"x"}')]  # fmt: skip
    append(store, telemetry, tmp_path)
    assert same(store).select("witnesses", "name", "outcome").rows() == [(2, "x", "failure")]


def test_a_start_and_an_end_that_stand_in_one_span_as_two_witnesses_may_yet_find_others(store, tmp_path):
    """The start is the node's, the end is telemetry's: neither was paired."""
    append(store, [
        raw(0, "NODE_START", 0, correlation_id="c"), raw(1, "TELEMETRY_OPERATION_SUCCESS", 2, correlation_id="c"),
    ], tmp_path)  # fmt: skip
    assert same(store).height == 1
    append(store, [
        raw(2, "TELEMETRY_OPERATION_START", 20, correlation_id="c"), raw(3, "NODE_FAILURE", 40, correlation_id="c"),
    ], tmp_path)  # fmt: skip
    pairs = dict(same(store).select("end_event_id", "start_event_id").iter_rows())
    assert pairs == {"e0001": "e0002", "e0003": "e0000"}


def test_an_event_that_comes_late_pairs_as_if_it_had_come_in_time(store, tmp_path):
    append(store, [raw(0, "NODE_START", 0), raw(1, "NODE_SUCCESS", 9)], tmp_path)
    same(store)
    append(store, [raw(2, "NODE_START", 4), raw(3, "NODE_SUCCESS", 5)], tmp_path)
    assert sorted(same(store)["duration_ms"]) == [1000.0, 9000.0]


def test_a_pair_of_a_recurring_correlation_leaves_those_before_it_as_they_are(store, tmp_path):
    for turn in range(4):
        rows = [raw(2 * turn, "NODE_START", 10 * turn, correlation_id="c"),
                raw(2 * turn + 1, "NODE_SUCCESS", 10 * turn + 2, correlation_id="c")]  # fmt: skip
        append(store, rows, tmp_path)
        assert same(store)["duration_ms"].to_list() == [2000.0] * (turn + 1)
    assert said(store)["replaced"] is None
    append(store, [raw(9, "NODE_SUCCESS", 40, correlation_id="c")], tmp_path)
    assert sorted(same(store)["state"]) == ["closed"] * 4 + ["duplicate_end"]


def test_a_start_that_is_told_twice_is_said_to_be_when_the_second_comes(store, tmp_path):
    append(store, [raw(0, "NODE_START", 0, correlation_id="c")], tmp_path)
    same(store)
    append(store, [raw(1, "NODE_START", 1, correlation_id="c")], tmp_path)
    assert sorted(same(store)["state"]) == ["duplicate_start", "open"]
    append(store, [raw(2, "NODE_SUCCESS", 2, correlation_id="c")], tmp_path)
    assert sorted(same(store)["state"]) == ["closed", "duplicate_start"]


def test_a_span_that_closes_a_circle_makes_a_cycle_of_what_was_a_chain(store, tmp_path, anew):
    for place, (own, parent) in enumerate((("a", "b"), ("b", "c"), ("c", "a"))):
        rows = [raw(2 * place, "NODE_START", 5 - place, correlation_id=own, parent_correlation_id=parent),
                raw(2 * place + 1, "NODE_SUCCESS", 10 + place, correlation_id=own)]  # fmt: skip
        append(store, rows, tmp_path)
        states = same(store)["state"].to_list()
    assert states == ["cycle"] * 3
    assert len(anew) == 1


def test_of_several_spans_of_one_id_another_becomes_the_parent_once_the_first_has_ended(store, tmp_path):
    outer = raw(0, "NODE_START", 0, "a", correlation_id="p", span_id="r")
    inner = raw(1, "NODE_START", 1, "b", correlation_id="q", span_id="r")
    child = raw(2, "NODE_START", 3, "c", correlation_id="x", parent_span_id="r")
    append(store, [outer, inner, child], tmp_path)
    trace = pl.col("start_event_id") == "e0002"
    assert same(store).filter(trace)["trace_id"].to_list() == ["q"]
    append(store, [raw(3, "NODE_SUCCESS", 2, "b", correlation_id="q", span_id="r")], tmp_path)
    assert same(store).filter(trace)["trace_id"].to_list() == ["p"]


def test_parents_without_a_start_are_weighed_though_nobody_knows_when_they_began(store, tmp_path):
    append(store, [raw(0, "NODE_SUCCESS", 0, "a", correlation_id="c")], tmp_path)
    same(store)
    rows = [raw(1, "NODE_SUCCESS", 1, "b", correlation_id="c"), raw(2, "NODE_START", 0, parent_correlation_id="c")]
    append(store, rows, tmp_path)
    same(store)


# ------------------------------------------------------------------ how an update is kept


def said(store: EventStore) -> dict[str, Any]:
    """What the last commit of spans said."""
    spans = module.SpanTable(store._events, [])
    spans.table.exists()
    found = spans._said()
    assert found is not None
    return found


def opened(store: EventStore, folder: Path, n: int) -> None:
    append(store, [raw(k, "NODE_START", k, correlation_id=f"c{k}") for k in range(n)], folder)
    same(store)


def test_an_end_that_comes_days_later_replaces_one_row_and_rewrites_no_file(store, tmp_path, anew):
    opened(store, tmp_path, 50)
    before, version = said(store), store.history()["version"][0]
    append(store, [raw(90, "NODE_SUCCESS", 500_000, correlation_id="c7")], tmp_path)
    found = same(store)
    assert found.filter(pl.col("state") == "closed")["correlation_id"].to_list() == ["c7"]
    assert set(before["settled"]) < set(said(store)["settled"])
    assert said(store)["replaced"]
    assert set(store.spans(version=version).collect()["state"]) == {"open"}
    assert len(anew) == 1


def test_a_file_of_which_much_was_replaced_is_written_anew(store, tmp_path, anew):
    opened(store, tmp_path, 50)
    first = set(said(store)["settled"])
    for part in (range(5), range(5, 15)):
        rows = [raw(100 + k, "NODE_SUCCESS", 100 + k, correlation_id=f"c{k}") for k in part]
        append(store, rows, tmp_path)
        assert same(store).height == 50
    assert first.isdisjoint(said(store)["settled"])
    assert said(store)["replaced"] is None
    assert len(anew) == 1


def test_many_small_files_become_one(store, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_SMALL_FILES", 3)
    for turn in range(6):
        rows = [raw(2 * turn, "NODE_START", 10 * turn, correlation_id=f"c{turn}"),
                raw(2 * turn + 1, "NODE_SUCCESS", 10 * turn + 2, correlation_id=f"c{turn}")]  # fmt: skip
        append(store, rows, tmp_path)
        assert same(store).height == turn + 1
        assert len(said(store)["settled"]) <= 4


def test_rows_that_were_replaced_are_not_counted_filtered_or_shown(store, tmp_path):
    opened(store, tmp_path, 50)
    append(store, [raw(90, "NODE_SUCCESS", 60, correlation_id="c7")], tmp_path)
    spans = store.spans()
    assert spans.select(pl.len()).collect().item() == 50
    assert spans.filter(pl.col("correlation_id") == "c7").select("state").collect().rows() == [("closed",)]
    assert spans.head(60).collect().height == 50


def test_spans_that_were_kept_in_another_way_are_paired_anew(store, tmp_path, anew, monkeypatch):
    monkeypatch.setattr(module, "_LAYOUT", 1)
    append(store, [raw(0, "NODE_START", 0, correlation_id="c")], tmp_path)
    same(store)
    monkeypatch.undo()
    assert same(EventStore(store.uri)).height == 1


def test_events_that_begin_and_end_nothing_change_nothing(store, tmp_path):
    append(store, [raw(0, "NODE_START", 0)], tmp_path)
    before = same(store)
    append(store, [raw(1, "STRUCTURED_LOG", 1)], tmp_path)
    assert_frame_equal(same(store), before)


def test_what_is_up_to_date_is_not_written_again(store, tmp_path):
    append(store, [raw(0, "NODE_START", 0)], tmp_path)
    store.spans().collect()
    files = {path: path.stat().st_mtime_ns for path in (Path(store.uri) / "spans").rglob("*") if path.is_file()}
    store.spans().collect()
    EventStore(store.uri).spans().collect()
    assert files == {p: p.stat().st_mtime_ns for p in (Path(store.uri) / "spans").rglob("*") if p.is_file()}


# ------------------------------------------------------------------ versions, keeping


def test_every_version_of_the_events_has_its_spans_kept_or_not(store, tmp_path):
    append(store, [raw(0, "NODE_START", 0, correlation_id="c")], tmp_path)
    first = store.history()["version"][0]
    store.spans().collect()
    append(store, [raw(1, "NODE_SUCCESS", 1, correlation_id="c")], tmp_path)
    second = store.history()["version"][0]
    append(store, [raw(2, "NODE_START", 2, correlation_id="d")], tmp_path)
    same(store)
    assert same(store, first)["state"].to_list() == ["open"]
    assert same(store, second)["state"].to_list() == ["closed"]


def test_compaction_changes_no_span_and_pairs_nothing_anew(fleet, tmp_path, anew):
    store = EventStore(tmp_path / "store", dimensions=DIMENSIONS)
    store.append(fleet.head(2000))
    store.append(fleet.slice(2000, 1000))
    before = same(store)
    store.compact()
    assert_frame_equal(same(store), before)
    store.append(fleet.slice(3000, 500))
    same(store)
    assert len(anew) == 1


def test_events_that_are_gone_take_their_spans_with_them(fleet, tmp_path):
    store = EventStore(tmp_path / "store", dimensions=DIMENSIONS)
    store.append(fleet.head(3000))
    same(store)
    store.retain(fleet.head(3000)["timestamp"].median())
    same(store)


def test_a_new_dimension_stands_on_the_spans(fleet, tmp_path):
    store = EventStore(tmp_path / "store")
    store.append(fleet.head(1000).drop(DIMENSIONS))
    same(store)
    store.add_dimension("tenant", DIMENSIONS["tenant"])
    assert same(store)["tenant"].null_count() < same(store).height
    store.append(fleet.slice(1000, 500).drop(DIMENSIONS))
    same(store)


def test_causes_are_followed_though_everything_is_paired_anew_for_them(store, tmp_path, anew):
    append(store, [raw(0, "NODE_START", 0, correlation_id="c")], tmp_path)
    same(store)
    append(store, [raw(1, "NODE_START", 1, correlation_id="d", causation_id="e0000")], tmp_path)
    assert set(same(store)["trace_id"]) == {"c"}
    append(store, [raw(2, "NODE_SUCCESS", 2, correlation_id="d")], tmp_path)
    same(store)
    assert len(anew) == 3


def test_spans_that_were_vacuumed_are_paired_for_the_call(store, tmp_path):
    append(store, [raw(0, "NODE_START", 0, correlation_id="c")], tmp_path)
    first = store.history()["version"][0]
    store.spans().collect()
    append(store, [raw(1, "NODE_SUCCESS", 1, correlation_id="c")], tmp_path)
    store.spans().collect()
    store.vacuum(full=True, keep_hours=0)
    same(store)
    assert same(store, first)["state"].to_list() == ["open"]


def test_a_store_without_events_has_no_spans(store):
    with pytest.raises(NotAStore):
        store.spans()


# ------------------------------------------------------------------ kills and company


def test_two_processes_that_update_at_once_leave_one_truth(fleet, tmp_path):
    store = EventStore(tmp_path / "store", dimensions=DIMENSIONS)
    for begin in (0, 2000):
        store.append(fleet.slice(begin, 2000))
        both = [CONTEXT.Process(target=keep, args=(store.uri,)) for _ in range(2)]
        for process in both:
            process.start()
        for process in both:
            process.join()
        assert [process.exitcode for process in both] == [0, 0]
        same(store)


@pytest.mark.parametrize("moment", ["before the file", "before the commit", "after the commit"])
def test_a_kill_at_any_moment_leaves_spans_that_the_next_call_brings_up_to_date(fleet, tmp_path, moment):
    store = EventStore(tmp_path / "store", dimensions=DIMENSIONS)
    for begin in (0, 2000):
        store.append(fleet.slice(begin, 2000))
        process = CONTEXT.Process(target=killed, args=(store.uri, moment))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        same(store)
