"""Microseconds as milliseconds."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.frames.durations import milliseconds

MICROSECONDS = st.lists(st.none() | st.integers(-(2**50), 2**50) | st.sampled_from([0, 9, 700, 1400]), max_size=6)


@given(MICROSECONDS, st.sampled_from(["streaming", "in-memory"]))
def test_a_time_is_the_same_number_whatever_stands_beside_it(us, engine):
    frame = pl.LazyFrame({"us": us}, schema={"us": pl.Int64})
    found = frame.select(milliseconds(pl.col("us"))).collect(engine=engine).to_series()
    assert sorted(found.drop_nulls()) == sorted(x / 1000 for x in us if x is not None)
    assert found.null_count() == us.count(None)
