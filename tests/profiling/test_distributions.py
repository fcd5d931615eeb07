import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.exceptions import MissingColumns
from onex_analytics.profiling import ecdf, histogram_table, merge_histograms
from tests.profiling.traces import Span, frame


def spans_of(durations: list[int]) -> pl.DataFrame:
    """Spans that take so many microseconds."""
    return frame([Span(f"{i}", None, 0, took, "stamp") for i, took in enumerate(durations)])


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=60), st.integers(0, 6))
def test_at_each_bound_the_share_is_that_of_the_spans_themselves(durations, scale):
    found = ecdf(histogram_table(spans_of(durations), "operation", scale=scale)).collect()
    for upper, share, n, spans in found.select("upper_ms", "share", "n", "spans").iter_rows():
        # a duration on the bound itself may lie a rounding to either side of it
        least = sum(took / 1000 <= upper * (1 - 1e-12) for took in durations)
        most = sum(took / 1000 <= upper * (1 + 1e-12) for took in durations)
        assert least <= n <= most
        assert (share, spans) == (pytest.approx(n / len(durations)), len(durations))
    assert found["share"][-1] == 1.0
    assert found["upper_ms"].is_sorted() and found["share"].is_sorted()


def test_work_that_takes_no_time_comes_first_at_zero():
    found = ecdf(histogram_table(spans_of([0, 0, 1000]), ())).collect()
    assert found.select("upper_ms", "n", "spans").row(0) == (0.0, 2, 3)


def test_spans_count_for_what_they_stand_for():
    sampled = spans_of([1000, 8000]).with_columns(adjusted_count=pl.Series([1.0, 3.0]))
    assert ecdf(histogram_table(sampled, (), scale=0)).collect()["share"].to_list() == [0.25, 1.0]


def test_where_all_stands_for_nothing_the_spans_count():
    sampled = spans_of([1000, 8000]).with_columns(adjusted_count=pl.Series([0.0, 0.0]))
    assert ecdf(histogram_table(sampled, (), scale=0)).collect()["share"].to_list() == [0.5, 1.0]


def test_groups_are_apart_until_they_are_put_together():
    both = spans_of([1000, 2000]).with_columns(node=pl.Series([None, "a"], dtype=pl.String))
    histogram = histogram_table(both, "node", scale=0)
    assert ecdf(histogram).select("node", "spans").collect().rows() == [("a", 1), (None, 1)]
    assert ecdf(histogram, by=()).collect()["share"].to_list() == [0.5, 1.0]
    assert ecdf(merge_histograms(histogram, histogram)).collect()["spans"].to_list() == [2, 2]


def test_nothing_gives_nothing_and_no_histogram_is_refused():
    assert ecdf(histogram_table(spans_of([]), "node")).collect().is_empty()
    with pytest.raises(MissingColumns, match="bucket"):
        ecdf(pl.DataFrame({"n": [1]}))


@pytest.mark.parametrize("asked", [ecdf, merge_histograms])
def test_spans_in_the_place_of_a_histogram_are_refused_with_the_way_to_one(asked):
    with pytest.raises(MissingColumns, match=r"histogram_table\(spans\)"):
        asked(frame([Span("a", None, 0, 1)]))
