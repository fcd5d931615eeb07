from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.views.error_patterns.buckets import Buckets

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
COUNTS = st.lists(
    st.tuples(st.integers(0, 400), st.sampled_from("abcdef"), st.integers(0, 9)), unique_by=lambda c: c[:2]
)


def rates(cells: list[tuple[int, str, int]]) -> pl.DataFrame:
    rows = [(BEGIN + timedelta(minutes=5 * place), name, n) for place, name, n in cells]
    schema = {"start": pl.Datetime("us", "UTC"), "node": pl.String, "failures": pl.UInt32}
    return pl.DataFrame(rows, schema, orient="row")


@given(COUNTS, st.integers(1, 50), st.integers(1, 7))
def test_nothing_is_lost_however_few_columns_and_lines_there_are(cells, most_columns, most_lines):
    buckets = Buckets.of_rates(rates(cells), ("failures",), most_columns)
    own, others, rest = buckets.parted(most_lines)
    lines = [*own, *([rest] if rest else [])]
    drawn = sum(buckets.count(line, column) for line in lines for column in line.cells)
    assert drawn == sum(line.n for line in lines) == buckets.n == sum(n for *_, n in cells)
    assert len(lines) == min(len(own) + len(others), most_lines + 1)
    assert len(buckets.columns) <= max(most_columns, 1)


@given(COUNTS.filter(bool), st.integers(1, 50))
def test_a_count_stands_in_the_column_that_holds_its_start(cells, most_columns):
    buckets = Buckets.of_rates(rates(cells), ("failures",), most_columns)
    for line in buckets.lines:
        for column, rows in line.cells.items():
            begin, end = buckets.columns[column]
            assert all(begin <= row["start"] < end for row in rows)


def test_months_reach_to_the_next():
    starts = [datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3, 6)]
    frame = pl.DataFrame({"start": starts, "node": "a", "failures": 1})
    ends = [end for _, end in Buckets.of_rates(frame, ("failures",), 100).columns]
    assert ends[:2] == starts[1:3]
    assert ends[2] == starts[2] + timedelta(days=28)  # then there is a gap


def test_counts_without_a_start_are_told():
    frame = pl.DataFrame({"start": [BEGIN, None], "node": ["a", "a"], "failures": [1, 4]})
    buckets = Buckets.of_rates(frame, ("failures",), 100)
    assert (buckets.n, buckets.untimed) == (1, 4)


def test_buckets_are_as_long_as_they_say_however_far_apart_they_are():
    far = rates([(0, "a", 1), (24, "a", 2)])
    told = far.with_columns(end=pl.col("start").dt.offset_by("5m"))
    assert Buckets.of_rates(told, ("failures",), 50).width == "5 min"
    assert len(Buckets.of_rates(told, ("failures",), 12).columns) <= 12
