"""Energy statistics of splits, against the formula written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onex_analytics.profiling.energy import split_p


def slow(values: list[float], at: int) -> float:
    left, right = values[:at], values[at:]
    n, m = len(left), len(right)

    def mean_within(part: list[float]) -> float:
        pairs = [abs(a - b) for i, a in enumerate(part) for b in part[:i]]
        return sum(pairs) / len(pairs) if pairs else 0.0

    across = sum(abs(a - b) for a in left for b in right) / (n * m)
    return n * m / (n + m) * (2 * across - mean_within(left) - mean_within(right))


def ranks_of(values: list[float]) -> np.ndarray:
    return np.unique(values, return_inverse=True)[1].astype(np.int64) + 1


@given(st.lists(st.integers(-9, 9).map(float), min_size=4, max_size=25), st.integers(1, 2))
def test_the_best_split_is_that_of_the_formula(values, least):
    best, _ = split_p(np.array(values), ranks_of(values), least, -1, 0, 1, 0)
    statistics = {at: slow(values, at) for at in range(least, len(values) - least + 1)}
    assert statistics[best] == pytest.approx(max(statistics.values()), abs=1e-9)


def test_p_is_the_share_of_random_orders_whose_best_split_is_as_good():
    rng = np.random.default_rng(0)
    values = np.r_[rng.normal(size=10), rng.normal(size=10) + 0.9]
    best, p = split_p(values, ranks_of(list(values)), 2, -1, 4000, 10**9, 5)
    observed = slow(list(values), best)
    orders = [list(rng.permutation(values)) for _ in range(400)]
    as_good = np.mean([max(slow(order, at) for at in range(2, 19)) >= observed for order in orders])
    assert p == pytest.approx(as_good, abs=0.07)
    assert 0.01 < p < 0.5


def test_p_stops_early_where_enough_orders_were_as_good():
    values = np.array([1.0, 2.0] * 10)
    _, p = split_p(values, ranks_of(list(values)), 2, -1, 10_000, 10, 0)
    assert p > 0.3


def test_what_is_too_short_is_not_split():
    assert split_p(np.array([1.0, 2.0, 3.0]), np.array([1, 2, 3]), 2, -1, 9, 9, 0) == (-1, 1.0)
