"""Latencies over time as a grid: every mode and every tail is seen, where a line of means shows none."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from onex_analytics.frames.columns import names, require
from onex_analytics.frames.spans import complete_spans
from onex_analytics.frames.windows import bucket
from onex_analytics.profiling.histograms import histogram_table


def heatmap(
    spans: pl.LazyFrame | pl.DataFrame, every: str = "1m", by: str | Iterable[str] = (), *, scale: int = 2
) -> pl.LazyFrame:
    """How many spans began in each bucket of time and took that long, in steps that grow with the duration.

    Args:
        spans: one row a span, in any order; reads `start`, `duration_ms`, `state`, `adjusted_count` and the columns
            of `by`.
        every: bucket width as a Polars duration.
        by: columns to tell apart.
        scale: steps of duration are 2^(2^-scale) wide: at 2, four from each power of two to the next.

    Returns:
        One row a cell that is not empty, ordered so: `start` and `end` (of the bucket [start, end), UTC, null for spans
        whose start is not known), the columns of `by`, `lower_ms` and `upper_ms` (durations above the one and up to
        the other; both 0 for durations of zero), `bucket` (i32, the exponential histogram's: cells one above the other
        follow each other), `n` (spans), `weight` (what these stand for, by `adjusted_count`), `exact` (false: the
        counts are, the durations are not) and `relative_error` (of a duration told by its cell). Cells add up to the
        `n` of `latency_timeseries`, which also tells what is left out. An empty cell has no row.

    Raises:
        MissingColumns: a column of `by` is absent.
        InvalidOption: an `every` that is no duration, or a scale out of reach.

    Source: Gregg, "Visualizing System Latency" (CACM 2010); its steps are OpenTelemetry's exponential histogram.

    >>> from datetime import datetime, timedelta
    >>> noon = datetime(2026, 11, 1, 12)
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t"] * 3, "span_id": ["a", "b", "c"], "parent_span_id": [None] * 3, "name": ["stamp"] * 3,
    ...     "start": [noon] * 3, "end": [noon + timedelta(milliseconds=ms) for ms in (5, 6, 9)],
    ... })
    >>> heatmap(spans, scale=0).select("lower_ms", "upper_ms", "n").collect().rows()
    [(4.0, 8.0, 2), (8.0, 16.0, 1)]
    """
    keys = [key for key in names(by) if key not in ("start", "end")]
    lazy = require(complete_spans(spans), *keys).with_columns(bucket(every, "start"))
    counted = histogram_table(lazy, ["start", *keys], scale=scale)
    width = 2.0**-scale
    lower = pl.lit(2.0).pow(pl.col("bucket").cast(pl.Float64) * width)
    upper = pl.lit(2.0).pow((pl.col("bucket").cast(pl.Float64) + 1) * width)
    inverse = 0.5**width
    return counted.select(
        "start",
        pl.col("start").dt.offset_by(every).alias("end"),
        *keys,
        pl.when(pl.col("sign") == 0).then(0.0).otherwise(lower).alias("lower_ms"),
        pl.when(pl.col("sign") == 0).then(0.0).otherwise(upper).alias("upper_ms"),
        "bucket",
        "n",
        "weight",
        pl.lit(False).alias("exact"),
        pl.lit((1 - inverse) / (1 + inverse)).alias("relative_error"),
    )
