"""How likely it is by chance that so many come together."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from onex_analytics.frames.statistics import Floats

_NEGLIGIBLE = 1e-17


def hypergeometric_tail(at_least: ArrayLike, total: ArrayLike, left: ArrayLike, right: ArrayLike) -> Floats:
    """The chance that `at_least` so many of `total` are in both of two parts, `left` and `right` large, of them.

    This is Fisher's one-sided test. The side of the distribution that holds less is summed, outwards, until what is
    left does not count; so a small chance is as exact as a large one. `scipy.stats` has the same, at the price of
    loading it.

    Args:
        at_least, total, left, right: whole numbers that fit each other, one element a test.

    Source: Fisher, J. R. Stat. Soc. 98 (1935) 39; the ratio of neighbouring terms is that of binomial coefficients.

    >>> hypergeometric_tail([0, 2, 3, 4], 6, 3, 3).round(12).tolist()
    [1.0, 0.5, 0.05, 0.0]
    """
    arrays = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (at_least, total, left, right)))
    k, n, one, other = (each.ravel() for each in arrays)
    rest = n - one - other
    is_above = k > np.floor((one + 1) * (other + 1) / (n + 2))  # the most likely number
    x = np.where(is_above, k, k - 1)
    possible = (x >= np.maximum(0.0, -rest)) & (x <= np.minimum(one, other))
    tail = np.zeros(k.shape)
    tail[possible] = _chance_of(*(each[possible] for each in (x, n, one, other)))
    left_over = np.flatnonzero(tail > 0)
    term, x = tail[left_over], x[left_over]
    while len(left_over):
        a, b, c, up = (each[left_over] for each in (one, other, rest, is_above))
        further = (a - x) * (b - x) / ((x + 1) * (c + x + 1))
        with np.errstate(divide="ignore", invalid="ignore"):
            term = term * np.where(up, further, x * (c + x) / ((a - x + 1) * (b - x + 1)))
        x = np.where(up, x + 1, x - 1)
        tail[left_over] += term
        counts = term > _NEGLIGIBLE * tail[left_over]
        left_over, term, x = left_over[counts], term[counts], x[counts]
    return np.clip(np.where(is_above, tail, 1 - tail), 0.0, 1.0).reshape(arrays[0].shape)


def odds_tail(at_least: ArrayLike, total: ArrayLike, left: ArrayLike, right: ArrayLike, odds: float) -> Floats:
    """The same chance, were the odds to be in the one part `odds` times as high in the other part as outside of it.

    Small where it shows that the odds ratio is above `odds`: exact, however few there are.

    Args:
        at_least, total, left, right: as `hypergeometric_tail` has them.
        odds: above 0; 1 gives `hypergeometric_tail`, but for chances below 1e-16, which are 0 here.

    Source: Fisher's noncentral hypergeometric distribution, summed from its mode outwards: Liao and Rosen, Am. Stat. 55
    (2001) 366.

    >>> odds_tail([2, 3], 6, 3, 3, 1.0).round(12).tolist(), odds_tail([2, 3], 6, 3, 3, 3.0).round(3).tolist()
    ([0.5, 0.05], [0.794, 0.199])
    """
    arrays = np.broadcast_arrays(*(np.asarray(each, dtype=np.float64) for each in (at_least, total, left, right)))
    k, n, one, other = (each.ravel() for each in arrays)
    rest = n - one - other
    lowest, highest = np.maximum(0.0, -rest), np.minimum(one, other)
    middle = odds * (one + other + 2) + rest
    product = odds * (one + 1) * (other + 1)
    root = np.sqrt(np.maximum(middle**2 - 4 * (odds - 1) * product, 0.0))
    mode = np.clip(np.floor(2 * product / (middle + root)), lowest, highest)
    whole, tail = np.ones(k.shape), (mode >= k).astype(np.float64)  # of a term of 1 at the mode
    for up in (True, False):
        left_over, x, term = np.arange(len(k)), mode, np.ones(k.shape)
        while len(left_over):
            a, b, c = one[left_over], other[left_over], rest[left_over]
            with np.errstate(divide="ignore", invalid="ignore"):
                if up:
                    further, ratio = x < highest[left_over], odds * (a - x) * (b - x) / ((x + 1) * (c + x + 1))
                else:
                    further, ratio = x > lowest[left_over], x * (c + x) / (odds * (a - x + 1) * (b - x + 1))
                term = np.where(further, term * ratio, 0.0)
            x = x + 1 if up else x - 1
            whole[left_over] += term
            tail[left_over] += np.where(x >= k[left_over], term, 0.0)
            counts = term > _NEGLIGIBLE * whole[left_over]
            left_over, x, term = left_over[counts], x[counts], term[counts]
    return np.asarray(np.minimum(tail / whole, 1.0)).reshape(arrays[0].shape)


def _chance_of(x: Floats, n: Floats, one: Floats, other: Floats) -> Floats:
    """That exactly `x` are in both."""
    logs = _log_choices(one, x) + _log_choices(n - one, other - x) - _log_choices(n, other)
    return np.asarray(np.exp(logs))


def _log_choices(many: Floats, chosen: Floats) -> Floats:
    from scipy.special import betaln

    return np.asarray(-np.log1p(many) - betaln(chosen + 1, many - chosen + 1))
