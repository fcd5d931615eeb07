"""The order of the kernel, against a plain sort."""

from __future__ import annotations

import numpy as np
import pytest

from onex_analytics.profiling.comparison_kernel import in_segments, sort_segments


@pytest.mark.parametrize("n", [0, 1, 7, 1023, 5000, 40_000])
@pytest.mark.parametrize(
    "values",
    [
        lambda rng, n: np.exp(5 * rng.normal(size=n)),
        lambda rng, n: rng.integers(0, 3, n).astype(float),
        lambda rng, n: 1e6 + rng.random(n) * 1e-3,  # alike in the upper half of their bits
        lambda rng, n: np.where(rng.random(n) < 0.1, np.inf, rng.random(n)),
        lambda rng, n: np.where(rng.random(n) < 0.5, -0.0, 0.0),
    ],
    ids=["wide", "ties", "narrow", "infinite", "zeros"],
)
def test_segments_are_sorted_and_every_value_keeps_its_trace(values, n):
    rng = np.random.default_rng(n)
    took = values(rng, n)
    segment = rng.integers(0, 3, n).astype(np.int32)
    trace = np.arange(n, dtype=np.uint64)
    sorted_, moved, starts = in_segments(segment, took, trace, 4)
    sort_segments(sorted_, moved, starts, np.arange(4))
    assert starts.tolist() == [0, *np.cumsum(np.bincount(segment, minlength=4)).tolist()]
    np.testing.assert_array_equal(sorted_, took[moved])
    assert sorted(moved.tolist()) == list(range(n))
    for s in range(4):
        np.testing.assert_array_equal(sorted_[starts[s]:starts[s + 1]], np.sort(took[segment == s]))
