from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.exceptions import MissingColumns
from onex_analytics.profiling.call_trees import call_graph, call_tree
from onex_analytics.profiling.profiles import critical_path_profile
from tests.profiling.traces import (
    Span,
    frame,
    microseconds,
    roots_of,
    sections_of,
    self_microseconds,
    tidy_traces,
    wild_traces,
)


def paths_of(spans):
    by_id = {}
    for span in spans:  # parents come before their children
        by_id[span.id] = (*by_id.get(span.parent, ()), span.name)
    return by_id


@given(tidy_traces())
def test_each_path_has_the_spans_and_times_that_a_count_one_by_one_gives(spans):
    paths = paths_of(spans)
    n, total, own, critical = Counter(), Counter(), Counter(), Counter()
    for span in spans:
        path = paths[span.id]
        n[path] += 1
        total[path] += span.end - span.start
        own[path] += self_microseconds(spans, span)
    for root in roots_of(spans):
        for span, start, end in sections_of(spans, root):
            critical[paths[span]] += end - start
    times = (pl.col("^.*_ms$") * 1000).round().cast(pl.Int64)
    rows = call_tree(frame(spans)).select("path", "n", times).collect().rows()
    assert {tuple(row[0]): row[1:] for row in rows} == {p: (n[p], total[p], own[p], critical[p]) for p in n}


@given(wild_traces())
def test_a_node_stands_below_its_caller_and_heavy_siblings_come_first(spans):
    found = call_tree(frame(spans)).collect()
    assert found["node_id"].to_list() == list(range(found.height))
    for row in found.rows(named=True):
        assert row["depth"] == len(row["path"]) - 1
        assert row["path"][-1] == row["name"]
        if row["depth"]:
            assert found["path"][row["parent_id"]].to_list() == row["path"][:-1]
            assert row["parent_id"] < row["node_id"]
    for _, siblings in found.group_by("parent_id", maintain_order=True):
        assert siblings["total_ms"].is_sorted(descending=True)


@pytest.mark.parametrize("names", ["one", "many"])
def test_a_chain_of_a_hundred_thousand_levels_has_short_paths(names):
    n = 100_000
    ids = pl.Series([f"{i:06}" for i in range(n)])
    chain = frame([]).clear(n).with_columns(
        trace_id=pl.lit("t"), span_id=ids, parent_span_id=ids.shift(1), start=0, end=1,
        name=ids if names == "many" else pl.lit("same"),
    ).cast({"start": pl.Datetime("us"), "end": pl.Datetime("us")})  # fmt: skip
    found = call_tree(chain).collect()
    assert found["depth"].max() == n - 1
    assert found["path"].list.len().max() == 64
    last = found.row(n - 1, named=True)["path"]
    assert last[31] == f"… {n - 63:,} levels …"
    if names == "many":
        assert last[:31] == ids[:31].to_list() and last[32:] == ids[-32:].to_list()
        assert found["path"].list.len().to_list() == [min(i + 1, 64) for i in range(n)]
        assert found["path"][63].to_list() == ids[:64].to_list()


def test_who_calls_whom_is_counted_with_its_errors():
    calls = [Span("r", None, 0, 10, "page"), Span("a", "r", 0, 4, "query"), Span("b", "r", 5, 9, "query")]
    spans = frame([*calls, Span("o", "gone", 1, 2, "x")], status=["ok", "error", "ok", None])
    found = call_graph(spans).collect().rows()
    assert found == [
        (None, "page", 1, 0, 0.01, 0.002), ("page", "query", 2, 1, 0.008, 0.008), (None, "x", 1, 0, 0.001, 0.001),
    ]  # fmt: skip


@given(tidy_traces())
def test_the_graph_is_what_a_count_one_by_one_gives(spans):
    name_of = {s.id: s.name for s in spans}
    expected = Counter((name_of.get(s.parent), s.name) for s in spans)
    times = Counter()
    for s in spans:
        times[name_of.get(s.parent), s.name] += s.end - s.start
    found = call_graph(frame(spans)).collect()
    assert {row[:2]: row[2] for row in found.iter_rows()} == expected
    assert {row[:2]: round(row[4] * 1000) for row in found.iter_rows()} == {pair: times[pair] for pair in expected}


@given(wild_traces(), st.randoms())
def test_the_order_of_the_rows_does_not_matter(spans, random):
    shuffled = random.sample(spans, len(spans))
    assert call_tree(frame(spans)).collect().equals(call_tree(frame(shuffled)).collect())
    assert call_graph(frame(spans)).collect().equals(call_graph(frame(shuffled)).collect())


def test_by_another_column_even_where_it_is_null_or_no_text():
    spans = frame([Span("r", None, 0, 10), Span("a", "r", 0, 4)], service=["web", None], tenant=[1, 2])
    assert call_graph(spans, by="node").collect()["callee"].to_list() == ["web", None]
    assert call_tree(spans, by="node").collect()["path"].to_list() == [["web"], ["web", None]]
    assert call_tree(spans, by="tenant").collect()["path"].to_list() == [["1"], ["1", "2"]]


def test_absent_columns_are_refused_and_no_spans_give_no_rows():
    for reckon in (call_tree, call_graph):
        with pytest.raises(MissingColumns, match="city"):
            reckon(frame([]), by="city")
        assert reckon(frame([])).collect().height == 0


def test_many_paths_outgrow_the_first_table_of_them():
    rng = np.random.default_rng(1)
    n = 5_000
    parents = [None, *(f"{p}" for p in (rng.random(n - 1) * np.arange(1, n)).astype(int))]
    spans = [Span(f"{i}", parents[i], 0, 1) for i in range(n)]
    found = call_tree(frame(spans)).collect()
    assert found.height == n == found["path"].n_unique()
    assert frame(spans).select(microseconds("end").max()).item() == 1


def test_the_same_time_is_the_same_number_in_every_table():
    spans = frame([Span(name, None, 0, 700, name) for name in "abc"])
    for table in (call_tree(spans), call_graph(spans), critical_path_profile(spans)):
        found = table.select(pl.col("^(total|self|critical)_ms$")).collect()
        assert {x for row in found.rows() for x in row} == {0.7}
