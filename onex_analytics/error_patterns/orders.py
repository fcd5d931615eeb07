"""Is the order of two things more than chance? Sign tests, and what many of them find by chance together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

_EXACT_TO = 200


def sign_p(forward: Counts, back: Counts) -> Floats:
    """P(at least so many forward), were both orders alike; ties are left out.

    Source: Dixon and Mood, J. Am. Stat. Assoc. 41 (1946) 557.

    >>> sign_p(np.array([3, 1]), np.array([0, 1])).tolist()
    [0.125, 0.75]
    """
    from scipy.special import betainc

    found: Floats = betainc(forward.astype(np.float64), back + 1.0, 0.5)
    return found


def sign_q(p: Floats, trials: Counts, every: Counts) -> Floats:
    """The smallest false-discovery rate at which each sign test would be a finding.

    A pair that came three times cannot have a p below 1/8, so it never is a false finding at 0.01; yet Benjamini and
    Hochberg count it as if it could be one. Here each test counts for as much as its own p can be expected to fall that
    low: the more of the tests had little to go by, the more of the others are found.

    Args:
        p: of `sign_p`; not all of those that were tried need be among them, only the smallest.
        trials: how often each of these pairs came, in either order.
        every: the same of every pair that was tested, each of which was tested in both directions.

    Returns:
        One q a p, 0 to 1.

    Source: Heyse, A false discovery rate procedure for categorical data (2011); that it holds the rate, but for a small
    correction: Döhler, Durand and Roquain, Electron. J. Stat. 12 (2018) 1867.

    >>> three, seven = np.array([0.125]), np.array([0.5**7])
    >>> sign_q(seven, np.array([7]), np.array([7, 3, 3, 3])).tolist()
    [0.015625]
    >>> sign_q(three, np.array([3]), np.array([7, 3, 3, 3])).round(3).tolist()
    [0.875]
    """
    order = np.lexsort((trials, p))
    smallest = p[order]
    expected = np.zeros(len(p))
    for n, pairs in zip(*np.unique(np.minimum(every, _EXACT_TO + 1), return_counts=True), strict=True):
        expected += 2 * pairs * (smallest if n > _EXACT_TO else _attained(int(n), smallest))
    q = np.empty(len(p))
    scaled = expected / np.arange(1, len(p) + 1)
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q


def evenly_shared(forward: Counts, back: Counts, weights: Floats) -> float:
    """The share of pairs, at most, that come in either order alike, 0 to 1: a factor of each q of `sign_q`.

    Of pairs whose order is no matter of chance nearly all come in one order. Of the others a known share is undecided,
    that is has a two-sided p above 1/2; so the undecided ones tell how many of these there are. One more is counted, so
    that no share is told of pairs of which there are too few.

    Args:
        forward, back: of each pair.
        weights: what each counts for, at most 1: pairs that come in the same traces tell the same.

    Source: Storey, Taylor and Siegmund, J. R. Stat. Soc. B 66 (2004) 187; with the chances that counts leave, as Chen,
    Doerge and Heyse, Biom. J. 60 (2018) 761.

    >>> evenly_shared(np.array([3, 4, 2, 3, 5, 6, 3, 1]), np.array([0, 0, 0, 0, 0, 0, 0, 1]), np.ones(8)).__round__(3)
    0.362
    """
    trials = np.minimum(forward + back, _EXACT_TO)
    undecided = 2 * sign_p(np.maximum(forward, back), np.minimum(forward, back)) > 0.5
    expected = np.zeros(len(trials))
    for n in np.unique(trials):
        expected[trials == n] = 1 - 2 * _attained(int(n), np.array([0.25]))
    return float(min((1 + weights[undecided].sum()) / max((weights * expected).sum(), 1e-9), 1.0))


def _attained(n: int, bounds: Floats) -> Floats:
    """P(a sign test of n has a p at or below each bound): the largest p that it can have there."""
    forward = np.arange(n, -1, -1)
    possible = np.concatenate([[0.0], np.where(forward > 0, sign_p(np.maximum(forward, 1), n - forward), 1.0)])
    return possible[np.searchsorted(possible, bounds * (1 + 1e-9), side="right") - 1]
