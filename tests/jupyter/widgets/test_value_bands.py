"""The greatest of overlapping ranges, bucket by bucket."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.jupyter.widgets.value_bands import greatest

RANGES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(-5, 5)), max_size=20)


@given(RANGES)
def test_each_bucket_has_the_greatest_value_whose_range_holds_it(ranges):
    expected = np.full(41, -np.inf)
    for low, high, value in ranges:
        low, high = min(low, high), max(low, high)
        expected[low : high + 1] = np.maximum(expected[low : high + 1], value)
    first, last = (np.array([pick(low, high) for low, high, _ in ranges], np.int64) for pick in (min, max))
    assert np.array_equal(greatest(first, last, np.array([float(v) for *_, v in ranges]), 41), expected)
