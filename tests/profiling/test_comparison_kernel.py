"""The order of the kernel, against a plain sort."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from onex_analytics.profiling.comparison_kernel import by_trace, sort_segments


@pytest.mark.parametrize("n", [0, 1, 7, 1023, 5000, 40_000])
@pytest.mark.parametrize(
    "values",
    [
        lambda rng, n: np.exp(5 * rng.normal(size=n)),
        lambda rng, n: rng.integers(0, 3, n).astype(float),
        lambda rng, n: 1e6 + rng.random(n) * 1e-3,  # alike in the upper half of their bits
        lambda rng, n: np.where(rng.random(n) < 0.1, np.inf, rng.random(n)),
        lambda rng, n: np.zeros(n),
    ],
    ids=["wide", "ties", "narrow", "infinite", "zeros"],
)
def test_segments_are_sorted_and_every_value_knows_its_row(values, n):
    rng = np.random.default_rng(n)
    took = values(rng, n)
    starts = np.array([0, n // 3, n // 3, n], dtype=np.int64)
    sorted_, rows = took.copy(), np.empty(n, np.uint32)
    sort_segments(sorted_, rows, starts, np.arange(3))
    for first, last in pairwise(starts):
        np.testing.assert_array_equal(sorted_[first:last], np.sort(took[first:last]))
        np.testing.assert_array_equal(sorted_[first:last], took[first:last][rows[first:last]])
        assert sorted(rows[first:last].tolist()) == list(range(last - first))


@pytest.mark.parametrize(
    "traces",
    [
        lambda rng, n: np.arange(n) // 3,
        lambda rng, n: np.arange(n) // 3 + rng.integers(0, 4, n),
        lambda rng, n: rng.integers(0, max(n, 1), n),
        lambda rng, n: np.arange(n)[::-1],
        lambda rng, n: 2**32 - 1 - rng.integers(0, 5, n),
        lambda rng, n: np.zeros(n, np.int64),
    ],
    ids=["in order", "nearly", "in no order", "backwards", "the highest numbers", "one trace"],
)
@pytest.mark.parametrize("n", [0, 1, 2, 100, 3000])
def test_the_spans_of_a_trace_become_neighbours(traces, n):
    trace = traces(np.random.default_rng(n), n).astype(np.uint32)
    padded = np.concatenate([np.full(5, 7, np.uint32), trace])
    keys = by_trace(padded, 5, n, np.empty(n, np.uint64), np.empty(n, np.uint64))
    rows = (keys & np.uint64(0xFFFF_FFFF)).astype(np.int64)
    assert sorted(rows.tolist()) == list(range(n))
    np.testing.assert_array_equal(trace[rows], np.sort(trace))
    np.testing.assert_array_equal(keys >> np.uint64(32), np.sort(trace))
