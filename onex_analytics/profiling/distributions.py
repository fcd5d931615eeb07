"""How durations are spread: the share of the work that took at most so long."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from onex_analytics.frames.columns import require
from onex_analytics.frames.sketch import SKETCH_MEND, merge_sketches

_TOLD = ("scale", "sign", "bucket", "n", "weight")


def ecdf(histogram: pl.LazyFrame | pl.DataFrame, by: str | Iterable[str] | None = None) -> pl.LazyFrame:
    """The empirical distribution of durations, at the bounds of a histogram's buckets.

    Args:
        histogram: of `histogram_table` or `merge_histograms`.
        by: the columns that shall still tell groups apart; None keeps all.

    Returns:
        One row a bucket that is not empty, ordered by the columns of `by` (nulls last), then by duration: the columns
        of `by`; `upper_ms` (of the bucket; 0 for durations of zero); `share` of the work that took at most that long,
        above 0 up to 1 (of `weight`; of `n` where that is 0); `n`: spans that took at most that long, `spans`: of the
        group; `exact` (true: at the bounds the shares are, between two of them they are not known) and
        `relative_error` (between the bounds of a bucket, and so of a duration that is read off for a share).

    Raises:
        MissingColumns: the frame is no histogram, or a column of `by` is absent.

    Source: the empirical distribution function, at the upper bounds of OpenTelemetry's exponential histogram.

    >>> histogram = pl.DataFrame({
    ...     "node": ["a"] * 2, "scale": [0] * 2, "sign": [1] * 2, "bucket": [2, 4], "n": [3, 1], "weight": [3.0, 1.0],
    ... })
    >>> ecdf(histogram).select("node", "upper_ms", "share", "n", "spans").collect().rows()
    [('a', 8.0, 0.75, 3, 4), ('a', 32.0, 1.0, 4, 4)]
    """
    merged = merge_sketches(require(histogram.lazy(), *_TOLD, mend=SKETCH_MEND), by=by)
    keys = [name for name in merged.collect_schema().names() if name not in _TOLD]
    groups = [pl.col(key) for key in keys] or [pl.lit(0)]
    width = pl.lit(2.0).pow(-pl.col("scale").cast(pl.Float64))
    upper = pl.lit(2.0).pow((pl.col("bucket").cast(pl.Float64) + 1) * width)
    inverse = pl.lit(0.5).pow(width)
    mass = pl.when(pl.col("weight").sum().over(groups) > 0).then("weight").otherwise(pl.col("n").cast(pl.Float64))
    return (
        merged.sort(*keys, "sign", "bucket", nulls_last=True)
        .with_columns(_mass=mass)
        .select(
            *keys,
            pl.when(pl.col("sign") == 0).then(0.0).otherwise(upper).alias("upper_ms"),
            (pl.col("_mass").cum_sum().over(groups) / pl.col("_mass").sum().over(groups)).clip(0.0, 1.0).alias("share"),
            pl.col("n").cum_sum().over(groups),
            pl.col("n").sum().over(groups).alias("spans"),
            pl.lit(True).alias("exact"),
            ((1 - inverse) / (1 + inverse)).alias("relative_error"),
        )
    )
