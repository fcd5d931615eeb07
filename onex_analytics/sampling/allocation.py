"""Shares by stratum that make the largest of several errors as small as a volume allows.

For one error, Neyman's: with the squared error Σ A_s·(1/p_s − 1) and the volume Σ n_s·p_s, the best share is in
proportion to √(A_s / n_s), and at most 1. Of several, the largest is least for some weighted sum of them; the weights
are found by raising those of errors that lie above the others.

Source: Neyman, J. R. Stat. Soc. 97 (1934) 558; for several: Chromy, Proc. Survey Research Methods (ASA, 1987) 194.
"""

from __future__ import annotations

import numpy as np

from onex_analytics.sampling.populations import Floats

_ROUNDS = 200
_CALMER = 0.7
"""By what the steps shrink where one made it worse."""


def allocated(spread: Floats, volume: Floats, budget: float, least: float) -> Floats:
    """The share of each stratum.

    Args:
        spread: A, not below 0: one row an error, one column a stratum.
        volume: of each stratum, above 0.
        budget: the volume to be kept, at least `least` of all.
        least: the smallest share.

    >>> allocated(np.array([[4.0, 1.0]]), np.array([100.0, 100.0]), 30.0, 0.01).round(3).tolist()
    [0.2, 0.1]
    >>> allocated(np.array([[400.0, 0.0], [0.0, 100.0]]), np.array([100.0, 100.0]), 30.0, 0.01).round(2).tolist()
    [0.23, 0.07]
    """
    if budget >= volume.sum():
        return np.ones(len(volume))
    weights, pace, before = np.ones(len(spread)), 1.0, np.inf
    best, smallest = np.full(len(volume), budget / volume.sum()), np.inf
    for _ in range(_ROUNDS):
        shares = _filled(np.sqrt(weights @ spread / volume), volume, budget, least)
        errors = spread @ (1 / shares - 1)
        worst = float(errors.max(initial=0.0))
        if worst < smallest:
            best, smallest = shares, worst
        if not worst or errors.min() > 0.999 * smallest:
            break
        pace = max(_CALMER * pace, 0.02) if worst > before else pace
        before = worst
        weights *= np.maximum(errors / worst, 1e-3) ** pace
        weights /= weights.max()
    return best


def _filled(wanted: Floats, volume: Floats, budget: float, least: float) -> Floats:
    """Shares in proportion to what is wanted, from `least` to 1, whose volume is the budget.

    Strata that no error needs share what the others leave.
    """
    wanted = np.maximum(wanted, 1e-6 * wanted.max(initial=0.0)) if wanted.any() else np.ones(len(wanted))
    bends = np.concatenate([least / wanted, 1 / wanted])  # as the scale grows, a share leaves `least`, and stays at 1
    order = np.argsort(bends)
    bends = bends[order]
    slopes = np.cumsum(np.concatenate([volume * wanted, -volume * wanted])[order])
    kept = least * volume.sum() + np.concatenate([[0.0], np.cumsum(slopes[:-1] * np.diff(bends))])
    place = max(int(np.searchsorted(kept, budget, side="right")) - 1, 0)
    scale = bends[place] + (max(budget - kept[place], 0.0) / slopes[place] if slopes[place] > 0 else 0.0)
    return np.asarray(np.clip(scale * wanted, least, 1.0))
