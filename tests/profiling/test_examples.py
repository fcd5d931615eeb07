import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onex_analytics.exceptions import InvalidOption, MissingColumns
from onex_analytics.frames.quantiles import METHODS, index_of
from onex_analytics.profiling import exemplars, latency_table
from tests.laws import examples
from tests.profiling.latencies import ROWS, judged, spans


@settings(max_examples=examples(60))
@given(ROWS, st.sampled_from([0, 0.07, 0.5, 0.95, 1]), st.integers(1, 4), st.sampled_from(METHODS))
def test_the_spans_are_those_nearest_in_rank(rows, q, k, method):
    found = exemplars(spans(rows), q, k, "node", method=method).collect()
    for (node,), told in found.group_by("node"):
        measured = [(row["ms"], place) for place, row in enumerate(rows)
                    if row["node"] == node and judged(row) == "measured"]  # fmt: skip
        in_order = sorted(measured)
        middle = index_of(q, len(in_order), method)
        nearest = sorted(range(len(in_order)), key=lambda index: (abs(index - middle), index))[:k]
        assert told["rank"].to_list() == [index + 1 for index in nearest]
        assert told["span_id"].to_list() == [f"span-{in_order[index][1]:04d}" for index in nearest]
        assert set(told["n"]) == {len(in_order)}
    measured_nodes = {row["node"] for row in rows if judged(row) == "measured"}
    assert set(found["node"]) == measured_nodes


@settings(max_examples=examples(30))
@given(ROWS, st.lists(st.integers(1, 3), min_size=25, max_size=25), st.sampled_from(METHODS))
def test_the_first_one_stands_at_the_quantile_of_the_table_weighed_or_not(rows, weights, method):
    weighed = [row | {"adjusted_count": float(w)} for row, w in zip(rows, weights, strict=False)]
    found = exemplars(spans(weighed), [0.5, 0.95], 1, method=method).collect()
    table = latency_table(spans(weighed), quantiles=[0.5, 0.95], method=method).filter(pl.col("n") > 0).collect()
    for q, name in ((0.5, "p50_ms"), (0.95, "p95_ms")):
        at_it = found.filter(pl.col("quantile") == q)
        assert at_it["duration_ms"].to_list() == at_it["quantile_ms"].to_list() == table[name].to_list()


def test_every_example_is_of_another_trace():
    traces = {10.0: "one", 11.0: "one", 12.0: "one", 90.0: "two", 95.0: None, 96.0: None}
    rows = [{"ms": ms, "trace_id": trace} for ms, trace in traces.items()]
    found = exemplars(spans(rows), 0, 9, ()).collect()
    assert found.select("trace_id", "duration_ms").rows() == [("one", 10.0), ("two", 90.0), (None, 95.0), (None, 96.0)]


def test_what_has_not_ended_is_no_example():
    assert exemplars(spans([{"ms": 1.0, "state": "open"}])).collect().height == 0


def test_bad_use_is_refused_with_the_mend():
    some = spans([{"ms": 1.0}])
    with pytest.raises(InvalidOption, match="a whole number from 1"):
        exemplars(some, k=0)
    with pytest.raises(InvalidOption, match="a share from 0 to 1"):
        exemplars(some, at=2)
    with pytest.raises(InvalidOption, match="or several"):
        exemplars(some, at=[])
    with pytest.raises(MissingColumns, match="tenant"):
        exemplars(some, by="tenant")
    with pytest.raises(InvalidOption, match="columns named otherwise"):
        exemplars(some, by="duration_ms")
