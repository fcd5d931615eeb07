"""Where a series splits best, and whether chance splits one so well: energy statistics, compiled.

The statistic of a split is n·m/(n + m) times twice the mean distance across the split, less the mean distances within
either side (Matteson and James, "A nonparametric approach for multiple change point analysis", JASA 109 (2014) 334).
All splits of a stretch are reckoned in n·log n steps, with sums by rank in a Fenwick tree.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def _distances(values, ranks, order, count, total, found):  # type: ignore[no-untyped-def]
    """found[k]: sum of distances among the first k values in `order`."""
    n = len(order)
    count[:] = 0.0
    total[:] = 0.0
    size = len(count) - 1
    all_sum = 0.0
    among = 0.0
    found[0] = 0.0
    for k in range(n):
        x = values[order[k]]
        i = ranks[order[k]]
        below = 0.0
        below_sum = 0.0
        while i > 0:
            below += count[i]
            below_sum += total[i]
            i -= i & -i
        among += x * below - below_sum + (all_sum - below_sum) - x * (k - below)
        found[k + 1] = among
        all_sum += x
        i = ranks[order[k]]
        while i <= size:
            count[i] += 1.0
            total[i] += x
            i += i & -i


@njit(nogil=True, cache=True)
def _splits(values, ranks, order, least, count, total, left, right, statistic):  # type: ignore[no-untyped-def]
    """The statistic of every split with `least` values on either side, and the first best place."""
    n = len(order)
    _distances(values, ranks, order, count, total, left)
    _distances(values, ranks, order[::-1], count, total, right)
    everything = left[n]
    best = -1
    for t in range(least, n - least + 1):
        m = n - t
        across = everything - left[t] - right[m]
        within_left = left[t] / (t * (t - 1) / 2) if t > 1 else 0.0
        within_right = right[m] / (m * (m - 1) / 2) if m > 1 else 0.0
        statistic[t] = t * m / n * (2 * across / (t * m) - within_left - within_right)
        if best < 0 or statistic[t] > statistic[best]:
            best = t
    return best


@njit(nogil=True, cache=True)
def _next(state):  # type: ignore[no-untyped-def]
    """SplitMix64: a new state and a random number."""
    state = state + np.uint64(0x9E3779B97F4A7C15)
    z = state
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state, z ^ (z >> np.uint64(31))


@njit(nogil=True, cache=True)
def split_p(values, ranks, least, at, permutations, enough, seed):  # type: ignore[no-untyped-def]
    """The best split, and how often values in random order have one as good as that at `at` (−1: the best).

    Args:
        values: the stretch; `ranks`: their ranks from 1, equal for equal values.
        least: values that either side has at least.
        permutations: random orders to try; fewer are where `enough` of them were as good (Besag and Clifford 1991).
        seed: settles the random orders.

    Returns:
        The place of the best split (−1: too short), the p-value.
    """
    n = len(values)
    if n < 2 * least:
        return -1, 1.0
    count = np.zeros(n + 1)
    total = np.zeros(n + 1)
    left = np.zeros(n + 1)
    right = np.zeros(n + 1)
    statistic = np.zeros(n + 1)
    order = np.arange(n)
    best = _splits(values, ranks, order, least, count, total, left, right, statistic)
    observed = statistic[best if at < 0 else at]
    slack = 1e-9 * max(left[n] / n, 1e-300)
    as_good = 0
    state = np.uint64(seed)
    for tried in range(permutations):
        for i in range(n - 1, 0, -1):
            state, number = _next(state)
            j = np.int64((number >> np.uint64(33)) % np.uint64(i + 1))
            order[i], order[j] = order[j], order[i]
        place = _splits(values, ranks, order, least, count, total, left, right, statistic)
        if statistic[place] >= observed - slack:
            as_good += 1
            if as_good >= enough:
                return best, as_good / (tried + 1)
    return best, (as_good + 1) / (permutations + 1)
