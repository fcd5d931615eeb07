"""Percentiles in which unfinished work counts for what is known of it: that it took at least so long.

Source: E. L. Kaplan and P. Meier, "Nonparametric estimation from incomplete observations", Journal of the American
Statistical Association 53 (1958), pages 457 to 481. Ends come before censorings of the same duration, as is usual.
Where nothing is censored the percentiles are those of `frames.quantiles`: nearest rank.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from onex_analytics.frames.quantiles import Share, exact_share, quantile_name

_ROUNDING = 1e-9


def survival_percentiles(
    durations: pl.LazyFrame, by: Sequence[str], quantiles: Sequence[Share]
) -> pl.LazyFrame:
    """Kaplan–Meier percentiles of durations, some of which are only known to have lasted so long yet.

    Args:
        durations: one row a piece of work; reads `lasted_ms` (not null), `is_over` and the columns of `by`.
        by: columns to tell apart.
        quantiles: shares, 0 to 1.

    Returns:
        One row a group, ordered by `by`: those columns, then one `p…_ms` a share: the smallest duration by which at
        least that share of the work was over, null where so much was never seen to end.

    >>> work = pl.LazyFrame({"lasted_ms": [1.0, 2.0, 2.5, 4.0], "is_over": [True, True, False, True]})
    >>> survival_percentiles(work, [], [0.5, 0.9]).collect().rows()
    [(2.0, 4.0)]
    """
    group = [*by] or ["_all"]
    rows = durations if by else durations.with_columns(_all=pl.lit(0))
    steps = (
        rows.group_by(*group, "lasted_ms")
        .agg(pl.col("is_over").sum().alias("ended"), pl.len().alias("leaving"))
        .sort(*group, "lasted_ms", nulls_last=True)
        .with_columns(at_risk=pl.col("leaving").cum_sum(reverse=True).over(group))
        .with_columns(still=(1 - pl.col("ended") / pl.col("at_risk")).cum_prod().over(group))
    )
    found = [
        pl.col("lasted_ms")
        .filter((pl.col("ended") > 0) & (pl.col("still") <= 1 - float(exact_share(q)) + _ROUNDING))
        .min()
        .alias(f"{quantile_name(q)}_ms")
        for q in quantiles
    ]
    result = steps.group_by(group).agg(found).sort(group, nulls_last=True)
    return result if by else result.drop("_all")
