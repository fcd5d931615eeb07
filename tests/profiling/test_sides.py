"""Sides of a comparison as numbers: every span with its trace, and told apart from those that are left out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.profiling import attribute_change, compare, latency_table
from onex_analytics.profiling.comparison import _complete
from onex_analytics.profiling.sides import Layout, read
from tests.laws import examples
from tests.profiling.latencies import ROWS
from tests.profiling.latencies import spans as measured

NOON = datetime(2026, 11, 1, 12)


def spans(traces: list[str | int | None], ms: list[float | None], states: list[str | None] | None = None):
    n = len(traces)
    return pl.DataFrame({
        "trace_id": traces, "span_id": [f"{i}" for i in range(n)], "parent_span_id": [None] * n, "name": ["a"] * n,
        "start": [NOON] * n,
        "end": [None if x is None else NOON + timedelta(milliseconds=0 if x != x else x) for x in ms],
        "duration_ms": ms, "state": states or ["closed"] * n, "node": [f"node {i % 3}" for i in range(n)],
    }, schema_overrides={"duration_ms": pl.Float64, "end": pl.Datetime("us"), "state": pl.String})  # fmt: skip


@pytest.mark.parametrize("kind", ["long texts", "short texts", "whole numbers"])
@pytest.mark.parametrize("traces", [1, 7, 5000], ids=["one trace", "few traces", "more than a batch remembers"])
def test_spans_of_a_trace_bear_its_number_and_no_other_does(kind, traces):
    rng = np.random.default_rng(traces)
    of_row = rng.integers(0, traces, 9000)
    told = {"long texts": lambda i: f"{i:032x}", "short texts": lambda i: f"t{i}", "whole numbers": int}[kind]
    frame = spans([told(i) for i in of_row], [float(i) for i in range(9000)])
    side = _complete(frame, ["node"])
    found = read([side, side.head(0)], ["node"])
    layout = Layout(found, found.grouping.rows()["_code"].to_numpy())
    laid = layout.laid(0, 3, np.empty(9000), np.empty(9000, np.uint32))
    at = laid.ms.astype(int)
    pairs = set(zip(of_row[at].tolist(), laid.trace.tolist(), strict=True))
    assert len(pairs) == len({trace for trace, _ in pairs}) == len({number for _, number in pairs})
    assert sorted(at.tolist()) == list(range(9000))


def test_a_span_is_compared_or_open_or_left_out_and_counted_where_it_belongs():
    frame = spans(
        ["t", "t", None, None, "u", "v", "w", "x"],
        [1.0, None, 2.0, None, -1.0, float("nan"), 3.0, 4.0],
        ["closed", "open", "closed", "orphan", "closed", "closed", "duplicate_end", None],
    )
    row = compare(frame, frame, by=()).collect().row(0, named=True)
    assert [row[f"{name}_baseline"] for name in ("n", "open", "left_out", "traces")] == [3, 2, 3, 3]


def test_a_trace_id_that_is_a_number_tells_traces_apart_as_its_text_would():
    rng = np.random.default_rng(1)
    numbers, ms = rng.integers(0, 300, 2000).tolist(), np.exp(rng.normal(size=2000)).tolist()
    as_text = [spans([f"{i}" for i in numbers], [factor * x for x in ms]) for factor in (1, 2)]
    as_number = [frame.with_columns(pl.col("trace_id").cast(pl.UInt64)) for frame in as_text]
    assert compare(*as_number).collect().rows() == compare(*as_text).collect().rows()


@pytest.mark.parametrize("at_a_time", [1, 300, 10_000])
@pytest.mark.parametrize("many_ways", [-10_000, 1 << 16], ids=["groups in a list", "groups in a table"])
def test_however_many_are_compared_at_a_time_each_group_is_as_if_it_were_alone(monkeypatch, at_a_time, many_ways):
    rng = np.random.default_rng(4)
    ms = np.where(rng.random(3000) < 0.01, None, np.exp(rng.normal(size=3000)).round(2))
    nodes = np.where(rng.random(3000) < 0.6, "node 0", [f"node {i}" for i in rng.integers(0, 12, 3000)])
    frame = spans([f"{i // 5}" for i in range(3000)], ms.tolist()).with_columns(pl.Series("node", nodes))
    parts = [frame[:900], frame[900:]]
    monkeypatch.setattr("onex_analytics.profiling.comparison._AT_A_TIME", at_a_time)
    monkeypatch.setattr("onex_analytics.profiling.sides._MANY_WAYS", many_ways)
    measured = ["node", "n_candidate", "open_baseline", "traces_candidate", "p50_ratio_low", "p", "open_p"]
    whole = compare(*parts, by="node").select(measured).collect()
    alone = [compare(*(part.filter(node=name) for part in parts), by="node") for name in whole["node"]]
    assert whole["open_baseline"].sum() > 0
    assert whole.rows() == pl.concat(alone).select(measured).collect().rows()


@pytest.mark.parametrize("by", ["node", (), ("node", "start")], ids=str)
def test_a_moment_parts_spans_as_two_filters_do(by):
    rng = np.random.default_rng(5)
    ms = np.where(rng.random(2000) < 0.02, None, np.exp(rng.normal(size=2000)).round(2))
    frame = spans([f"{i // 4}" for i in range(2000)], ms.tolist()).with_columns(
        start=pl.lit(NOON) + pl.duration(seconds=pl.Series(rng.integers(0, 9, 2000))).cast(pl.Duration("us"))
    )
    moment = NOON + timedelta(seconds=4)
    filters = [frame.filter(pl.col("start") < moment), frame.filter(pl.col("start") >= moment)]
    expected = compare(*filters, by=by).collect()
    assert expected["open_candidate"].sum() > 0
    assert compare(frame, moment, by=by).collect().rows() == expected.rows()
    in_delhi = moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(hours=5.5)))
    assert compare(frame, in_delhi, by=by).collect().rows() == expected.rows()


def test_spans_whose_start_is_not_known_are_on_neither_side_of_a_moment_and_counted():
    frame = spans(["t"] * 4, [1.0, 2.0, 3.0, None]).with_columns(
        start=pl.Series([NOON, NOON + timedelta(seconds=2), None, None], dtype=pl.Datetime("us"))
    )
    row = compare(frame, NOON + timedelta(seconds=1), by=()).collect().row(0, named=True)
    assert [row[f"{name}_baseline"] for name in ("n", "open", "left_out")] == [1, 0, 2]
    assert [row[f"{name}_candidate"] for name in ("n", "open", "left_out")] == [1, 0, 0]


@given(st.permutations(range(40)))
@settings(max_examples=examples(15))
def test_however_the_rows_lie_the_result_is_the_same_to_the_last_bit(order):
    rng = np.random.default_rng(3)
    ms = np.exp(rng.normal(size=40)).tolist()
    before, after = (spans([f"{i // 4}" for i in range(40)], [factor * x for x in ms]) for factor in (1, 1.3))
    moved = compare(before[list(order)], after, by=()).collect()
    assert moved.rows() == compare(before, after, by=()).collect().rows()


@settings(max_examples=examples(15))
@given(ROWS)
def test_a_comparison_counts_the_spans_that_the_table_of_latencies_counts(rows):
    frame = measured(rows)
    counted = ["n_baseline", "left_out_baseline", "open_baseline"]
    compared, shared = (ask(frame, frame, by="node").collect().sort("node", nulls_last=True)[counted]
                        for ask in (compare, attribute_change))  # fmt: skip
    assert compared["n_baseline"].to_list() == latency_table(frame, by="node").collect()["n"].to_list()
    assert compared.rows() == shared.rows()
