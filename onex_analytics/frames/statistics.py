"""Tests and intervals that several questions share: plain arrays in, plain arrays out, one element a row.

Everything here is exact for what it is given, knows nothing of frames, and takes its chance as an argument. SciPy is
loaded by the functions that need it, when they are called. NaN stands for "not tested" and stays NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from onex_analytics.exceptions import InvalidOption

Floats: TypeAlias = NDArray[np.float64]

_KNOTS = 33
"""Ranks at which chances are reckoned; between them, as normal quantiles, they lie nearly on a line."""


class Interval(NamedTuple):
    """An estimate with the bounds of its interval."""

    estimate: Floats
    low: Floats
    high: Floats


def q_values(p: ArrayLike, n_tests: int | None = None) -> Floats:
    """Benjamini–Hochberg: the smallest false-discovery rate at which each test would be a finding.

    Rejecting all q ≤ x keeps the expected share of false findings at x or below, for tests that are independent or
    positively dependent.

    Args:
        p: p-values, in any order; NaN is no test.
        n_tests: how many tests were tried, where `p` holds only the smallest of them; default: those of `p`.

    Source: Benjamini and Hochberg, J. R. Stat. Soc. B 57 (1995) 289.

    >>> q_values([0.01, 0.04, 0.03, float("nan")]).tolist()
    [0.03, 0.04, 0.04, nan]
    """
    values = np.asarray(p, dtype=np.float64)
    tested = np.flatnonzero(~np.isnan(values))
    m = len(tested) if n_tests is None else n_tests
    if m < len(tested):
        raise InvalidOption("n_tests", m, f"at least the {len(tested)} tests that are given")
    order = tested[np.argsort(values[tested], kind="stable")]
    q = np.full(values.shape, np.nan)
    scaled = values[order] * m / np.arange(1, len(order) + 1)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q


def z_of(level: float) -> float:
    """How many standard errors a two-sided normal interval of this level reaches to either side.

    >>> round(z_of(0.95), 4)
    1.96
    """
    if not 0 < level < 1:
        raise InvalidOption("level", level, "a share above 0 and below 1, such as 0.95")
    return NormalDist().inv_cdf((1 + level) / 2)


def wilson(hits: ArrayLike, n: ArrayLike, level: float = 0.95) -> Interval:
    """A share with its Wilson interval, which stays within 0 to 1 and holds for small counts; NaN where n is 0.

    Source: Wilson, J. Am. Stat. Assoc. 22 (1927) 209.

    >>> [round(float(x), 4) for x in wilson(0, 10)]
    [0.0, 0.0, 0.2775]
    """
    (k, m), z = _floats(hits, n), z_of(level)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = k / m
        middle = (k + z * z / 2) / (m + z * z)
        half = z / (m + z * z) * np.sqrt(k * (m - k) / m + z * z / 4)
        low = np.where(k == 0, np.where(m > 0, 0.0, np.nan), middle - half)
        high = np.where(k == m, np.where(m > 0, 1.0, np.nan), middle + half)
    return Interval(share, low, high)


def risk_ratio(
    hits: ArrayLike, n: ArrayLike, other_hits: ArrayLike, other_n: ArrayLike, level: float = 0.95
) -> Interval:
    """How many times likelier a hit is in one group than in the other, with Katz's interval on the log scale.

    Where one of the four cells is empty, half a count is added to each cell, so that ratio and interval are finite.

    Source: Katz, Baptista, Azen and Pike, Biometrics 34 (1978) 469.

    >>> [round(float(x), 3) for x in risk_ratio(20, 100, 10, 100)]
    [2.0, 0.987, 4.054]
    """
    a, m, c, o = _floats(hits, n, other_hits, other_n)
    empty = (a <= 0) | (c <= 0) | (a >= m) & (c >= o)
    half = np.where(empty, 0.5, 0.0)
    a, m, c, o = a + half, m + 2 * half, c + half, o + 2 * half
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        ratio = (a / m) / (c / o)
        error = np.sqrt(np.maximum(1 / a - 1 / m + 1 / c - 1 / o, 0.0))
        reach = np.exp(z_of(level) * error)
        return Interval(ratio, ratio / reach, ratio * reach)


def mantel_haenszel(
    hits: ArrayLike, n: ArrayLike, other_hits: ArrayLike, other_n: ArrayLike, level: float = 0.95
) -> Interval:
    """One risk ratio over several strata (the last axis), with the interval of Greenland and Robins.

    A stratum in which one of the groups is empty says nothing and counts nothing. NaN where no stratum says anything.
    Where one of the groups has no hit in any stratum, half a count is added to each cell of those that say something,
    as `risk_ratio` does, so that ratio and interval are finite.

    Source: Mantel and Haenszel (1959); variance: Greenland and Robins, Biometrics 41 (1985) 55.

    >>> [round(float(x), 3) for x in mantel_haenszel([20, 30], [100, 50], [10, 15], [100, 50])]
    [2.0, 1.336, 2.994]
    """
    a, m, c, o = np.broadcast_arrays(*_floats(hits, n, other_hits, other_n))
    says = (m > 0) & (o > 0)
    of_one, of_other = (np.where(says, x, 0.0).sum(axis=-1, keepdims=True) for x in (a, c))
    half = np.where(says & ((of_one > 0) != (of_other > 0)), 0.5, 0.0)
    a, m, c, o = a + half, m + 2 * half, c + half, o + 2 * half
    total = m + o
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.where(says, a * o / total, 0.0).sum(axis=-1)
        s = np.where(says, c * m / total, 0.0).sum(axis=-1)
        p = np.where(says, (m * o * (a + c) - a * c * total) / total**2, 0.0).sum(axis=-1)
        ratio = r / s
        reach = np.exp(z_of(level) * np.sqrt(np.maximum(p, 0.0) / (r * s)))
        return Interval(ratio, ratio / reach, ratio * reach)


def signed_root(hits: ArrayLike, n: ArrayLike, other_hits: ArrayLike, other_n: ArrayLike) -> Floats:
    """The signed root of the likelihood ratio of two shares: nearly standard normal where both are the same.

    Above 0 where the first share is the larger. Far out in the tails, where counts are small and unequal, it is much
    closer to the exact test than the usual z. Counts need not be whole: effective counts of correlated rows are not.

    >>> signed_root(14, 1000, 5000, 1_000_000).round(2).item()
    3.3
    """
    a, m, c, o = _floats(hits, n, other_hits, other_n)
    with np.errstate(invalid="ignore", divide="ignore"):
        common = (a + c) / (m + o)
        of_one = _part(a, m * common) + _part(m - a, m * (1 - common))
        of_other = _part(c, o * common) + _part(o - c, o * (1 - common))
        deviance = 2 * (of_one + of_other)
        sign = np.sign(a / m - c / o)
    return np.asarray(np.where((m > 0) & (o > 0), sign * np.sqrt(np.maximum(deviance, 0.0)), np.nan))


def _floats(*values: ArrayLike) -> list[Floats]:
    return [np.asarray(value, dtype=np.float64) for value in values]


def _part(seen: Floats, expected: Floats) -> Floats:
    return np.where(seen > 0, seen * np.log(np.where(seen > 0, seen / expected, 1.0)), 0.0)


def two_sided(z: ArrayLike, df: ArrayLike = np.inf) -> Floats:
    """The p-value of a statistic that follows Student's t of `df` degrees of freedom, or the normal law.

    >>> two_sided([0.0, 1.96]).round(3).tolist(), two_sided(2.228, 10).round(3).item()
    ([1.0, 0.05], 0.05)
    """
    from scipy.special import ndtr, stdtr

    off, freedom = _floats(z, df)
    finite = np.isfinite(freedom)
    return np.asarray(2 * np.where(finite, stdtr(np.where(finite, freedom, 1.0), -np.abs(off)), ndtr(-np.abs(off))))


def t_reach(df: ArrayLike, level: float = 0.95) -> Floats:
    """How many standard errors a two-sided interval of Student's t reaches; `z_of(level)` where df is infinite.

    >>> t_reach([10, np.inf]).round(3).tolist()
    [2.228, 1.96]
    """
    from scipy.special import stdtrit

    (freedom,) = _floats(df)
    finite = np.isfinite(freedom)
    return np.asarray(np.where(finite, stdtrit(np.where(finite, freedom, 1.0), (1 + level) / 2), z_of(level)))


def enrichment_p(hits: ArrayLike, n: ArrayLike, all_hits: ArrayLike, total: ArrayLike) -> Floats:
    """Two-sided p that a group of `n` of `total` holds `hits` of `all_hits` by chance; never below the exact test's.

    Drawing without putting back (Fisher's test) spreads less than drawing with it, so the tail of the binomial law,
    taken over the smaller margin and doubled, bounds the exact p from above, once it begins a whole hit or more off
    the expected one; nearer than that, Markov's inequality does. Counts need not be whole.

    Source: Uhlmann, Metrika 10 (1966) 145: where the binomial tail is the heavier of the two.

    >>> enrichment_p(5, 10, 50, 1000).round(6).item()
    0.000127
    """
    from scipy.special import betainc

    a, m, k, t = _floats(hits, n, all_hits, total)
    size, share = np.minimum(m, k), np.maximum(m, k) / t
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = size * share
        binomial = betainc(np.maximum(a, 1e-300), np.maximum(size - a + 1, 1e-300), share)
        above = np.where(a >= expected + 1, binomial, np.where(a > 0, expected / a, 1.0))
        binomial = betainc(np.maximum(size - a, 1e-300), a + 1, 1 - share)
        below = np.where(a <= expected - 1, binomial, np.where(a < size, (size - expected) / (size - a), 1.0))
    return np.asarray(np.minimum(2 * np.minimum(above, below), 1.0))


def quantile_ranks(rng: np.random.Generator, q: float, n: float, rows: int, draws: int) -> NDArray[np.int64]:
    """Zero-based places of a sorted sample at which the quantile of the population may lie, `draws` times.

    The share of the population below the k-th of n values is Beta(k, n + 1 − k) distributed, whatever the population:
    so it is known how likely the quantile lies below the k-th one, and k is drawn by that. What leaves 2.5 % of such
    draws out on either side holds the quantile in 95 of 100 samples, far out in a tail as well, where drawing the
    sample anew does not: of the p95 of 100 values the upper bound would be too low in one of eight.

    Args:
        rng: where chance comes from.
        q: the quantile's share, above 0 and below 1.
        n: how many independent values the sample amounts to; fewer than `rows` where they are correlated.
        rows: how many values there are.
        draws: how many places to give.

    Source: Thompson, Ann. Math. Stat. 7 (1936) 122: confidence ranges of a quantile by order statistics.

    >>> places = quantile_ranks(np.random.default_rng(0), 0.5, 99, 99, 1000)
    >>> bool(abs(places.mean() - 49) < 1), bool(places.min() > 20)
    (True, True)
    """
    from scipy.special import betainc, ndtri

    middle, reach = q * (n + 1), 4 * (n * q * (1 - q)) ** 0.5 + 2
    rank = np.linspace(max(middle - reach, 1e-6), min(middle + reach, n + 1 - 1e-6), _KNOTS)
    chance = betainc(n + 1 - rank, rank, 1 - q)  # that the quantile lies below the value of that rank
    drawn = np.interp(rng.standard_normal(draws), ndtri(np.clip(chance, 1e-12, 1 - 1e-12)), rank)
    place = drawn * (rows + 1) / (n + 1) - 1
    return np.clip(np.floor(place + rng.random(draws)).astype(np.int64), 0, rows - 1)


def percentile_bounds(draws: Floats, level: float = 0.95) -> tuple[float, float]:
    """The interval that leaves equal shares of `draws` out on either side; infinite draws are draws.

    >>> percentile_bounds(np.arange(1, 1001, dtype=float))
    (26.0, 975.0)
    """
    kept = np.sort(draws)
    out = int((1 - level) / 2 * len(kept))
    return float(kept[out]), float(kept[len(kept) - 1 - out])


def seeded(seed: int, *words: Sequence[Any] | str | int) -> np.random.Generator:
    """A generator for one row of a result, the same whatever other rows there are.

    >>> bool(seeded(0, "node", "a").random() == seeded(0, "node", "a").random())
    True
    """
    from xxhash import xxh64_intdigest

    if seed < 0:
        raise InvalidOption("seed", seed, "a whole number from 0")
    return np.random.default_rng([seed, xxh64_intdigest(repr(words).encode())])
