import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.exceptions import MissingColumns
from onex_analytics.profiling.self_times import self_time
from tests.profiling.traces import Span, frame, self_microseconds, tidy_traces, wild_traces


def self_by_id(spans):
    return dict(self_time(frame(spans)).select("span_id", (pl.col("self_ms") * 1000).round()).collect().iter_rows())


def test_children_that_run_side_by_side_are_counted_once():
    spans = [Span("a", None, 0, 100), Span("b", "a", 10, 50), Span("c", "a", 30, 60)]
    assert self_by_id(spans) == {"a": 50, "b": 40, "c": 30}


def test_what_a_child_does_outside_of_its_parent_is_not_the_parents_time():
    spans = [Span("a", None, 10, 20), Span("b", "a", 0, 12), Span("c", "a", 18, 90)]
    row = self_time(frame(spans)).filter(pl.col("span_id") == "a").collect().row(0, named=True)
    assert (row["self_ms"], row["child_overflow_ms"], row["child_underflow_ms"]) == (0.006, 0.07, 0.01)


def test_a_child_of_no_duration_covers_nothing():
    assert self_by_id([Span("a", None, 0, 10), Span("b", "a", 5, 5)]) == {"a": 10, "b": 0}


@given(tidy_traces())
def test_it_is_what_a_count_of_single_microseconds_says(spans):
    assert self_by_id(spans) == {s.id: self_microseconds(spans, s) for s in spans}


@given(wild_traces())
def test_self_time_lies_between_nothing_and_the_duration_and_a_leafs_is_its_duration(spans):
    found = self_time(frame(spans)).collect()
    assert found.height == len(spans)
    kept = found.filter(pl.col("left_out").is_null())
    assert kept["self_ms"].is_between(0, kept["duration_ms"]).all()
    leaves = kept.filter(pl.col("children") == 0)
    assert leaves["self_ms"].equals(leaves["duration_ms"].alias("self_ms"))
    dropped = found.filter(pl.col("left_out").is_not_null())
    assert dropped["self_ms"].null_count() == dropped["depth"].null_count() == dropped.height


@given(wild_traces(), st.randoms())
def test_the_order_of_the_rows_does_not_matter(spans, random):
    first, second = (self_time(frame(s)).collect() for s in (spans, random.sample(spans, len(spans))))
    assert first.sort(first.columns).equals(second.sort(second.columns))


def test_further_columns_are_carried_along():
    spans = frame([Span("a", None, 0, 10), Span("b", "a", 5, 7)], tenant=["blue", "red"])
    found = self_time(spans, keep="tenant").group_by("tenant").agg(pl.col("self_ms").sum()).sort("tenant").collect()
    assert found.rows() == [("blue", 0.008), ("red", 0.002)]


def test_a_frame_without_spans_gives_none():
    assert self_time(frame([])).collect().height == 0


def test_a_frame_that_lacks_a_column_is_refused():
    with pytest.raises(MissingColumns, match="parent_span_id"):
        self_time(frame([]).drop("parent_span_id"))
    with pytest.raises(MissingColumns, match="tenant"):
        self_time(frame([]), keep="tenant")
