from sys import float_info

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.frames.buckets import relative_error
from onex_analytics.frames.quantiles import METHODS, quantile_of
from onex_analytics.profiling import (
    heatmap,
    histogram_quantile,
    histogram_table,
    latency_table,
    latency_timeseries,
    merge_histograms,
)
from tests.laws import examples
from tests.profiling.latencies import ROWS, at, judged, spans


@given(ROWS)
def test_the_histogram_holds_what_the_table_measures(rows):
    table, histogram = latency_table(spans(rows)).collect(), histogram_table(spans(rows)).collect()
    counted = histogram.group_by("node", "operation").agg(pl.col("n").sum(), pl.col("weight").sum())
    wanted = table.filter(pl.col("n") > 0).select("node", "operation", "n", "weight")
    assert_frame_equal(counted, wanted, check_row_order=False)
    assert histogram.filter(pl.col("sign") < 0).height == 0


@settings(max_examples=examples(50))
@given(ROWS, st.sampled_from([0, 0.07, 0.5, 0.99, 1]), st.sampled_from(METHODS))
def test_its_quantiles_are_within_the_bound_it_tells_of_the_exact_ones(rows, q, method):
    histogram = histogram_table(spans(rows), "node")
    found = histogram_quantile(histogram, [q], method=method).collect()
    for node, n, _, estimate, exact, bound in found.iter_rows():
        values = [row["ms"] for row in rows if row["node"] == node and judged(row) == "measured"]
        wanted = quantile_of(values, q, method)
        assert n == len(values)
        assert exact is False
        assert bound == pytest.approx(relative_error(6))
        assert abs(estimate - wanted) <= wanted * bound * (1 + 1e-9)


@settings(max_examples=examples(30))
@given(ROWS, ROWS)
def test_parts_merge_into_the_whole(one, other):
    merged = merge_histograms(histogram_table(spans(one)), histogram_table(spans(other)))
    assert_frame_equal(merged, histogram_table(spans(one + other)))


def test_sampled_spans_weigh_what_they_stand_for():
    rows = [{"ms": 1.0, "adjusted_count": 9.0}, {"ms": 100.0, "adjusted_count": 1.0}]
    histogram = histogram_table(spans(rows), ())
    assert histogram.select("n", "weight").collect().rows() == [(1, 9.0), (1, 1.0)]
    found = histogram_quantile(histogram, [0.9, 0.91]).collect().row(0, named=True)
    assert found["p90_ms"] == pytest.approx(1, rel=0.006)
    assert found["p91_ms"] == pytest.approx(100, rel=0.006)


def test_groups_are_added_up_on_demand():
    histogram = histogram_table(spans([{"ms": 1.0, "node": "a"}, {"ms": 1.0, "node": "b"}]))
    assert histogram_quantile(histogram, [0.5], by="operation").select("operation", "n").collect().rows() == [
        ("stamp", 2)
    ]
    assert merge_histograms(histogram, by=()).select("n").collect().rows() == [(2,)]


def test_bad_use_of_histograms_is_refused_with_the_mend():
    some = spans([{"ms": 1.0}])
    with pytest.raises(MissingColumns, match="tenant"):
        histogram_table(some, "tenant")
    with pytest.raises(InvalidOption, match="a whole number from -10 to 10"):
        histogram_table(some, scale=11)
    with pytest.raises(MissingColumns, match="bucket"):
        histogram_quantile(some)


@settings(max_examples=examples(30))
@given(ROWS, st.integers(-1, 3))
def test_the_cells_of_a_heat_map_hold_the_durations_that_they_say(rows, scale):
    rows = [row for row in rows if not 0 < (row["ms"] or 0) < float_info.min]  # bounds so small are no floats
    cells = heatmap(spans(rows), "1m", "node", scale=scale).collect()
    for cell in cells.iter_rows(named=True):
        inside = [
            row["ms"] for row in rows
            if judged(row) == "measured" and at(row["at"] // 60 * 60) == cell["start"] and row["node"] == cell["node"]
            and (cell["lower_ms"] < row["ms"] <= cell["upper_ms"] if cell["upper_ms"] else row["ms"] == 0)
        ]  # fmt: skip
        assert cell["n"] == len(inside) > 0
    measured = latency_timeseries(spans(rows), "1m", "node").select(pl.col("n").sum()).collect().item()
    assert cells["n"].sum() == measured


def test_an_empty_heat_map_has_its_columns():
    assert heatmap(spans([])).collect().columns == [
        "start", "end", "lower_ms", "upper_ms", "bucket", "n", "weight", "exact", "relative_error",
    ]  # fmt: skip
