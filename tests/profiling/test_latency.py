import math
import statistics
from fractions import Fraction

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.frames.quantiles import METHODS, quantile_of
from onex_analytics.profiling import latency_table, latency_timeseries
from tests.laws import examples
from tests.profiling.latencies import NOON, ROWS, at, judged, spans

SHARES = (0, 0.07, 0.5, 0.95, 1)


def one(rows, **options):
    return latency_table(spans(rows), (), **options).collect().row(0, named=True)


@given(ROWS, st.sampled_from(METHODS))
def test_the_table_is_what_one_reckons_group_by_group(rows, method):
    found = latency_table(spans(rows), ["node", "operation"], SHARES, method=method).collect()
    groups = {}
    for row in rows:
        groups.setdefault((row["node"], row["operation"]), []).append(row)
    assert set(found.select("node", "operation").rows()) == set(groups)
    for told in found.iter_rows(named=True):
        group = groups[told["node"], told["operation"]]
        measured = [row for row in group if judged(row) == "measured"]
        values = [row["ms"] for row in measured]
        assert told["n"] == told["weight"] == len(values)
        assert told["errors"] == sum(row["status"] == "error" for row in measured)
        for word in ("open", "negative", "unmeasured"):
            assert told[word] == sum(judged(row) == word for row in group)
        assert told["n"] + told["open"] + told["negative"] + told["unmeasured"] == len(group)
        assert told["min_ms"] == min(values, default=None)
        assert told["max_ms"] == max(values, default=None)
        assert [told[name] for name in ("p0_ms", "p7_ms", "p50_ms", "p95_ms", "p100_ms")] == [
            quantile_of(values, q, method) for q in SHARES
        ]
        if values:
            assert told["mean_ms"] == pytest.approx(statistics.fmean(values))
            assert told["error_rate"] == pytest.approx(told["errors"] / len(values))
        else:
            assert told["mean_ms"] is told["error_rate"] is None
        if len(values) > 1:
            assert told["std_ms"] == pytest.approx(statistics.stdev(values), abs=1e-9 * max(values))
        else:
            assert told["std_ms"] is None
        assert told["exact"] is True
        assert told["relative_error"] == 0


def test_duckdb_says_the_same_of_a_large_table(tmp_path):
    random = np.random.default_rng(11)
    n = 300_000
    large = pl.DataFrame({
        "node": random.choice([f"node {i}" for i in range(20)], n),
        "operation": random.choice([f"an operation with a long name {i}" for i in range(20)], n),
        "duration_ms": np.round(np.exp(random.normal(3, 1.5, n)), 3),
    })  # fmt: skip
    wanted = duckdb.sql(
        "SELECT node, operation, count(*)::UBIGINT, avg(duration_ms), stddev(duration_ms), min(duration_ms), "
        "max(duration_ms), quantile_disc(duration_ms, 0.5), quantile_disc(duration_ms, 0.9), "
        "quantile_disc(duration_ms, 0.95), quantile_disc(duration_ms, 0.99) FROM large GROUP BY ALL ORDER BY ALL"
    ).pl()
    large.write_parquet(tmp_path / "spans.parquet", row_group_size=10_000)
    filled = pl.scan_parquet(tmp_path / "spans.parquet").with_columns(
        *(pl.lit("x").alias(name) for name in ("trace_id", "span_id", "parent_span_id", "name")),
        start=pl.lit(NOON), end=pl.lit(NOON),
    )  # fmt: skip
    found = latency_table(filled).collect()
    exactly = ["node", "operation", "n", "min_ms", "max_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms"]
    assert found.select(exactly).rows() == [(*r[:3], *r[5:]) for r in wanted.rows()]
    assert np.allclose(found["mean_ms"], wanted.to_series(3), rtol=1e-12)
    assert np.allclose(found["std_ms"], wanted.to_series(4), rtol=1e-9)


@given(ROWS, st.randoms())
def test_the_order_of_the_spans_does_not_matter(rows, random):
    shuffled = random.sample(rows, len(rows))
    assert_frame_equal(latency_table(spans(rows)), latency_table(spans(shuffled)))


def test_open_spans_never_enter_a_percentile_and_are_counted():
    told = one([{"ms": 10.0}, {"ms": 99_999.0, "state": "open"}, {"ms": None, "state": "open"}])
    assert (told["n"], told["p99_ms"], told["max_ms"], told["open"]) == (1, 10.0, 10.0, 2)


def test_a_group_of_open_spans_only_has_a_row_without_durations():
    told = one([{"ms": None, "state": "open"}])
    assert (told["n"], told["open"], told["p50_ms"], told["mean_ms"], told["min_ms"]) == (0, 1, None, None, None)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4), st.booleans()), min_size=1), st.sampled_from(METHODS))
