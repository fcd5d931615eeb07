"""Design errors: how an estimate varies as traces are drawn, exact and in closed form.

Of a sum, where each trace has one share p: Var Ŷ = Σ (1 − p)/p · y², over all traces. Where the events of a trace have
several shares and one randomness: Σ y_i·y_j·(1/max(p_i, p_j) − 1) over the pairs within a trace. Of a ratio the same of
its linearised residuals (Hájek). Of a quantile that of the share up to it, read off at the quantiles of the log that
lie as far away (Woodruff). Events of share 0 are never seen: what is missing is bias.

Source: Särndal, Swensson and Wretman, Model Assisted Survey Sampling (1992), §§2.8, 5.6, 5.11; Woodruff, J. Am. Stat.
Assoc. 47 (1952) 635.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.frames.grouping import in_threads, workers
from onex_analytics.frames.statistics import z_of
from onex_analytics.sampling import design_kernels as kernels
from onex_analytics.sampling.claims import finite, grounds, with_warning
from onex_analytics.sampling.metrics import Metric
from onex_analytics.sampling.populations import Codes, Floats, Parts, Population, Ranked, Segments

ERROR_NUMBERS = pl.Schema({
    "truth": pl.Float64(),           # of the whole log; null where it has none
    "expected": pl.Float64(),        # on average over draws; null where the group is never seen
    "bias": pl.Float64(),            # expected − truth: of events that are never kept
    "std_error": pl.Float64(),
    "rmse": pl.Float64(),            # of bias and standard error together
    "relative_error": pl.Float64(),  # rmse / |truth|; null where that is 0
    "low": pl.Float64(),             # within which 95 of 100 draws tell the estimate; null where `warning` says why
    "high": pl.Float64(),
    "effective_n": pl.Float64(),     # traces that an unweighted sample as good would have (Kish)
    "rests_on": pl.Float64(),        # traces kept that carry the standard error
    "skewness": pl.Float64(),        # of the estimate, over draws
    "kurtosis": pl.Float64(),        # above that of the normal law
    "tail_index": pl.Float64(),      # Hill's, of what traces bring to it; null of few, or of equal ones
    "never_seen": pl.Float64(),      # chance that no event of it is kept, 0 to 1
    "warning": pl.String(),          # why no interval is claimed
})  # fmt: skip
"""What a policy does to one metric of one group."""


def design_errors(population: Population, shares: Floats, metric: Metric, grouped: bool) -> pl.DataFrame:
    """`ERROR_NUMBERS` of each policy, and in each of each group, in the order of both.

    Args:
        population: the events.
        shares: one row a policy, one column a stratum and a last one for events without id.
        grouped: by the population's groups, else overall.
    """
    if metric.kind == "quantile":
        return _of_quantile(population, shares, metric, grouped)
    found = _moments(population.added(population.parts(metric), grouped), shares)
    true, true_den, reached, reached_den, variance = (found[..., column] for column in range(5))
    with np.errstate(invalid="ignore", divide="ignore"):
        if metric.is_ratio:
            true, expected, error = true / true_den, reached / reached_den, np.sqrt(variance) / reached_den
        else:
            expected, error = reached, np.sqrt(variance)
        reach = z_of(0.95) * error
    return _numbers(true, expected, error, expected - reach, expected + reach, found)


def volumes(population: Population, shares: Floats, of: Floats) -> tuple[Floats, Floats]:
    """What each policy keeps of a sum over events: expected, and its standard deviation over draws."""
    everything = np.ones(population.size, np.bool_)
    told = _moments(population.added(Parts(everything, of, np.empty(0)), False), shares, expanded=False)[:, 0]
    return told[:, kernels.REACHED], np.sqrt(told[:, kernels.VARIANCE])


def of_each(which: Sequence[int], groups: pl.DataFrame) -> pl.DataFrame:
    """The groups once for each policy, with its number as `_policy`: the rows that `design_errors` tells of.

    >>> of_each([3, 5], pl.DataFrame({"node": ["a", "b"]})).rows()
    [('a', 3), ('b', 3), ('a', 5), ('b', 5)]
    """
    rows = groups[np.tile(np.arange(groups.height), len(which))]
    return rows.with_columns(_policy=pl.Series(np.repeat(np.asarray(which, np.int64), groups.height)))


def kept_of_groups(population: Population, shares: Floats, parts: Parts) -> pl.DataFrame:
    """What each policy keeps of the events that are inside: one row a policy and group, in the order of both.

    Returns:
        `events` and `traces` that there are, `events_kept` on average, `never_seen`: the chance that none is kept.
    """
    segments = population.added(parts, True)
    told = _moments(segments, shares, expanded=False)
    traces = np.diff(np.concatenate([[0], np.cumsum(segments.times)])[segments.begins])
    return pl.DataFrame({
        "events": told[..., kernels.TRUE].ravel().astype(np.int64), "traces": np.tile(traces, len(shares)),
        "events_kept": told[..., kernels.REACHED].ravel(), "never_seen": np.exp(told[..., kernels.NEVER]).ravel(),
    })  # fmt: skip


def _moments(segments: Segments, shares: Floats, expanded: bool = True) -> Floats:
    """`design_kernels.moments` of each policy and group."""
    told = np.zeros((len(shares), len(segments.begins) - 1, kernels.WIDTH))
    turns = workers() if len(segments.num) * len(shares) > 1 << 20 else 1

    def some(turn: int) -> None:
        for policy in range(turn, len(shares), turns):
            kernels.moments(shares[policy], expanded, *segments, told[policy])

    in_threads(some, turns)
    return told


def _of_quantile(population: Population, shares: Floats, metric: Metric, grouped: bool) -> pl.DataFrame:
    """Policies that never see the same strata estimate the same quantile, and are looked at together."""
    groups = population.groups.height if grouped else 1
    group = population.group if grouped else np.zeros(population.size, np.int32)
    values, weight = population.values(metric), population.weight()
    is_in = ~np.isnan(values)
    lost = (shares == 0) & (np.bincount(population.stratum[is_in], minlength=shares.shape[1]) > 0)

    def ranked(chosen: NDArray[np.bool_]) -> Ranked:
        return Ranked(values[chosen], weight[chosen], group[chosen], groups)

    truth = ranked(is_in).quantile(metric.q)
    expected, error, low, high = (np.empty((len(shares), groups)) for _ in range(4))
    found = np.empty((len(shares), groups, kernels.WIDTH))
    alike: dict[bytes, list[int]] = {}
    for number, one in enumerate(lost):
        alike.setdefault(one.tobytes(), []).append(number)
    for which in alike.values():
        left = ranked(is_in & ~lost[which[0]][population.stratum])
        at = left.quantile(metric.q)
        found[which] = _moments(population.added(population.parts(metric, at, group), grouped), shares[which])
        for number in which:
            expected[number] = at
            low[number], high[number], error[number] = _woodruff(at, left, found[number], metric.q)
    return _numbers(np.broadcast_to(truth, expected.shape), expected, error, low, high, found)


def _woodruff(at: Floats, values: Ranked, row: Floats, q: float) -> tuple[Floats, Floats, Floats]:
    """The bounds of a quantile and its standard error; NaN where a bound lies beyond the values."""
    z = z_of(0.95)
    with np.errstate(invalid="ignore", divide="ignore"):
        reach = z * np.sqrt(row[:, kernels.VARIANCE]) / row[:, kernels.REACHED_DEN]
    low, high = woodruff_ends(at, values, q, reach, row)
    return low, high, (high - low) / (2 * z)


def woodruff_ends(at: Floats, values: Ranked, q: float, reach: Floats, found: Floats) -> tuple[Floats, Floats]:
    """The values as far from a quantile as its share may be off; NaN where one lies beyond them.

    A share of all or none has no error of its own, so that it tells nothing of the ends unless all was kept whole.
    """
    whole = found[:, kernels.INVERSE] <= found[:, kernels.TRACES]
    untold = np.where(whole, at, np.nan)
    low, high = (np.where(reach == 0, untold, values.at(q + side * reach)) for side in (-1, 1))
    return low, high


def _numbers(truth: Floats, expected: Floats, error: Floats, low: Floats, high: Floats, found: Floats) -> pl.DataFrame:
    truth, expected, error, low, high = (values.ravel() for values in (truth, expected, error, low, high))
    flat = found.reshape(-1, kernels.WIDTH)
    with np.errstate(invalid="ignore", divide="ignore"):
        off = np.hypot(expected - truth, error)
        told = pl.DataFrame({
            "truth": finite(truth), "expected": finite(expected), "bias": finite(expected - truth),
            "std_error": finite(error), "rmse": finite(off),
            "relative_error": finite(np.where(truth != 0, off / np.abs(truth), np.nan)),
            "low": finite(low), "high": finite(high), "never_seen": np.exp(flat[:, kernels.NEVER]),
        }).hstack(grounds(flat))  # fmt: skip
    return with_warning(told, error_is_known=True).select(*ERROR_NUMBERS)


def distinct_strata(shares: Floats) -> tuple[Floats, Codes]:
    """Strata that no policy tells apart as one: their shares, and the number of each that was given."""
    kept, numbers = np.unique(shares[:, :-1], axis=1, return_inverse=True)
    return np.column_stack([kept, shares[:, -1]]), np.append(numbers, kept.shape[1]).astype(np.int32)
