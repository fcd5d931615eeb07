"""When a normal interval may be claimed, and why not where it may not.

An interval of so many standard errors to either side holds what it says where many traces carry the error and none of
them too much of it. Asked are: Kish's effective number of traces; of a sample, the traces that the variance itself
rests on (Satterthwaite's degrees of freedom, Σv² in place of the fourth moments); what skewness and kurtosis take from
the coverage (the next term of Edgeworth's expansion for an interval of an estimated error); and Hill's index of the
largest contributions, which is 2 or less where the variance of what one trace brings is not finite.

Source: Kish, Survey Sampling (1965); Satterthwaite, Biometrics 2 (1946) 110; Hall, The Bootstrap and Edgeworth
Expansion (1992), §2.6; Hill, Annals of Statistics 3 (1975) 1163.
"""

from __future__ import annotations

import math

import numpy as np
import polars as pl
from numpy.typing import NDArray

from onex_analytics.frames.statistics import z_of
from onex_analytics.sampling import design_kernels as kernels

LEAST_TRACES = 30
"""Fewer carry no normal interval."""

_LEAST_INDEX = 2.0
_MOST_LOST = 0.02


def coverage_lost(skewness: pl.Expr, kurtosis: pl.Expr, level: float = 0.95) -> pl.Expr:
    """The coverage that a two-sided interval lacks, for the skewness and excess kurtosis of the estimate's error.

    >>> pl.select(coverage_lost(pl.lit(0.3), pl.lit(0.0)).round(3)).item()
    0.022
    """
    z = z_of(level)
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    of_skewness, of_kurtosis = (z**4 + 2 * z * z - 3) / 18, (z * z - 3) / 12
    return (2 * z * density * (skewness**2 * of_skewness - kurtosis * of_kurtosis)).clip(0)


def heavy(tail_index: pl.Expr, top: pl.Expr) -> pl.Expr:
    """Whether an index of 2 lies within three standard errors of Hill's index of the `top` largest, or above it.

    >>> found = pl.DataFrame({"index": [2.4, 2.5, None], "top": [200, 200, 0]})
    >>> found.select(heavy(pl.col("index"), pl.col("top"))).to_series().to_list()
    [True, False, False]
    """
    return (tail_index <= _LEAST_INDEX * (1 + 3 / top.sqrt())).fill_null(False)


def grounds(found: NDArray[np.float64]) -> pl.DataFrame:
    """What an interval stands on, of rows of `design_kernels.moments`: `effective_n` and so on; see `with_warning`."""
    with np.errstate(invalid="ignore", divide="ignore"):
        variance, tail = found[:, kernels.VARIANCE], found[:, kernels.TAIL]
        return pl.DataFrame({
            "effective_n": finite(found[:, kernels.TRACES] ** 2 / found[:, kernels.INVERSE]),
            "rests_on": finite(variance**2 / found[:, kernels.SQUARES]),
            "skewness": finite(found[:, kernels.THIRD] / variance**1.5),
            "kurtosis": finite(found[:, kernels.FOURTH] / variance**2),
            "tail_index": finite(np.where(np.isfinite(tail), tail, np.nan)),
            "_top": found[:, kernels.TOP],
        })  # fmt: skip


def with_warning(told: pl.DataFrame, *, error_is_known: bool, is_thinned: bool = False) -> pl.DataFrame:
    """Rows with `warning`: why no interval is claimed, so that `low` and `high` are null; null where one is.

    Args:
        told: reads `std_error`, `low`, `high`, `effective_n`, `rests_on`, `skewness`, `kurtosis`, `tail_index` and
            `_top` (of how many values that is).
        error_is_known: of the whole log, so that it does not matter how many traces carry it. Those of a sample may
            have missed the few that do.
        is_thinned: whether some of a sample stands for more than itself: a group of few that shows no error, such as
            of failures alone, which are kept whole, may have missed the rest.
    """
    col = pl.col
    rests = pl.lit(False) if error_is_known else col("rests_on") < LEAST_TRACES
    reasons = [
        (col("effective_n") < LEAST_TRACES, pl.format("amounts to {} traces", col("effective_n").round(1))),
        (rests, pl.format("its error rests on {} traces", col("rests_on").round(1))),
        (heavy(col("tail_index"), col("_top")), pl.format("heavy tail: index {}", col("tail_index").round(2))),
        (coverage_lost(col("skewness"), col("kurtosis")) > _MOST_LOST,
         pl.format("skewed: {}", col("skewness").round(2))),
        (col("effective_n").is_not_null() & (col("low").is_null() | col("high").is_null()),
         pl.lit("an end of it lies beyond the values")),
    ]  # fmt: skip
    said = pl.concat_str([pl.when(test).then(text) for test, text in reasons], separator="; ", ignore_nulls=True)
    errs = (col("std_error") > 0).fill_null(True)  # it is null of a quantile one of whose ends is
    is_blind = pl.lit(is_thinned) & (col("std_error") == 0) & (col("low") == col("high"))
    few, told_few = reasons[0]
    reason = pl.when(errs & (said != "")).then(said).when(is_blind & few).then(told_few)
    warned = told.with_columns(warning=reason).drop("_top")
    claimed = col("warning").is_null()
    return warned.with_columns(low=pl.when(claimed).then("low"), high=pl.when(claimed).then("high"))


def finite(values: NDArray[np.float64]) -> pl.Series:
    """Numbers as a column; null where they are NaN."""
    return pl.Series(values, dtype=pl.Float64).fill_nan(None)
