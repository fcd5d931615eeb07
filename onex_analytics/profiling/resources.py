"""What work costs besides time: processor, memory, disk, network, cache, and what goes with the duration."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import NormalDist

import polars as pl

from onex_analytics.exceptions import InvalidOption
from onex_analytics.frames.columns import names, require
from onex_analytics.frames.spans import complete_spans
from onex_analytics.model.shapes import PROFILE_NUMBERS
from onex_analytics.profiling.standing import is_measured, weight

_OURS = ("measure", "n", "untold", "weight", "mean", "max", "total", "share_of_wall", "spearman", "spearman_low",
         "spearman_high", "correlated", "exact", "relative_error")  # fmt: skip


def resource_profile(
    spans: pl.LazyFrame | pl.DataFrame,
    by: str | Iterable[str] = ("node", "operation", "node_version"),
    *,
    confidence: float = 0.95,
) -> pl.LazyFrame:
    """What each resource amounts to, how much of the time it explains, and whether it goes with the duration.

    Args:
        spans: one row a span, in any order: reads the numbers of a PERFORMANCE_PROFILE (`model.PROFILE_NUMBERS`) that
            are there, `duration_ms`, `state`, `adjusted_count` and the columns of `by`. Or events (a frame with
            `event_type`): then each PERFORMANCE_PROFILE counts as a span of `execution_time_ms`.
        by: columns to tell apart; null is a group like others.
        confidence: of the intervals, above 0 and below 1.

    Returns:
        One row a (group, measure) of which a span tells a number, ordered so (nulls last, measures as in
        `PROFILE_NUMBERS`): the columns of `by`; `measure`, such as "cpu_time_ms", whose unit it has; `n` (spans that
        tell it) and `untold` (the other spans of the group); `weight` (what the `n` stand for, by `adjusted_count`);
        `mean` and `total` (of those that they stand for), `max` (of those that are there); `share_of_wall` (for
        milliseconds: their sum as a share of the sum of the durations, of spans that tell both; for `cpu_time_ms` the
        utilisation, which is above 1 where several cores work; null for other units); `spearman` (rank correlation
        with the duration, −1 to 1, over the `correlated` spans that tell both; null where one does not vary),
        `spearman_low` and `spearman_high` (its interval; null for fewer than four spans). A group that tells nothing
        has no row. NaN and infinities tell nothing; an open span tells its numbers, but has no duration. `exact` is
        true and `relative_error` 0.0: of the spans that are there nothing is estimated.

    Raises:
        MissingColumns: a column of `by` is absent.
        InvalidOption: a confidence that is not between 0 and 1, or a column of `by` named like one of the result.

    >>> from datetime import datetime, timedelta
    >>> noon = datetime(2026, 11, 1, 12)
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t"] * 4, "span_id": list("abcd"), "parent_span_id": [None] * 4, "name": ["stamp"] * 4,
    ...     "start": [noon] * 4, "end": [noon + timedelta(milliseconds=ms) for ms in (10, 20, 30, 40)],
    ...     "cpu_time_ms": [5.0, 10.0, 15.0, 20.0],
    ... })
    >>> resource_profile(spans, by="operation").select("measure", "n", "mean", "share_of_wall", "spearman"
    ...     ).collect().rows()
    [('cpu_time_ms', 4, 12.5, 0.5, 1.0)]

    Source: Bonett & Wright (2000), Sample size requirements for estimating Pearson, Kendall and Spearman correlations:
    Fisher's z with the variance (1 + r²/2) / (n − 3).
    """
    if not 0 < confidence < 1:
        raise InvalidOption("confidence", confidence, "a share above 0 and below 1, such as 0.95")
    keys = names(by)
    if clash := [key for key in keys if key in _OURS]:
        raise InvalidOption("by", clash, f"columns named otherwise than those of the result, {list(_OURS)}")
    lazy = require(_as_spans(spans), *keys)
    measures = [name for name in PROFILE_NUMBERS if name not in keys]
    duration = pl.when(is_measured()).then("duration_ms").alias("_duration")
    needed = lazy.select(*keys, duration, weight().alias("_weight"), pl.col(measures).cast(pl.Float64))
    index = [*keys, "_duration", "_weight"]
    told = needed.unpivot(measures, index=index, variable_name="measure", value_name="_value")
    order = pl.Enum(list(PROFILE_NUMBERS))
    groups = [*keys, "measure"]
    both = pl.col("_value").is_not_null() & pl.col("_duration").is_not_null()
    ranked = (
        told.with_columns(pl.col("measure").cast(order), pl.when(pl.col("_value").is_finite()).then("_value"))
        .with_columns(both.alias("_both"))
        .with_columns(
            pl.when("_both").then(name).rank("average").over(groups).alias(rank)
            for name, rank in (("_value", "_rank"), ("_duration", "_rank_of_duration"))
        )
    )
    is_told = pl.col("_value").is_not_null()
    weights, total = pl.col("_weight").filter(is_told).sum(), (pl.col("_value") * pl.col("_weight")).sum()
    wall = (pl.col("_duration") * pl.col("_weight")).filter("_both").sum()
    of_both = (pl.col("_value") * pl.col("_weight")).filter("_both").sum()
    rho = pl.corr(pl.col("_rank").filter("_both"), pl.col("_rank_of_duration").filter("_both")).fill_nan(None)
    profile = (
        ranked.group_by(groups)
        .agg(
            is_told.sum().cast(pl.UInt64).alias("n"),
            (~is_told).sum().cast(pl.UInt64).alias("untold"),
            weights.alias("weight"),
            (total / pl.when(weights > 0).then(weights)).alias("mean"),
            pl.col("_value").max().alias("max"),
            total.alias("total"),
            (of_both / pl.when(wall > 0).then(wall)).alias("share_of_wall"),
            rho.clip(-1, 1).alias("spearman"),
            pl.col("_both").sum().cast(pl.UInt64).alias("correlated"),
        )
        .filter(pl.col("n") > 0)
    )
    is_time = pl.col("measure").cast(pl.String).str.ends_with("_ms")
    n, r = pl.col("correlated").cast(pl.Float64), pl.col("spearman")
    reach = NormalDist().inv_cdf(0.5 + confidence / 2) * ((1 + r**2 / 2) / pl.when(n > 3).then(n - 3)).sqrt()
    bounded = profile.with_columns(
        pl.when(is_time).then("share_of_wall"),
        (r.arctanh() - reach).tanh().alias("spearman_low"),
        (r.arctanh() + reach).tanh().alias("spearman_high"),
        pl.lit(True).alias("exact"),
        pl.lit(0.0).alias("relative_error"),
    )
    return bounded.sort(groups, nulls_last=True).with_columns(pl.col("measure").cast(pl.String)).select(*keys, *_OURS)


def _as_spans(frame: pl.LazyFrame | pl.DataFrame) -> pl.LazyFrame:
    """Spans as they are; of events, each PERFORMANCE_PROFILE as a span."""
    lazy = frame.lazy()
    found = lazy.collect_schema()
    if "event_type" not in found or "start" in found:
        return complete_spans(lazy)
    require(lazy, "execution_time_ms")
    profiles = lazy.filter(pl.col("event_type") == "PERFORMANCE_PROFILE")
    absent = {name: dtype for name, dtype in PROFILE_NUMBERS.items() if name not in found}
    return profiles.with_columns(
        pl.col("execution_time_ms").alias("duration_ms"),
        pl.lit("closed").alias("state"),
        *([] if "adjusted_count" in found else [pl.lit(1.0).alias("adjusted_count")]),
        *(pl.lit(None, dtype).alias(name) for name, dtype in absent.items()),
    )