def test_sampled_spans_count_as_what_they_stand_for(rows, method):
    """The table of a sample is that of its spans, each repeated as often as it stands for others."""
    sample = [{"ms": float(ms), "adjusted_count": float(w), "status": "error" if e else "ok"} for ms, w, e in rows]
    all_of_them = [row | {"adjusted_count": 1.0} for row in sample for _ in range(int(row["adjusted_count"]))]
    found, wanted = one(sample, quantiles=SHARES, method=method), one(all_of_them, quantiles=SHARES, method=method)
    assert found["n"] == len(sample)
    assert found["weight"] == wanted["n"]
    same = ("error_rate", "mean_ms", "std_ms", "min_ms", "max_ms", "p0_ms", "p7_ms", "p50_ms", "p95_ms", "p100_ms")
    assert [found[name] for name in same] == pytest.approx([wanted[name] for name in same], nan_ok=True, abs=1e-6)


def test_a_count_that_says_nothing_is_one():
    rows = [{"ms": 10.0, "adjusted_count": None}, {"ms": 20.0, "adjusted_count": float("nan")},
            {"ms": 30.0, "adjusted_count": 2.0}, {"ms": 99.0, "adjusted_count": -5.0}]  # fmt: skip
    told = one(rows)
    assert (told["n"], told["weight"], told["mean_ms"]) == (4, 4.0, 22.5)


@pytest.mark.parametrize("offset", [0.0, 1e9])
def test_the_deviation_of_durations_that_hardly_differ_is_right(offset):
    values = [offset + 0.001 * (i % 7) for i in range(1_000)]
    assert one([{"ms": ms} for ms in values])["std_ms"] == pytest.approx(statistics.stdev(values), rel=1e-6)


def test_any_share_can_be_asked_for_and_names_its_column():
    told = one([{"ms": float(ms)} for ms in range(1, 1001)], quantiles=[Fraction(1, 3), "0.999"])
    assert (told["p33_3333333333_ms"], told["p99_9_ms"]) == (334.0, 999.0)


def test_groups_may_be_of_any_column_and_many():
    rows = [{"ms": float(i % 50)} for i in range(9_000)]
    found = latency_table(spans(rows), ["span_id", "start"], [0.5]).collect()
    assert found.height == 9_000
    assert found["p50_ms"].to_list() == [row["ms"] for row in rows]
    assert found["start"].to_list() == [at(i) for i in range(9_000)]


def test_nothing_gives_no_row():
    assert latency_table(spans([])).collect().height == 0
    assert latency_table(spans([]), ()).collect().height == 0


def test_the_lazy_table_says_its_shape_and_can_be_collected_twice():
    table = latency_table(spans([{"ms": 1.0}, {"ms": 3.0}]))
    assert table.collect_schema() == table.collect().schema
    assert_frame_equal(table, table)
    assert table.filter(pl.col("n") > 1).select("p50_ms").collect().rows() == [(1.0,)]


def test_spans_from_anywhere_will_do():
    foreign = pl.DataFrame({
        "trace_id": ["t", "t", "t"], "span_id": ["a", "b", "c"], "parent_span_id": [None, "a", "a"],
        "name": ["GET /", "query", "query"], "start": [NOON] * 3, "end": [at(1), at(2), None],
    })  # fmt: skip
    found = latency_table(foreign, "operation", [1]).collect()
    told = found.select("operation", "n", "p100_ms", "open").rows()
    assert told == [("GET /", 1, 1000.0, 0), ("query", 1, 2000.0, 1)]


def test_bad_use_is_refused_with_the_mend():
    some = spans([{"ms": 1.0}])
    with pytest.raises(MissingColumns, match="tenant"):
        latency_table(some, "tenant")
    with pytest.raises(InvalidOption, match="a share from 0 to 1"):
        latency_table(some, quantiles=[1.5])
    with pytest.raises(InvalidOption, match="nearest_rank or onex"):
        latency_table(some, method="linear")
    with pytest.raises(InvalidOption, match="columns named otherwise"):
        latency_table(some.with_columns(n=1), "n")
    with pytest.raises(InvalidOption, match="a duration above zero"):
        latency_timeseries(some, "soon")


@settings(max_examples=examples(40))
@given(ROWS)
def test_over_time_each_bucket_has_the_table_of_what_began_in_it(rows):
    found = latency_timeseries(spans(rows), "1m", "node", [0.5]).collect()
    for (start,), told in found.group_by("start"):
        inside = [row for row in rows if row["at"] // 60 == (start - NOON).total_seconds() / 60]
        assert_frame_equal(told.drop("start").sort("node", nulls_last=True),
                           latency_table(spans(inside), "node", [0.5]).collect())  # fmt: skip
    assert found["n"].sum() + found.select("open", "negative", "unmeasured").sum_horizontal().sum() == len(rows)
    assert found.height == len({(row["at"] // 60, row["node"]) for row in rows})


def test_the_mean_of_tiny_and_huge_durations_is_no_nan():
    told = one([{"ms": 5e-324}, {"ms": 1e300}])
    assert math.isfinite(told["mean_ms"])


def test_durations_beyond_all_reason_are_told_without_a_warning():
    row = latency_table(spans([{"ms": 1e300}, {"ms": 1.0}]), by=()).collect().row(0, named=True)
    assert (row["n"], row["max_ms"], row["mean_ms"], row["std_ms"]) == (2, 1e300, 5e299, float("inf"))
