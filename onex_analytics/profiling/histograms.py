"""Latencies as sketches: tables that can be stored, merged and asked for any quantile later."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from onex_analytics.frames.buckets import SCALE, known_scale
from onex_analytics.frames.columns import names, require
from onex_analytics.frames.counters import SketchCounter
from onex_analytics.frames.grouping import Grouping, streamed
from onex_analytics.frames.quantiles import Method, Share
from onex_analytics.frames.sketch import finished_sketch, merge_sketches, sketch_quantiles, sketch_schema
from onex_analytics.frames.spans import complete_spans
from onex_analytics.profiling.latency import QUANTILES
from onex_analytics.profiling.measuring import weights_of, without_unended


def histogram_table(
    spans: pl.LazyFrame | pl.DataFrame, by: str | Iterable[str] = ("node", "operation"), *, scale: int = SCALE
) -> pl.LazyFrame:
    """The sketch of the durations, for each group.

    Args:
        spans: one row a span, in any order; reads `duration_ms`, `state`, `adjusted_count` and the columns of `by`.
            When the result is collected the rows stream through compiled kernels and none is kept: the spans may be
            more than memory holds.
        by: columns to tell apart; null is a group like others.
        scale: from −10 to 10; at 6, an estimate is within 0.542 % of a duration.

    Returns:
        One row a bucket that is not empty, ordered by the columns of `by` (nulls last), then by duration: the columns
        of `by`, `scale`, `sign` (1, or 0 for durations of zero), `bucket`, `n` (spans), `weight` (spans that these
        stand for, by `adjusted_count`). Bucket i holds b^i < duration_ms ≤ b^(i+1), with b = 2^(2^-scale). Only what
        `latency_table` counts in its `n` is in it: what is left out (open, negative, unmeasured) that table tells.

    Raises:
        MissingColumns: a column of `by` is absent.
        InvalidOption: a scale out of reach, or a column of `by` named like one of the result.

    >>> from datetime import datetime, timedelta
    >>> noon = datetime(2026, 11, 1, 12)
    >>> spans = pl.DataFrame({
    ...     "trace_id": ["t"] * 3, "span_id": ["a", "b", "c"], "parent_span_id": [None] * 3, "name": ["stamp"] * 3,
    ...     "start": [noon] * 3, "end": [noon + timedelta(milliseconds=ms) for ms in (1, 3)] + [None],
    ... })
    >>> histogram_table(spans, "operation", scale=0).collect().rows()
    [('stamp', 0, 1, -1, 1, 1.0), ('stamp', 0, 1, 1, 1, 1.0)]

    Source: OpenTelemetry's exponential histogram, opentelemetry.io/docs/specs/otel/metrics/data-model.
    """
    keys = names(by)
    lazy = require(complete_spans(spans), *keys)
    schema = sketch_schema(lazy.collect_schema(), keys)
    known_scale(scale)
    needed = lazy.select(dict.fromkeys([*keys, "duration_ms", "state", "adjusted_count"]).keys())

    def collected() -> pl.DataFrame:
        grouping, counter = Grouping(keys), SketchCounter(scale, signed=False)

        def take(part: pl.DataFrame) -> None:
            codes = without_unended(grouping.codes(part, lasting=False), part)
            counter.add(codes, part["duration_ms"].to_numpy(), weights_of(part))

        streamed(needed, take)
        return finished_sketch(counter, grouping, schema)

    return pl.defer(collected, schema=schema)


def merge_histograms(
    *histograms: pl.LazyFrame | pl.DataFrame, by: str | Iterable[str] | None = None
) -> pl.LazyFrame:
    """One histogram of all the spans that several hold, exactly: of parts, of days, of nodes.

    Args:
        histograms: one or more of `histogram_table`, with the same columns; of several scales the coarsest is taken.
        by: the columns that shall still tell groups apart; None keeps all.

    Returns:
        The shape of `histogram_table`, ordered by its columns.

    Raises:
        MissingColumns: a frame is no histogram, or a column of `by` is absent. InvalidOption: no histogram at all.

    Source: exponential histograms merge perfectly, opentelemetry.io/docs/specs/otel/metrics/data-model.

    >>> day = pl.DataFrame({"node": ["a"], "scale": [6], "sign": [1], "bucket": [7], "n": [2], "weight": [2.0]})
    >>> merge_histograms(day, day).select("node", "bucket", "n").collect().rows()
    [('a', 7, 4)]
    """
    return merge_sketches(*histograms, by=by)


def histogram_quantile(
    histogram: pl.LazyFrame | pl.DataFrame, quantiles: Iterable[Share] = QUANTILES,
    by: str | Iterable[str] | None = None, *, method: Method = "nearest_rank",
) -> pl.LazyFrame:  # fmt: skip
    """Quantiles of the durations in a histogram.

    Args:
        histogram: of `histogram_table` or `merge_histograms`.
        quantiles: shares from 0 to 1.
        by: the columns that shall tell groups apart; None keeps all.
        method: the rank convention, as in `latency_table`.

    Returns:
        One row a group, ordered so: its columns, `n` (spans), `weight` (spans that these stand for), `p50_ms`, …, each
        within `relative_error` of what `latency_table` says exactly, `exact` (false) and `relative_error`.

    Raises:
        MissingColumns: the frame is no histogram, or a column of `by` is absent.
        InvalidOption: a share outside 0 to 1, or an unknown method.

    Source: Masson, Rim and Lee, "DDSketch" (PVLDB 12, 2019): the middle of a bucket is nowhere far off, relatively.

    >>> histogram = pl.DataFrame({"node": ["a"], "scale": [6], "sign": [1], "bucket": [63], "n": [9], "weight": [9.0]})
    >>> histogram_quantile(histogram, [0.5]).select("node", "n", pl.col("p50_ms").round(3), "exact").collect().rows()
    [('a', 9, 1.989, False)]
    """
    return sketch_quantiles(histogram, quantiles, by, method=method, suffix="_ms")
